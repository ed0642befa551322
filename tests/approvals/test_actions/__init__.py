"""Asking, signing, sending back, withdrawing and revoking: state and record together, or neither."""

from apps.audits.models import Record


def events(thing):
    return list(
        Record.objects.filter(on_type=thing._meta.model_name, on_id=thing.pk)
        .order_by("seq")
        .values_list("event", flat=True)
    )
