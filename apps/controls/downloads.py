"""A file as an answer, for both doors."""

from django.http import HttpResponse

from apps.controls.exports import Export


def attachment(taken: Export) -> HttpResponse:
    response = HttpResponse(taken.content, content_type=taken.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{taken.filename}"'
    return response
