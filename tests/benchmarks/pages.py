"""The pages used most, with ten objects of each kind and with ten thousand; and beside a view of one row."""

import statistics

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpResponse
from django.template import engines
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import path
from django.utils import timezone

from apps.accounts.models import User
from apps.common.tenancy import become
from tests.benchmarks.clock import took
from tests.benchmarks.table import Row

FEW, MANY = 10, 10_000
PAGES = {
    "the project": "lending/",
    "its data": "lending/datasets/",
    "its models": "lending/models/",
    "its reports": "lending/reports/",
    "the record": "records/",
}
DJANGO = [name for name in settings.MIDDLEWARE if name.startswith("django.")]
SCORES = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", "brier")
HELD_OUT = {"n": 597, **dict.fromkeys(SCORES, 0.9), "intervals": {name: [0.87, 0.93] for name in SCORES}}
ONE_ROW = """<!doctype html><title>{{ person.name }}</title><p>{{ person.name }}, {{ person.email }}</p>"""


def one_row(request):
    """What a user could hardly make simpler: a signed-in person, one row, one template."""
    person = User.objects.get(pk=request.user.pk)
    return HttpResponse(engines["django"].from_string(ONE_ROW).render({"person": person}, request))


urlpatterns = [path("", one_row)]


def measure(*, small: bool):
    call_command("collectstatic", interactive=False, verbosity=0)
    few, many = _tenant("few", FEW), _tenant("many", FEW if small else MANY)
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    _analyze()
    times, rows = {}, _one_row(few)
    for name, where in PAGES.items():  # the view of one row between them: a machine is not alike at all times
        times[name] = _beside(few, many, where)
        rows += _one_row(few)
    one = statistics.median(rows)
    counts = {name: (_queries(few, where), _queries(many, where)) for name, where in PAGES.items()}
    slowest = max(times, key=lambda name: times[name][1])
    grown = {name: late / early for name, (early, late) in times.items()}
    steepest = max(grown, key=grown.get)
    most = max(count for pair in counts.values() for count in pair)
    yield Row(
        f"five pages with {MANY:,} objects of each kind, and their queries",
        "the same pages with 10 objects",
        f"at most **{grown[steepest]:.2f}×** ({steepest}); at most {most} queries,"
        f" {'the same for both' if all(a == b for a, b in counts.values()) else 'not the same for both'}",
        "at most 1.3×, the same queries, none above 15",
        grown[steepest] <= 1.3 and most <= 15 and all(early == late for early, late in counts.values()),
    )
    yield Row(
        "the slowest of them",
        "a Django view of one row, signed in",
        f"{slowest}: {times[slowest][1] * 1000:.0f} ms against {one * 1000:.1f} ms: **{times[slowest][1] / one:.1f}×**",
        "at most 8×",
        times[slowest][1] <= 8 * one,
    )


def _beside(few, many, where: str) -> tuple[float, float]:
    """Seconds of a page with few and with many objects, asked for in turns; medians."""
    clients = [_client(few), _client(many)]
    addresses = [f"/{tenant.organization.slug}/{where}" for tenant in (few, many)]
    turns = [
        tuple(took(lambda: _page(client, address)) for client, address in zip(clients, addresses, strict=True))  # noqa: B023
        for _ in range(40)
    ]
    return tuple(map(statistics.median, zip(*turns[5:], strict=True)))


def _page(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"


def _queries(tenant, where: str) -> int:
    """Of a session in use: the first page after a sign-in also notes the device."""
    client = _client(tenant)
    _page(client, f"/{tenant.organization.slug}/{where}")
    with CaptureQueriesContext(connection) as asked:
        _page(client, f"/{tenant.organization.slug}/{where}")
    return len(asked)


def _one_row(tenant) -> list[float]:
    client = _client(tenant)
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=DJANGO):
        return [took(lambda: _page(client, "/")) for _ in range(40)][5:]


def _client(tenant) -> Client:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(tenant.builder.user)
    return client


def _analyze() -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("vacuum analyze")


@transaction.atomic
def _tenant(slug: str, count: int):
    """An organization with `count` dataset versions, runs, model versions, reports and records."""
    from tests import make

    tenant = make.tenant(slug)
    become(tenant.organization.pk, tenant.builder.user_id)
    data = _data(tenant, count)
    versions = _models(tenant, data)
    _reports(tenant, versions)
    _records(tenant, versions)
    return tenant


