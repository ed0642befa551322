"""The worker's door."""

from celery import shared_task


@shared_task(acks_late=True)
def run_training(*, organization_id, work_id):
    from apps.training import runs  # keeps torch, Opacus and the laboratory out of the web process

    runs.run(organization_id, work_id)
