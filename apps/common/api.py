"""The REST door's plumbing: who asks, problem details (RFC 9457), cursor pages. Rooms write thin views on `Door`."""

import logging
from collections.abc import Collection

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import transaction
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common import pages, problems
from apps.common.errors import ActionDenied, BadInput, NothingThere, NotPermitted

log = logging.getLogger(__name__)
MAX_PAGE = 200
FEW = 20  # words that a sentence can list
PAGES = {
    "after": "a cursor; take the address that the page before gave as `next`",
    "limit": f"a number of rows from 1 to {MAX_PAGE}",
}


class Page(serializers.CharField):
    """The address of the page that shows the same thing, whole."""

    def __init__(self, **options):
        super().__init__(**{"source": "get_absolute_url", "read_only": True, "help_text": "Its page.", **options})

    def to_representation(self, value) -> str:
        return self.context["request"].build_absolute_uri(value)


class Choice(serializers.ChoiceField):
    """One of a few words; another is refused with those there are."""

    def __init__(self, choices, **options):
        super().__init__(choices, **options)
        words = [str(word) for word in self.choices]
        these = ", ".join(words) if len(words) <= FEW else "the words that /api/v1/schema lists"
        self.error_messages["invalid_choice"] = f"“{{input}}” is none of {these}."


class Door(APIView):
    """A REST view inside an organization: `self.by` is the membership that acts and reads."""

    @property
    def by(self):
        return self.request.auth

    def read(self, serializer_class, **options) -> dict:
        """The request's body in the serializer's shape. Raises a ValidationError that names each field."""
        serializer = serializer_class(data=self.request.data, **options)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def answer(self, serializer_class, thing, *, status: int = status.HTTP_200_OK):
        return Response(serializer_class(thing, context={"request": self.request}).data, status=status)

    def slice(self, serializer_class, queryset, *, key: str = "pk"):
        """One page: `{"results": […], "next": address or null}`; `?after=` continues, `?limit=` up to MAX_PAGE."""
        after, limit = (self.number(name) for name in ("after", "limit"))
        size = pages.PAGE_SIZE if limit is None else min(max(limit, 1), MAX_PAGE)
        part = pages.cursor_slice(queryset, None if after is None else str(after), key=key, size=size)
        following = None
        if part.next:
            query = self.request.query_params.copy()
            query["after"] = part.next
            following = self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")
        results = serializer_class(part.rows, many=True, context={"request": self.request}).data
        return Response({"results": results, "next": following})

    def number(self, name: str) -> int | None:
        """What the address asks by this name; None where it does not. A program that is told everything for what it
        did not ask would take it for its answer: raises BadInput for what is no number."""
        said = self.request.query_params.get(name)
        if not said:
            return None
        if (number := pages.row_number(said)) is None:
            raise BadInput({name: f"“{said[:40]}” is not {PAGES.get(name, 'the number of one')}."})
        return number

    def word(self, name: str, *, among: Collection[str]) -> str:
        """The same of one word among a few; empty where it is not asked."""
        said = self.request.query_params.get(name, "")
        if said and said not in among:
            raise BadInput({name: f"“{said[:40]}” is none of {', '.join(among)}."})
        return said


def file_answers(*media: str) -> dict:
    """What an operation answers that hands out a file, for its description: one of these media types."""
    return {(200, one): OpenApiTypes.OBJECT if one == "application/json" else OpenApiTypes.BINARY for one in media}


def problem(error: Exception, context) -> Response | None:
    """Any refusal as application/problem+json; what is not a refusal is left to be an error."""
    if isinstance(error, Http404):
        found = _details(404, "Not found", "There is no such thing here.")
    elif isinstance(error, NotPermitted):
        found = _details(403, "Not permitted", str(error))
    elif isinstance(error, ActionDenied):
        found = _details(409, "Refused", str(error))
    elif isinstance(error, NothingThere):
        found = _details(404, "Not found", str(error), errors=error.problems)
    elif isinstance(error, BadInput):
        found = _details(400, "Bad input", str(error), errors=error.problems)
    elif isinstance(error, PermissionDenied):
        found = _details(403, "Not permitted", str(error) or "This is not permitted.")
    elif isinstance(error, RequestDataTooBig):
        found = _details(413, problems.TOO_BIG, problems.too_big())
    elif isinstance(error, exceptions.ValidationError):
        errors = dict(_flat(error.detail))
        found = _details(400, "Bad input", " ".join(f"{k}: {v}" if k else v for k, v in errors.items()), errors=errors)
    elif isinstance(error, exceptions.APIException):
        title = error.default_code.replace("_", " ").capitalize()
        found = _details(error.status_code, title, _instead(error, context) or str(error.detail))
        for name, value in _headers(error).items():
            found[name] = value
    else:
        return None
    transaction.set_rollback(True)
    return found


def _instead(error: exceptions.APIException, context) -> str | None:
    """What to send instead, where HTTP itself was spoken differently from what this address understands."""
    view, request = context["view"], context["request"]
    if isinstance(error, exceptions.NotAuthenticated):
        return "Say who asks: “Authorization: Bearer <token>”. A token is made on the page API tokens."
    if isinstance(error, exceptions.MethodNotAllowed):
        return f"{request.method} is not for this address. It takes {', '.join(view.allowed_methods)}."
    if isinstance(error, exceptions.UnsupportedMediaType):
        read = " or ".join(parser.media_type for parser in view.parser_classes)
        return f"The body comes as “{request.content_type}”. Send {read}, and say so in Content-Type."
    if isinstance(error, exceptions.NotAcceptable):
        made = " or ".join(renderer.media_type for renderer in view.renderer_classes)
        return f"The answer is {made}. Ask for it in Accept, or leave Accept out."
    return None


def _details(status_code: int, title: str, detail: str, **more) -> Response:
    body = problems.details(status_code, title, detail, **more)
    return Response(body, status=status_code, content_type=problems.MEDIA_TYPE)


def _headers(error) -> dict:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    return headers


def _flat(detail, path: str = ""):
    """A serializer's nested complaints as (`rows.3.age`, sentence) pairs."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            inner_path = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _flat(inner, inner_path)
    elif isinstance(detail, list) and any(isinstance(inner, (dict, list)) for inner in detail):
        for number, inner in enumerate(detail):
            yield from _flat(inner, f"{path}.{number}".lstrip("."))
    else:
        yield path, " ".join(map(str, detail)) if isinstance(detail, list) else str(detail)
