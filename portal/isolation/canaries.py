"""Two organizations that exist for one trial, each with one of everything, made at the doors that everybody uses.

Wherever people write something (a name, a cell, a reason) there stands a word that stands nowhere else: the
organization's mark with the place after it. Whoever meets the mark has met that organization's data."""

import io
import json
import random
import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts import actions as people
from apps.accounts.models import AccessReview, Membership, Organization, Role, User
from apps.approvals.gates.defaults import built_in
from apps.approvals.models import Approval, Notice
from apps.audits.models import LegalHold, Refusal
from apps.common.tenancy import become
from apps.common.work import Work, WorkState
from apps.controls.models import Disposal
from apps.controls.rules.coverage import State
from apps.datasets import actions as datasets
from apps.datasets.models import DatasetVersion
from apps.documents.kinds import KINDS
from apps.incidents.models import Reminder
from apps.incidents.rules import FLAGS, WORDS
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.projects.rules import NAMES
from apps.reports.models import OperationReport
from apps.training.models import TrainingRun
from portal.isolation.addresses import named
from portal.isolation.doors import JSON, OUTSIDE, PASSWORD, content_of

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


def both(heard, founded) -> tuple[Canary, Canary]:
    """The two, with everything. `heard(words)` is told how far it is, `founded(id)` each organization's id."""
    password = make_password(PASSWORD)
    made = []
    for which in ("first", "second"):
        heard(f"making the {which} of two organizations")
        made.append(_made(password, founded))
    return made[0], made[1]


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


def _made(password: str, founded) -> Canary:
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
    canary = Canary(slug=f"canary-{secrets.token_hex(6)}", mark=f"zq{letters}")
    _people(canary, password)
    founded(canary.organization.pk)
    _data_and_model(canary)
    _evidence(canary)
    _incident(canary)
    _sign_off(canary)
    _serving_and_sharing(canary)
    _operation(canary)
    _house(canary)
    canary.enter()
    for model in tenant_models():
        mine = model._default_manager.filter(**{owner_of(model): canary.organization.pk})
        canary.rows.setdefault(model, mine.order_by("pk").first())
    return canary


def tenant_models() -> list[type]:
    """Every table whose rows belong to an organization."""
    return [model for model in apps.get_models() if owner_of(model)]


def owner_of(model) -> str | None:
    """The column that says whose a row is."""
    if model is Organization:
        return "id"
    return "organization_id" if any(one.attname == "organization_id" for one in model._meta.concrete_fields) else None


def _people(canary: Canary, password: str) -> None:
    def person(name: str) -> User:
        email = f"{canary.word('email' + name)}@{canary.slug}.example"
        return User.objects.create(email=email, name=canary.word("name" + name), password=password)

    owner = person("owner")
    canary.members["owner"] = people.found(slug=canary.slug, name=canary.word("organization"), owner=owner)
    canary.clients["owner"] = client(owner)
    for name, role in (*((role, role) for role in ROLES[1:]), ("second", "reviewer"), ("partner", "owner")):
        someone = person(name)
        canary.enter()
        invitation, _secret = people.invite(email=someone.email, role=Role(role), by=canary.members["owner"])
        canary.members[name] = people.join(invitation, person=someone)
        canary.clients[name] = client(someone)
    for role in ROLES:
        member = canary.enter(role)
        _token, secret = people.create_token(name=canary.word("token"), scopes=["read"], by=member)
        canary.secrets[role] = secret


def table(canary: Canary, *, seed: int = 0, wrong: bool = False) -> bytes:
    """240 rows that a regression learns easily, with the canary's words in header and cells; or whose outcomes are the
    opposite."""
    dice, lines = random.Random(seed), io.StringIO()  # noqa: S311  nothing secret
    lines.write(f"decision,{canary.word('column')},income\n")
    for _ in range(240):
        group, income = dice.choice((canary.word("cell"), "other")), dice.gauss(0, 1)
        lines.write(f"{int((income + dice.gauss(0, 0.4) > 0) != wrong)},{group},{income:.4f}\n")
    return lines.getvalue().encode()


