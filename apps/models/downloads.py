"""A file of a model as an answer, for both doors."""

from django.http import FileResponse, JsonResponse

from apps.common import storage
from apps.models import actions, signatures


def attachment(version, name: str, file: dict) -> FileResponse:
    """The stored bytes, under a name that says which model they belong to."""
    stored = storage.open_stored(version.organization_id, file["digest"])
    filename = f"{version.model.name}-v{version.number}-{name}"
    return FileResponse(stored, as_attachment=True, filename=filename, content_type="application/octet-stream")


def signature(version) -> JsonResponse:
    """`model.sig`, to lie beside the files: a Sigstore bundle with the organization's signature."""
    response = JsonResponse(signatures.bundle(actions.sign(version).envelope))
    response.headers["Content-Disposition"] = f'attachment; filename="{signatures.named(version)}.model.sig"'
    return response
