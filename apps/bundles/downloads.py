"""A bundle or a part of one as an answer, for every door."""

from django.http import HttpResponse, StreamingHttpResponse

from apps.bundles.actions import Bundle


def attachment(bundle: Bundle) -> StreamingHttpResponse:
    """The archive, streamed: its length is known before its first byte."""
    answer = StreamingHttpResponse(bundle.content, content_type="application/zip")
    answer["Content-Length"] = str(bundle.size)
    answer["Content-Disposition"] = f'attachment; filename="{bundle.filename}"'
    return answer


def part(member) -> HttpResponse:
    """One member: a document to be read in the browser, anything else to be kept."""
    filename = member.name.rsplit("/", 1)[-1]
    answer = HttpResponse(member.content, content_type=member.media_type)
    kind = "inline" if member.media_type == "application/pdf" else "attachment"
    answer["Content-Disposition"] = f'{kind}; filename="{filename}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