def _data_and_model(canary: Canary) -> None:
    answers = dict.fromkeys(NAMES, False)
    named_by = {"name": canary.word("project"), "purpose": canary.word("purpose")}
    made = canary.do("builder", "api-projects", answers=answers, **named_by)
    canary.enter()
    canary.rows[Project] = Project.objects.get(slug=made["slug"])
    data = _uploaded(canary, "dataset")
    worked(canary)
    group = canary.word("column")
    said = {"target": "decision", "favourable": "1", "missing": [canary.word("missing")]}
    sensitive = [{"name": group, "kind": "column", "column": group}]
    canary.do("builder", "api-dataset-version-declaration", data, sensitive=sensitive, left_out=[], **said)
    canary.do("builder", "api-runs", project=canary.project, model=canary.word("model"), dataset_version=data,
              recipe={"estimator": "logistic"}, gpu=False)  # fmt: skip
    worked(canary)
    canary.enter()
    canary.rows[ModelVersion] = ModelVersion.objects.get(organization=canary.organization)


def _uploaded(canary: Canary, place: str) -> int:
    file = SimpleUploadedFile(canary.word("file") + ".csv", table(canary), content_type="text/csv")
    return canary.do("builder", "api-datasets", project=canary.project, name=canary.word(place), file=file)["id"]


def _evidence(canary: Canary) -> None:
    version = canary.rows[ModelVersion].pk
    canary.do("builder", "api-reports", model_version=version, kinds=["performance", "fairness"])
    figure = {"name": "membership_auc", "value": 0.5, "low": 0.4, "high": 0.6, "n": 240}
    said = {"measured_by": canary.word("lab"), "method": canary.word("method"), "data": canary.word("rows")}
    original = SimpleUploadedFile(canary.word("original") + ".txt", canary.word("figures").encode())
    canary.do("builder", "api-report-submissions", model_version=version, kind="privacy", file=original,
              measured_on=f"{timezone.now():%Y-%m-%d}", figures=json.dumps([figure]), **said)  # fmt: skip
    kind = KINDS["intended_purpose"]
    answers = {one.name: canary.word("statement") for one in kind.questions}
    canary.do("builder", "api-statements", project=canary.project, kind=kind.name, answers=answers)
    canary.do("builder", "api-documents", kind="model_card", model_version=version)
    worked(canary)


def _incident(canary: Canary) -> None:
    """A serious one whose evidence two people have released, so that the model may be signed and trained again."""
    version, now = canary.rows[ModelVersion].pk, timezone.now()
    told = {name: canary.word("incident" + name.replace("_", "")) for name in (*WORDS, "title")}
    flags = dict.fromkeys(FLAGS, False) | {"fundamental_rights": True, "personal_data": True}
    moments = {"occurred_at": now.isoformat(), "aware_at": now.isoformat(), "severity": "major"}
    given = {"project": canary.project, "model_versions": [version], **told, **flags, **moments}
    incident = canary.do("builder", "api-incidents", **given)["id"]
    whom = {name: canary.word("notice" + name) for name in ("who", "how", "reference", "note")}
    canary.do("builder", "api-incident-notices", incident, duty="authority", stage="final",
              told_at=timezone.now().isoformat(), **whom)  # fmt: skip
    canary.do("reviewer", "api-incident-release", incident, reason=canary.word("release"), password=PASSWORD)
    canary.do("owner", "api-incident-release-grant", incident, reason=canary.word("grant"), password=PASSWORD)
    canary.do("builder", "api-incident-confirmations", project=canary.project, note=canary.word("confirmation"))
    canary.enter()
    Reminder.objects.create(organization=canary.organization, incident_id=incident, kind="protection in 72 hours")


