"""The worker's door."""

from celery import shared_task


@shared_task(acks_late=True)
def build_document(*, organization_id, work_id):
    from apps.documents import runs  # keeps the laboratory out of the web process

    runs.run(organization_id, work_id)
