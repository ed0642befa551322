"""Hand a request to the serving process and bring back its answer, so that one address serves pages and programs."""

import http.client
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.common import problems

PATIENCE = 30  # seconds
NUMBER = "X-Request-ID"
CARRIED = ("Authorization", "Content-Type", "Accept", "Cookie", "X-Csrftoken", "Referer", "Origin", "Host")


def to_serving(request: HttpRequest) -> HttpResponse:
    """The serving process decides who may ask; it gets what says who does."""
    address = urlsplit(settings.SERVING_URL)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname, address.port, timeout=PATIENCE)
    headers = {name: request.headers[name] for name in CARRIED if name in request.headers}
    try:
        connection.request(request.method, request.get_full_path(), body=request.body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException):
        return _absent()
    finally:
        connection.close()
    told = {NUMBER: number} if (number := answer.headers.get(NUMBER)) else {}  # under which serving remembers it
    return HttpResponse(content, status=answer.status, content_type=answer.headers.get("Content-Type"), headers=told)


def _absent() -> HttpResponse:
    detail = "The serving process does not answer; `manage.py up` starts it. Nothing was predicted; try again shortly."
    answer = problems.answer(503, "Serving is away", detail)
    answer.headers["Retry-After"] = "5"
    return answer