def _sign_off(canary: Canary) -> None:
    version, now = canary.rows[ModelVersion].pk, timezone.now()
    source = built_in("minimal").replace("name: minimal-risk", f"name: {canary.word('policy')}") + "\nconditions: {}\n"
    source = source.replace("max_age_days: 365", f"max_age_days: 365\n    why: {canary.word('why')}", 1)
    policy = canary.do("owner", "api-policies", source=source)["id"]
    canary.do("partner", "api-policy-publication", policy)
    terms = {name: canary.word("waiver" + name) for name in ("reason", "risk", "measure", "monitoring", "plan")}
    ends = (now + timedelta(days=9)).isoformat()
    canary.do("builder", "api-waivers", project=canary.project, policy=policy, rule=2, model_version=version,
              owner=canary.members["second"].pk, ends_at=ends, **terms)  # fmt: skip
    asked = canary.do("builder", "api-approvals", model_version=version, note=canary.word("note"))["id"]
    told = canary.do("reviewer", "api-approval", asked, verb="get")
    for evidence in told["reading"]:  # who has not read it does not sign
        canary.clients["reviewer"].get(f"/api/v1/{canary.slug}/{evidence['rest']}")
    condition = {"text": canary.word("condition"), "owner": canary.members["builder"].pk, "due_at": ends}
    canary.do("reviewer", "api-approval-signatures", asked, decision="sign", meaning="approved", password=PASSWORD,
              reason=canary.word("verdict"), dossier_digest=told["dossier_digest"],
              conditions=[condition | {"consequence": "escalate"}])  # fmt: skip
    canary.do("builder", "api-approval-fulfilments", asked, condition=1, evidence=canary.word("fulfilment"))
    place = {"delegate": canary.members["second"].pk, "reason": canary.word("delegation"), "password": PASSWORD}
    days = {"starts_at": ends, "ends_at": (now + timedelta(days=10)).isoformat()}
    canary.do("reviewer", "api-delegations", **place, **days)


def _serving_and_sharing(canary: Canary) -> None:
    canary.enter()
    approval = Approval.objects.get(organization=canary.organization).pk
    canary.do("builder", "api-deployments", approval=approval, name=canary.word("deployment"))
    canary.do("reviewer", "api-approval-suspension", approval, drill=True, reason=canary.word("suspension"))
    canary.do("builder", "api-approval-tellings", approval, who=canary.word("told"), how=canary.word("how"))
    canary.do("builder", "api-approval-resumption", approval, reason=canary.word("resumption"))
    canary.do("reviewer", "api-approval-resumption-grant", approval)
    until = f"{timezone.now() + timedelta(days=20):%Y-%m-%d}"
    shown = {"approvals": [approval], "addressee": canary.word("addressee"), "note": canary.word("shared")}
    link = canary.do("reviewer", "api-shares", until=until, **shown)["link"]
    canary.secrets["share"] = link.rstrip("/").rsplit("/", 1)[-1]


