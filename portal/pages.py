"""The pages that look into several rooms at once, health, and errors."""

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import JsonResponse
from django.shortcuts import render

from apps.accounts import queries as accounts
from apps.common.pages import page
from apps.projects import queries as projects


@login_required
def home(request):
    return page(request, "home.html", context={"memberships": accounts.memberships(request.user)})


def organization(request):
    return page(
        request,
        "organization.html",
        context={"projects": projects.projects(viewer=request.membership).order_by("name")},
    )


def project(request):
    return page(request, "project.html", context={"project": request.project})


def live(request):
    """The process answers."""
    return JsonResponse({"status": "live"})


def ready(request):
    """The database answers too."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return JsonResponse({"status": "ready"})


def bad_request(request, exception):
    return _refusal(request, 400, "Bad request", "The portal could not read this request.")


def forbidden(request, exception):
    return _refusal(request, 403, "Not permitted", str(exception) or "This is not permitted.")


def not_found(request, exception):
    return _refusal(request, 404, "Not found", "There is no such thing here.")


def failed(request):
    return _refusal(request, 500, "The portal failed", "It has been logged. Nothing half was stored; try again.")


def _refusal(request, status: int, title: str, detail: str):
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        return JsonResponse(body, status=status, content_type="application/problem+json")
    return render(request, f"{status}.html", {"title": title, "detail": detail}, status=status)
