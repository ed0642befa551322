"""An error as application/problem+json (RFC 9457), the same at every door."""

from typing import Any

from django.conf import settings
from django.http import JsonResponse

from apps.common.origin import origin

MEDIA_TYPE = "application/problem+json"
TOO_BIG = "Content too large"


def details(status: int, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """With the request's identifier, by which the record and the log find it; not where nothing is there and nobody is
    known, because that is answered in the same bytes whatever was asked for."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    if status not in (401, 404) and "request" in origin():
        body["request"] = origin()["request"]
    return body


def answer(status: int, title: str, detail: str) -> JsonResponse:
    return JsonResponse(details(status, title, detail), status=status, content_type=MEDIA_TYPE)


def too_big() -> str:
    """Of a body that is read whole; files are streamed, and have a limit of their own."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 2**20
    return f"The body is larger than {most:g} MiB. Send less at a time; files go as multipart/form-data."