def _house(canary: Canary) -> None:
    """What an organization keeps beside its models; and the rows that only time, or a worker, would make."""
    slug = canary.slug
    canary.do("owner", "api-invitations", email=f"{canary.word('invited')}@{slug}.example", role="auditor")
    canary.do("builder", "api-emergencies", words=["run.cancel"], minutes=30, reason=canary.word("emergency"))
    canary.do("owner", "api-access-reviews")
    canary.enter()
    review = AccessReview.objects.get(organization=canary.organization).pk
    line = f"member-{canary.members['builder'].pk}"
    canary.do("owner", "api-access-review-decisions", review, line=line, keep=True, note=canary.word("review"))
    hold = canary.do("owner", "api-holds", project=canary.project, reason=canary.word("hold"))
    canary.rows[LegalHold] = LegalHold.objects.get(pk=hold["id"])
    canary.do("owner", "api-witnesses", kind="mailbox", name=canary.word("witness"), address=f"notary@{slug}.example")
    canary.do("owner", "api-destinations", kind="webhook", name=canary.word("destination"), address=OUTSIDE + "/in")
    canary.do("owner", "api-frameworks", framework="gdpr", followed=False, reason=canary.word("framework"))
    canary.do("owner", "api-facts", verb="put", answers={"continual_learning": False})
    schedule = canary.do("owner", "api-retention", periods={"data": 4000}, maximum_personal=None)
    canary.do("reviewer", "api-retention-publication", schedule["number"])
    canary.do("owner", "api-disposals")
    version = canary.rows[ModelVersion].pk
    clauses = canary.do("reviewer", "api-coverage", verb="get", limit=200)["results"]
    shown = (one for one in clauses if one["state"] != State.NOT_APPLICABLE)
    clause = next(one for one in shown if any(kind["items"] for kind in one["evidence"]))
    judged = {"control": clause["id"], "adequate": True, "evidence_digest": clause["evidence_digest"]}
    canary.do("reviewer", "api-judgements", model_version=version, reason=canary.word("judgement"), **judged)
    canary.do("auditor", "api-attestations")
    canary.clients["owner"].post(f"/api/v1/{slug}/checkpoints/", HTTP_IDEMPOTENCY_KEY=secrets.token_hex(16))
    _made_by_time(canary)
    _waiting(canary)


def _operation(canary: Canary) -> None:
    """What became of the people since, with every decision proved wrong; and so a sign-off that falls, and why."""
    file = SimpleUploadedFile(canary.word("file") + ".csv", table(canary, seed=1, wrong=True), content_type="text/csv")
    place = {"project": canary.project, "name": canary.word("operation"), "file": file}
    data = canary.do("builder", "api-datasets", **place)["id"]
    worked(canary)
    group = canary.word("column")
    said = {"target": "decision", "favourable": "1", "missing": [canary.word("missing")], "left_out": []}
    sensitive = [{"name": group, "kind": "column", "column": group}]
    canary.do("builder", "api-dataset-version-declaration", data, sensitive=sensitive, **said)
    canary.enter()
    approval = Approval.objects.get(organization=canary.organization).pk
    canary.do("builder", "api-approval-operation-reports", approval, dataset_version=data, kinds=["performance"])
    worked(canary)


def _made_by_time(canary: Canary) -> None:
    canary.enter()
    own = {"organization": canary.organization}
    data = DatasetVersion.objects.get(pk=canary.rows[ModelVersion].dataset_version_id)
    Notice.objects.create(**own, approval=Approval.objects.get(**own), kind="overdue")
    Disposal.objects.create(
        **own, project=data.project, version=data, digest=data.digest, size=1, why=canary.word("disposal")
    )
    Refusal.objects.create(organization_id=canary.organization.pk, key="0" * 64, at=timezone.now())
    run = TrainingRun.objects.get(**own)
    datasets.charge(data, run_id=run.pk, epsilon=0.1, delta=1e-6, mechanism={}, note=canary.word("charge"))


def _waiting(canary: Canary) -> None:
    """One row of each kind of work that no worker has taken up yet."""
    canary.enter()
    version = canary.rows[ModelVersion].pk
    data = canary.rows[ModelVersion].dataset_version_id
    _uploaded(canary, "another")
    canary.do("builder", "api-runs", project=canary.project, model=canary.word("model"), dataset_version=data,
              recipe={"estimator": "logistic", "seed": 1}, gpu=False)  # fmt: skip
    canary.do("builder", "api-reports", model_version=version, kinds=["privacy"])
    canary.do("builder", "api-documents", kind="dataset_datasheet", dataset_version=data)
    measured = OperationReport.objects.get(organization=canary.organization)
    approval = Approval.objects.get(organization=canary.organization).pk
    canary.do("builder", "api-approval-operation-reports", approval, dataset_version=measured.dataset_version_id,
              kinds=["fairness"])  # fmt: skip


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
