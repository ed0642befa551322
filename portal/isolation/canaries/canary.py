"""An organization of a trial, and what its people and its worker do in it."""

import re
import secrets
from dataclasses import dataclass, field
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.test import Client

from apps.accounts.models import Membership, Organization, User
from apps.common.tenancy import become
from apps.common.work import Work, WorkState
from apps.projects.models import Project
from portal.isolation.addresses import named
from portal.isolation.doors import JSON, content_of

FROM = "192.0.2.1"  # an address that nobody has (RFC 5737), so that nobody's tries are counted with these


ROLES = ("owner", "builder", "reviewer", "auditor")


OUTSIDER = "member of neither"


NOBODY = "not signed in"


class CanaryRefused(RuntimeError):
    """A door refused what is needed to make a canary: the portal is broken, and no trial of it means anything."""


@dataclass
class Canary:
    """An organization, its people with their sessions, its rows, and the words that are its alone."""

    slug: str
    mark: str
    words: set[str] = field(default_factory=set)
    members: dict[str, Membership] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # of a token for each role, and of a share's link
    rows: dict[type, object] = field(default_factory=dict)

    def word(self, place: str) -> str:
        """A word of its own for a place; the place in letters alone."""
        self.words.add(self.mark + place)
        return self.mark + place

    @property
    def organization(self) -> Organization:
        return self.members["owner"].organization

    @property
    def project(self) -> str:
        return self.rows[Project].slug

    def enter(self, role: str = "owner") -> Membership:
        """The rest of the transaction acts for this member."""
        member = self.members[role]
        become(member.organization_id, member.user_id)
        return member

    def met_in(self, content: bytes, *, asked: str = "") -> set[str]:
        """Its words in what somebody was answered, but for those they had said themselves."""
        mark = self.mark.encode()
        if mark not in (lowered := content.lower()):
            return set()
        found = {word.decode() for word in re.findall(mark + rb"[a-z]*", lowered)}
        return found - set(re.findall(self.mark + "[a-z]*", asked.lower()))

    def do(self, role: str, door: str, pk: int | None = None, /, *, verb: str = "post", file=None, **body) -> dict:
        """What a REST door answers to a member. Raises CanaryRefused."""
        given = {"organization": self.slug, "pk": pk, "project": self.project if Project in self.rows else ""}
        where = named(door).at(**given, number=pk)
        sent = body | {"file": file} if file else body
        form = {} if file or verb == "get" else {"content_type": JSON}
        answer = getattr(self.clients[role], verb)(where, sent, **form)
        content = content_of(answer)
        if answer.status_code >= 400:
            raise CanaryRefused(f"{verb.upper()} {where} was answered {answer.status_code}: {content[:500].decode()}")
        return answer.json() if answer["Content-Type"] == JSON and content else {}


def outsider() -> Client:
    """Signed in, and a member of neither."""
    name = f"outsider-{secrets.token_hex(6)}"
    return client(User.objects.create(email=f"{name}@nowhere.example", name=name))


def client(user: User | None = None) -> Client:
    """A browser or program, signed in or not; what breaks is an answer too."""
    host = settings.URL.partition("://")[2].partition(":")[0]
    made = Client(raise_request_exception=False, SERVER_NAME=host, REMOTE_ADDR=FROM, **_transport())
    if user:
        made.force_login(user)
    return made


def _transport() -> dict:
    return {"wsgi.url_scheme": "https", "SERVER_PORT": "443"} if settings.HTTPS else {}


def tenant_models() -> list[type]:
    """Every table whose rows belong to an organization."""
    return [model for model in apps.get_models() if owner_of(model)]


def owner_of(model) -> str | None:
    """The column that says whose a row is."""
    if model is Organization:
        return "id"
    return "organization_id" if any(one.attname == "organization_id" for one in model._meta.concrete_fields) else None


def worked(canary: Canary) -> None:
    """Do what waits for a worker, by the worker's own tasks."""
    for model in Work.__subclasses__():
        canary.enter()
        mine = model._default_manager.filter(organization=canary.organization, state=WorkState.QUEUED)
        for pk in list(mine.order_by("pk").values_list("pk", flat=True)):
            task_of(model)(organization_id=canary.organization.pk, work_id=pk)
            canary.enter()
            row = model._default_manager.get(pk=pk)
            if row.state != WorkState.FINISHED:
                raise CanaryRefused(f"{model.task} ended {row.state}: {row.problem}")


def task_of(model: type[Work]):
    """The function that a worker calls for a row of this table."""
    module, _, name = model.task.rpartition(".")
    return getattr(import_module(module), name)
