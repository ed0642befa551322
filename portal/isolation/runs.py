"""On a worker: try the walls in a thread and a transaction of its own, tell how far it is, have the result signed."""

import platform
import threading
from functools import cache

import django
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.audits import actions
from apps.audits.models import Attestation
from apps.common import work
from apps.common.canonical import digest
from apps.common.errors import WorkProblem
from apps.common.tenancy import as_organization
from portal.isolation import trial
from portal.isolation.canaries import CanaryRefused

NOT_COVERED = (
    (
        "serving process",
        "all",
        "answers elsewhere; it finds a model by the permit and organization of a token",
    ),
    ("chores of the pulse", "all", "go through every organization in turn; to run them here would act on customers'"),
    ("sign-in", "all", "is about a person alone, and belongs to no organization"),
)


def run(organization_id: int, work_id: int) -> None:
    work.carry_out(Attestation, organization_id, work_id, _attest, fail=actions.fail_attestation)


def _attest(attestation, pulse) -> None:
    trial.forget(attestation.progress.get("folders", []))  # of an attempt whose worker died
    result = tried(lambda **facts: pulse.progress(at_once=True, **facts))
    with as_organization(attestation.organization_id):
        mine = Attestation.objects.select_related("organization", "started_by__user").get(pk=attestation.pk)
        said = {"organization": mine.organization.slug, "asked_by": str(mine.started_by.user)}
        attestation.organization = mine.organization
        actions.keep_attestation(attestation, said | result)


def tried(tell, *, only: str = "") -> dict:
    """The result of one trial, as plain values. `tell(words=…)` and `tell(folders=…)` say how far it is.

    The trial has a thread of its own, because its transaction is undone, and what is told meanwhile is not."""
    told, done, kept = {"words": "beginning"}, threading.Event(), {}
    stop = threading.Event()

    def heard(words: str) -> None:
        told["words"] = words
        if stop.is_set():
            raise trial.Stopped

    def attempt() -> None:
        try:
            kept["trial"] = trial.run(heard, only=only, founded=lambda ids: told.update(folders=list(ids)))
        except BaseException as error:  # told in the thread that asked
            kept["error"] = error
        finally:
            connection.close()
            done.set()

    began = timezone.now()
    threading.Thread(target=attempt, daemon=True, name="isolation").start()
    try:
        while not done.wait(1.0):
            tell(**told)
    finally:
        stop.set()  # a lease that was lost, a worker that is stopped
        done.wait()
    if error := kept.get("error"):
        if isinstance(error, trial.TookTooLong | CanaryRefused):
            raise WorkProblem(str(error)) from error
        raise error
    return _result(kept["trial"], began, only)


def _result(tried: "trial.Trial", began, only: str) -> dict:
    ended = timezone.now()
    for where, what, why in NOT_COVERED:
        tried.tally.not_tried(where, what, why)
    return {
        "portal": {"source": source(), "python": platform.python_version(), "django": django.get_version()},
        "database": _database(),
        "started_at": began.isoformat(),
        "finished_at": ended.isoformat(),
        "seconds": round((ended - began).total_seconds()),
        "addresses": len(tried.addresses),
        "only": only,
        "words": {"planted": len(tried.theirs.words), "seen_by_their_own": len(tried.seen & tried.theirs.words)},
        **tried.tally.told(),
    }


def _database() -> dict:
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('server_version'), current_user")
        version, role = cursor.fetchone()
        cursor.execute("select tablename, policyname, cmd, qual, with_check from pg_policies order by 1, 2")
        policies = [list(row) for row in cursor.fetchall()]
    return {"postgresql": version, "role": role, "policies": len(policies), "policies_digest": digest(policies)}


@cache
def source() -> str:
    """SHA-256 over every source file of this portal and its templates, by name."""
    found = {}
    for top in ("apps", "portal", "templates"):
        for path in sorted((settings.BASE_DIR / top).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                found[str(path.relative_to(settings.BASE_DIR))] = digest(path.read_bytes())
    return digest(found)
