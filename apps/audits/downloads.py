"""An export as an answer, for both doors."""

from django.http import StreamingHttpResponse

from apps.audits import actions


def download(*, by, format: str, **chosen) -> StreamingHttpResponse:
    """Bytes that follow one another as PostgreSQL makes them. Raises NotPermitted before the first."""
    taken = actions.export(by=by, form=format, **chosen)
    response = StreamingHttpResponse(taken.content, content_type=taken.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{taken.filename}"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
