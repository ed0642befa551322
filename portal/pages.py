"""The pages that look into several rooms at once, health, and errors."""

import logging
import sys

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError, connection
from django.http import JsonResponse
from django.shortcuts import redirect, render

from apps.accounts import queries as accounts
from apps.common import problems
from apps.common.origin import origin, shape
from apps.common.pages import page
from apps.common.storage import StoreAway
from portal import overview, reference

log = logging.getLogger(__name__)


@login_required
def home(request):
    """Whose work? A person of one organization is led straight to it."""
    memberships = list(accounts.memberships(request.user))
    if len(memberships) == 1:
        return redirect(memberships[0].organization)
    return page(request, "home.html", context={"memberships": memberships})


def organization(request):
    return page(request, "organization.html", context=overview.organization(request))


def project(request):
    return page(request, "project.html", context=overview.project(request))


def rest(request):
    """The description of the REST door, to read."""
    return page(request, "reference.html", context={"rooms": reference.rooms()})


def live(request):
    """The process answers."""
    return JsonResponse({"status": "live"})


def ready(request):
    """The database answers too."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return JsonResponse({"status": "ready"})


def bad_request(request, exception):
    if isinstance(exception, RequestDataTooBig):
        return _refusal(request, 413, problems.TOO_BIG, problems.too_big())
    return _refusal(request, 400, "Bad request", "The portal could not read this request.")


def forbidden(request, exception):
    return _refusal(request, 403, "Not permitted", str(exception) or "This is not permitted.")


def no_such_form(request, reason=""):
    """A form that was not asked for here, or by another session: told to the log, as it may be somebody else's deed."""
    whose = f"person {request.user.pk}" if request.user.is_authenticated else "nobody signed in"
    said = "A form was refused: %s Of %s, from %s, at %s."
    log.warning(said, reason, whose, request.META.get("REMOTE_ADDR"), shape(request))
    return render(request, "403_csrf.html", status=403)


def not_found(request, exception):
    return _refusal(request, 404, "Not found", "There is no such thing here.")


def failed(request):
    error = sys.exc_info()[1]
    if isinstance(error, StoreAway):
        return _refusal(request, 503, "Not ready", "The store of files does not answer. Nothing was stored; try again.")
    if isinstance(error, OperationalError | InterfaceError):
        return _refusal(request, 503, "Not ready", "The database does not answer. Nothing was stored; try again.")
    return _refusal(request, 500, "The portal failed", "It has been logged. Nothing half was stored; try again.")


def _refusal(request, status: int, title: str, detail: str):
    if request.path.startswith("/api/"):
        return problems.answer(status, title, detail)
    told = {"title": title, "detail": detail, "number": origin().get("request") if status != 404 else None}
    return render(request, f"{status}.html", told, status=status)
