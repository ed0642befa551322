"""The worker's door."""

from celery import shared_task


@shared_task(acks_late=True)
def run_profile(*, organization_id, work_id):
    from apps.datasets import runs  # keeps the laboratory out of the web process

    runs.run(organization_id, work_id)
