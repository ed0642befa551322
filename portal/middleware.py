"""Who is asking, inside which organization; told to PostgreSQL before the view runs, in the view's own transaction."""

import logging
import time
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.db import connection, transaction
from django.http import Http404
from django.urls import is_valid_path
from django_htmx.http import HttpResponseClientRedirect

from apps.accounts import actions as people
from apps.accounts import queries as accounts
from apps.accounts.idempotency import Once
from apps.common import problems, tenancy
from apps.common.afterwards import ended
from apps.common.origin import PAGE, REST, coming_from, new_request, shape
from apps.common.pages import Later
from apps.projects import queries as projects

log = logging.getLogger(__name__)
LEFT = 16 * 2**20  # bytes of a refused body
SEEN_MOST = 10_000  # sessions that a process remembers to have noted


def request_identifiers(get_response):
    """One for each request, made here: in the answer, in its problem details, in the log and in every record."""

    def answer(request):
        number = request.number = new_request()
        with coming_from(REST if request.path.startswith("/api/") else PAGE, request=number):
            response = get_response(request)
        response.headers.setdefault("X-Request-ID", number)
        return response

    return answer


def bodies_read_out(get_response):
    """Whoever is refused while still sending may find the connection shut before the refusal is read: what is left of
    the body is read away first, up to LEFT bytes."""

    def answer(request):
        response = get_response(request)
        left = LEFT if response.status_code >= 400 else 0
        with suppress(OSError):  # gone already
            while left > 0 and (part := request.read(min(left, 2**16))):
                left -= len(part)
        return response

    return answer


def client_addresses(get_response):
    """Behind a proxy, who asks is who asked it: the last address it wrote. What a client wrote before it counts for
    nothing, or limits by address would be anybody's to evade."""

    def answer(request):
        if settings.BEHIND_PROXY:
            told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2]
            with suppress(ValueError):  # no address: the proxy's own stays
                request.META["REMOTE_ADDR"] = str(ip_address(told.strip()))
        return get_response(request)

    return answer


def security_headers(get_response):
    """Content-Security-Policy on everything that leaves; nothing inline, nothing from elsewhere."""

    def answer(request):
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if request.path.startswith("/api/") or getattr(request, "membership", None):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer


def readable_addresses(get_response):
    """An address with NUL names nothing that can be kept; PostgreSQL would refuse it as late as in a query."""

    def answer(request):
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path_info:
            raise BadRequest("An address holds no NUL.")
        return get_response(request)

    return answer


def measured_bodies(get_response):
    """A body in chunks says no length, and would be read as empty: its sender would be told that all is missing."""

    def answer(request):
        if request.headers.get("Transfer-Encoding") and not request.headers.get("Content-Length"):
            words = (
                "This body comes in chunks and says no length. Send it with Content-Length: from a file, not a pipe."
            )
            return problems.answer(411, "Length required", words)
        return get_response(request)

    return answer


def exact_addresses(get_response):
    """A redirect would turn a program's POST into a GET that succeeds: it is told the address that it meant instead."""

    def answer(request):
        path = request.path_info
        if path.startswith("/api/") and request.method not in ("GET", "HEAD") and not is_valid_path(path):
            meant = path.removesuffix("/") if path.endswith("/") else f"{path}/"
            if is_valid_path(meant):
                return problems.answer(404, "Not found", f"There is no such thing here. The address is {meant}")
        return get_response(request)

    return answer


def last_seen(get_response):
    """Note when a session is at work, to some minutes: each process notes each session once in that time."""
    noted: dict[str, float] = {}

    def answer(request):
        key, now, every = request.session.session_key, time.monotonic(), settings.SEEN_EVERY
        if key and every and now - noted.get(key, -every) >= every and request.user.is_authenticated:
            if len(noted) > SEEN_MOST:
                noted.clear()
            noted[key] = now
            where = {"ip": request.META["REMOTE_ADDR"], "user_agent": request.headers.get("User-Agent", "")}
            people.seen(person=request.user, session_key=key, **where)
        return get_response(request)

    return answer


class Tenancy:
    """Calls every view inside one transaction that carries person and organization.

    An address with `<organization>` needs a membership there, by session or by token; anyone else is told 404, the
    same as for an organization that does not exist. `<project>` is found for that membership, or 404."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.membership = request.project = None
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if getattr(view, "outside_transactions", False) or view.__module__.startswith("allauth."):
            return None  # sign-in knows no tenant, and its middleware must see what its views raise
        with ended(), transaction.atomic():
            refusal = _enter(request, kwargs)
            response = refusal or _call(request, view, args, kwargs)
            if hasattr(response, "render") and callable(response.render):
                response = response.render()
            if connection.needs_rollback:  # a refusal that the REST door turned into an answer
                transaction.set_rollback(True)
        return response.made() if isinstance(response, Later) else response


def _enter(request, kwargs):
    """Find membership and project for the address, or the answer that refuses."""
    person = request.user.pk if request.user.is_authenticated else None
    tenancy.become(None, person)
    if "organization" not in kwargs:
        return None
    request.membership = _membership(request, kwargs.pop("organization"))
    if request.membership is None:
        if request.path.startswith("/api/"):
            return None if _stranger(request) else _not_let_in(request)
        if person is None:
            return _sign_in(request)
        raise Http404
    tenancy.become(request.membership.organization_id, request.membership.user_id)
    if "project" in kwargs:
        request.project = projects.project(viewer=request.membership, slug=kwargs.pop("project"))
    return None


def _membership(request, slug: str):
    """By token at the REST door, whose views weigh its scopes; by session anywhere."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and request.path.startswith("/api/"):
        return accounts.membership_by_token(secret.strip(), slug)
    if request.user.is_authenticated:
        return accounts.membership_of(request.user, slug)
    return None


def _sign_in(request):
    """To the sign-in page and back; a part of a page that htmx asks for leads the whole page there."""
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    back = urlsplit(request.htmx.current_url or "")
    address = redirect_to_login(f"{back.path or '/'}?{back.query}".rstrip("?")).url
    return HttpResponseClientRedirect(address)


def _stranger(request) -> bool:
    """Nobody has said who they are: the REST door answers 401 itself, for any organization alike."""
    return "Authorization" not in request.headers and not request.user.is_authenticated


def _not_let_in(request):
    """The same for an organization that is another's and for one that is not; a token may be to blame."""
    words = "There is no such thing here"
    if "Authorization" in request.headers:
        log.warning("A token opened nothing here: from %s, at %s.", request.META.get("REMOTE_ADDR"), shape(request))
        words += ", or the token is not for it: it is mistyped, expired, revoked, or of another organization"
    return problems.answer(404, "Not found", f"{words}.")


def _call(request, view, args, kwargs):
    key = request.headers.get("Idempotency-Key")
    if not (key and request.method == "POST" and request.membership and request.path.startswith("/api/")):
        return view(request, *args, **kwargs)
    return Once(request, key).answer(lambda: view(request, *args, **kwargs))
