"""The worker's door."""

from celery import shared_task


@shared_task(acks_late=True)
def attest(*, organization_id, work_id):
    from portal.isolation import runs  # keeps every room out of the process that only sends

    runs.run(organization_id, work_id)
