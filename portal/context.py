"""What every page of a project shows: the rail from data to service, each stop told by its own room."""

from functools import cache
from importlib import import_module

STOPS = (  # name, the room that tells it, its page, the words of addresses that stand under it
    ("Data", "datasets", "datasets/", {"datasets"}),
    ("Model", "training", "models/", {"models", "runs"}),
    ("Reports", "reports", "reports/", {"reports"}),
    ("Sign-off", "approvals", "approvals/", {"approvals"}),
    ("Deployed", "deployments", "deployments/", {"deployments"}),
)


def rail(request):
    """`stops` for `{% rail stops %}`: a callable, so that a page or part without the rail asks nothing."""
    project = getattr(request, "project", None)
    return {"stops": cache(lambda: stops(request, project) if project else [])}


def stops(request, project) -> list[dict]:
    """The stops of a project's rail, with the one the request's address stands under marked."""
    here = request.path.removeprefix(project.get_absolute_url()).split("/")[0]
    return [
        {"name": name, "current": here in words, **_told(request.membership, project, room, place)}
        for name, room, place, words in STOPS
    ]


def _told(viewer, project, room, place) -> dict:
    told = _summary(room)(viewer=viewer, project=project)
    return {"state": told["state"], "note": told["text"], "url": told["url"] or project.get_absolute_url() + place}


def _summary(room):
    try:
        return import_module(f"apps.{room}.queries").summary
    except (ModuleNotFoundError, AttributeError):
        return lambda **_: {"state": "", "text": "", "url": None}
