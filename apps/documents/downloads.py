"""A built document as a file: its stored bytes, checked against their digest."""

from django.http import HttpResponse

from apps.common import storage

TYPES = {"json": "application/json", "pdf": "application/pdf"}


def attachment(document, form: str) -> HttpResponse:
    """`form` is "pdf" or "json"."""
    digest = document.digest if form == "pdf" else document.body_digest
    response = HttpResponse(storage.read(document.organization_id, digest), content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{file_name(document)}.{form}"'
    return response


def file_name(document) -> str:
    """Letters, digits and hyphens alone: names of data come from people."""
    words = f"{document.kind}-{document.about}".lower().replace("_", "-")
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in words)
    return f"{'-'.join(filter(None, plain.split('-')))}-{document.body_digest[:12]}"
