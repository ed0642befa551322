"""A built document as a file: its stored bytes, checked against their digest."""

from django.http import HttpResponse

from apps.common import storage
from apps.documents import actions

TYPES = {"json": "application/json", "pdf": "application/pdf"}


def attachment(document, form: str, *, by) -> HttpResponse:
    """As "pdf" or "json"; it is remembered. Raises ActionDenied."""
    digest = document.digest if form == "pdf" else document.body_digest
    with storage.given_out():
        actions.take_away(document, form=form, by=by)
        content = storage.read(document.organization_id, digest)
    response = HttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{file_name(document)}.{form}"'
    return response


def file_name(document) -> str:
    """Letters, digits and hyphens alone: names of data come from people."""
    words = f"{document.kind}-{document.about}".lower().replace("_", "-")
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in words)
    return f"{'-'.join(filter(None, plain.split('-')))}-{document.body_digest[:12]}"