def _data(tenant, count: int):
    from apps.datasets.models import Dataset, DatasetVersion, Profile

    own = {"organization": tenant.organization, "project": tenant.project}
    names = Dataset.objects.bulk_create(
        Dataset(**own, name=f"loans {at}", created_by=tenant.builder) for at in range(count // 10)
    )
    declared = {
        "target": "approve", "favourable": "1", "left_out": [], "missing": [],
        "sensitive": [{"name": "sex", "kind": "column", "column": "sex"}],
    }  # fmt: skip
    versions = DatasetVersion.objects.bulk_create(
        DatasetVersion(
            **own, dataset=names[at % len(names)], number=at // len(names) + 1, filename="loans.csv", format="csv",
            encoding="utf-8", delimiter=",", quote='"', digest=f"{at:064x}", size=10**6, rows=1989,
            columns=["approve", "sex"], uploaded_by=tenant.builder, declaration=declared,
            declaration_digest=f"{at:064x}", declared_by=tenant.builder, declared_at=timezone.now(),
        )
        for at in range(count)
    )  # fmt: skip
    Profile.objects.bulk_create(
        Profile(**own, version=version, started_by=tenant.builder, state="finished", result="{}", digest=f"{at:064x}")
        for at, version in enumerate(versions)
    )
    return versions


def _models(tenant, data):
    from apps.models.models import ModelVersion, RegisteredModel
    from apps.training.models import TrainingRun

    own = {"organization": tenant.organization, "project": tenant.project}
    names = RegisteredModel.objects.bulk_create(
        RegisteredModel(**own, name=f"screening-{at}", created_by=tenant.builder) for at in range(len(data) // 10)
    )
    recipe = {"estimator": "logistic"}
    runs = TrainingRun.objects.bulk_create(
        TrainingRun(
            **own, model=names[at % len(names)], dataset_version=version, recipe=recipe, state="finished",
            started_by=tenant.builder, queue="cpu",
        )
        for at, version in enumerate(data)
    )  # fmt: skip
    return ModelVersion.objects.bulk_create(
        ModelVersion(
            **own, model=names[at % len(names)], number=at // len(names) + 1, run_id=run.pk,
            artifact_digest=f"{at:064x}", files={}, dataset_version=version, data_digest=version.digest,
            declaration_digest=version.declaration_digest, recipe=recipe, recipe_digest=f"{at:064x}", seed=0,
            code_version="1", libraries={}, device={"kind": "cpu"}, duration_s=1.5, input_schema=[],
            metrics={"holdout": HELD_OUT}, trained_by=tenant.builder,
        )
        for at, (version, run) in enumerate(zip(data, runs, strict=True))
    )  # fmt: skip


def _reports(tenant, versions) -> None:
    from apps.common.canonical import digest
    from apps.reports.models import Report

    result = b'{"answer":"It performs well.","figures":[],"kind":"performance","provenance":"recomputed by the portal"}'
    Report.objects.bulk_create(
        Report(
            organization=tenant.organization, project=tenant.project, kind="performance", model_version=version,
            started_by=tenant.builder, queue="cpu",
        )
        for version in versions
    )  # fmt: skip
    become(tenant.organization.pk)  # for nobody: a worker measures
    mine = Report.objects.filter(organization=tenant.organization, state__in=("queued", "running"))
    mine.update(state="running", attempt=1, worker="bench")
    done = {"state": "finished", "verdict": "pass", "finished_at": timezone.now()}
    mine.update(result=result.decode(), digest=digest(result), **done)
    tenant.enter(tenant.builder)


def _records(tenant, versions) -> None:
    from apps.audits.events import Event
    from apps.audits.models import Record

    by = tenant.builder
    Record.objects.bulk_create(
        Record(
            organization_id=by.organization_id, event=Event.MODEL_REGISTERED, by_id=by.user_id, by_role=by.role,
            on_type="modelversion", on_id=version.pk, thing=str(version), project=tenant.project.slug,
            names={"by": [by.user.personal_subject, str(by.user)]}, facts={"digest": version.artifact_digest},
        )
        for version in versions
    )  # fmt: skip
