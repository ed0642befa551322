"""The worker's door."""

from celery import shared_task


@shared_task(acks_late=True)
def run_report(*, organization_id, work_id):
    from apps.reports import runs  # keeps torch, Opacus and the laboratory out of the web process

    runs.run(organization_id, work_id)


@shared_task(acks_late=True)
def run_operation_report(*, organization_id, work_id):
    from apps.reports import in_operation

    in_operation.run(organization_id, work_id)
