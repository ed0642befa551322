"""A file of a model as an answer, for both doors."""

from django.http import FileResponse, JsonResponse

from apps.common import storage
from apps.models import actions, signatures


def attachment(version, name: str, *, by) -> FileResponse:
    """The stored bytes, under a name that says which model they belong to; it is remembered. Raises ActionDenied."""
    with storage.given_out():
        actions.take_away(version, name, by=by)
        stored = storage.open_stored(version.organization_id, version.files[name]["digest"])
    filename = f"{version.model.name}-v{version.number}-{name}"
    return FileResponse(stored, as_attachment=True, filename=filename, content_type="application/octet-stream")


def signature(version) -> JsonResponse:
    """`model.sig`, to lie beside the files: a Sigstore bundle with the organization's signature."""
    response = JsonResponse(signatures.bundle(actions.sign(version).envelope))
    response.headers["Content-Disposition"] = f'attachment; filename="{signatures.named(version)}.model.sig"'
    return response
