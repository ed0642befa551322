"""What is past its time goes, and is remembered; what a hold, a sign-off or nobody's word binds stays."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import IdempotencyKey
from apps.audits import holds
from apps.audits.models import Record
from apps.common import storage
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.controls import actions
from apps.controls.models import Disposal, DisposalRun
from apps.controls.queries.disposal import schedule_in_force
from apps.datasets.models import DatasetVersion
from tests.approvals import make as signed
from tests.controls import make

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - dt.timedelta(days=1000)


def withdrawn(tenant, *, at=LONG_AGO, number=1) -> DatasetVersion:
    data = signed.dataset_version(tenant, number=number)
    DatasetVersion.objects.filter(pk=data.pk).update(
        withdrawn_at=at, withdrawn_by=tenant.builder, withdrawn_reason="A complaint."
    )
    return data


def schedule(tenant, days=30, **more):
    tenant.enter(tenant.owner)
    more = {"maximum_personal": None} | more
    proposed = actions.propose_schedule(periods={"data": days}, by=tenant.owner, **more)
    tenant.enter(tenant.reviewer)
    published = actions.publish_schedule(proposed, by=tenant.reviewer)
    tenant.enter(tenant.owner)
    return published


def dispose(tenant, **options) -> dict:
    tenant.enter(tenant.owner)
    return actions.dispose_now(by=tenant.owner).result


def test_bytes_past_their_time_go_and_the_count_matches(acme, django_capture_on_commit_callbacks):
    make.answered(acme, make.answers())
    stored = storage.put(acme.organization.pk, b"bytes")
    data = withdrawn(acme)
    DatasetVersion.objects.filter(pk=data.pk)  # its digest is of other bytes; store those under it
    schedule(acme)
    with django_capture_on_commit_callbacks(execute=True):
        assert dispose(acme) == {"disposed": {"data": 1}, "spared": {}}
    (gone,) = Disposal.objects.all()
    assert (gone.version_id, gone.digest) == (data.pk, data.digest) and "kept for 30 days" in gone.why
    lines = Record.objects.filter(event__in=("dataset.disposed", "disposal.run")).order_by("seq")
    assert [line.event for line in lines] == ["dataset.disposed", "disposal.run"]
    assert lines[1].facts["disposed"] == {"data": 1}
    assert storage.read(acme.organization.pk, stored.digest) == b"bytes"  # what is no one's business stays
    assert dispose(acme) == {"disposed": {}, "spared": {}}


def test_the_bytes_themselves_are_gone_once_it_is_committed(acme, django_capture_on_commit_callbacks, monkeypatch):
    make.answered(acme, make.answers())
    data, forgotten = withdrawn(acme), []
    monkeypatch.setattr(storage, "forget", lambda *which: forgotten.append(which))
    schedule(acme)
    with django_capture_on_commit_callbacks(execute=True) as after:
        dispose(acme)
        assert forgotten == []
    assert after and forgotten == [(acme.organization.pk, data.digest)]


@pytest.mark.parametrize("where", ["project", "organization"])
def test_a_hold_spares_and_the_round_says_so(acme, where):
    make.answered(acme, make.answers())
    withdrawn(acme)
    schedule(acme)
    holds.place(getattr(acme, where), reason="A complaint in court.", by=acme.owner)
    result = dispose(acme)
    assert result["disposed"] == {} and "legal hold" in next(iter(result["spared"]))
    assert "legal hold" in str(Record.objects.get(event="disposal.run").facts)
    assert not Disposal.objects.exists()


def test_what_has_no_stated_time_or_time_left_stays(acme):
    make.answered(acme, make.answers())
    withdrawn(acme)
    assert "No time is stated" in next(iter(dispose(acme)["spared"]))
    schedule(acme, days=2000)
    assert "has not passed yet" in next(iter(dispose(acme)["spared"]))


def test_the_laws_minimum_is_longer_than_the_schedule_and_the_maximum_shorter(acme):
    make.answered(acme)  # lending: 25 months for credit applications
    withdrawn(acme, at=timezone.now() - dt.timedelta(days=400))
    schedule(acme)
    assert "has not passed yet" in next(iter(dispose(acme)["spared"]))
    schedule(acme, maximum_personal=365)
    assert dispose(acme)["disposed"] == {"data": 1}


def test_the_same_bytes_in_use_elsewhere_stay(acme):
    make.answered(acme, make.answers())
    data = withdrawn(acme)
    twin = signed.dataset_version(acme, number=2)
    with transaction.atomic():
        DatasetVersion.objects.create(
            **{field.attname: getattr(twin, field.attname) for field in DatasetVersion._meta.concrete_fields
               if field.attname not in ("id", "digest", "number")}, digest=data.digest, number=3,
        )  # fmt: skip
    schedule(acme)
    assert dispose(acme)["spared"] == {"The same bytes are another version's, which is in use.": 1}


def test_what_an_open_sign_off_binds_stays(acme):
    make.answered(acme)
    approval = signed.asked(acme)
    data = approval.model_version.dataset_version
    DatasetVersion.objects.filter(pk=data.pk).update(withdrawn_at=LONG_AGO, withdrawn_by=acme.builder)
    schedule(acme, maximum_personal=1)
    assert dispose(acme)["spared"] == {"A sign-off rests on it.": 1}


def test_kept_answers_go_after_their_week(acme):
    for name, age in (("old", 8), ("young", 6)):
        key = IdempotencyKey.objects.create(organization=acme.organization, membership=acme.builder, key=name)
        IdempotencyKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - dt.timedelta(days=age))
    assert dispose(acme)["disposed"] == {"kept_answers": 1}
    assert IdempotencyKey.objects.get().key == "young"


def test_the_portal_makes_one_round_a_day(acme):
    acme.enter(None)
    first = actions.dispose_daily(acme.organization)
    assert first.started_by is None and actions.dispose_daily(acme.organization) is None
    tomorrow = timezone.now() + dt.timedelta(days=1)
    assert actions.dispose_daily(acme.organization, now=tomorrow)


def test_another_organization_keeps_its_own(acme, rival):
    make.answered(acme, make.answers())
    withdrawn(acme)
    schedule(acme)
    rival.enter(rival.owner)
    schedule(rival)
    assert dispose(rival) == {"disposed": {}, "spared": {}}
    acme.enter()
    assert not Disposal.objects.exists()


def test_only_an_owner_proposes_and_disposes(acme):
    for by in (acme.builder, acme.reviewer, acme.auditor):
        acme.enter(by)
        with pytest.raises(NotPermitted):
            actions.propose_schedule(periods={}, maximum_personal=None, by=by)
        with pytest.raises(NotPermitted):
            actions.dispose_now(by=by)
    with pytest.raises(BadInput):
        schedule(acme, days=0)


def test_two_people_change_how_long_things_are_kept(acme):
    acme.enter(acme.owner)
    first = actions.propose_schedule(periods={"data": 30}, maximum_personal=None, by=acme.owner)
    assert schedule_in_force(viewer=acme.owner) is None
    with pytest.raises(ActionDenied, match="You proposed it; a second person"):
        actions.publish_schedule(first, by=acme.owner)
    for by in (acme.builder, acme.auditor):
        acme.enter(by)
        with pytest.raises(NotPermitted, match="Only owners and reviewers"):
            actions.publish_schedule(first, by=by)
    second = schedule(acme, days=60)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="schedule 2 was published since"):
        actions.publish_schedule(first, by=acme.reviewer)
    with pytest.raises(ActionDenied, match="published already"):
        actions.publish_schedule(second, by=acme.reviewer)
    assert schedule_in_force(viewer=acme.owner)["periods"] == {"data": 60}
    events = Record.objects.filter(event__startswith="retention.").order_by("seq").values_list("event", flat=True)
    assert list(events) == ["retention.proposed", "retention.proposed", "retention.published"]


@pytest.mark.parametrize(
    ("who", "sql", "answer"),
    [
        ("owner", "update {} set published_by_id = %s, published_at = now()", "Who proposed"),
        ("builder", "update {} set published_by_id = %s, published_at = now()", "An owner or a reviewer publishes"),
        ("owner", "insert into {} (organization_id, number, body, digest, by_id, at, published_by_id, published_at) "
                  "select organization_id, 2, body, digest, by_id, at, %s, now() from {}", "is proposed first"),
    ],
)  # fmt: skip
def test_the_database_lets_nobody_change_it_alone(acme, who, sql, answer):
    acme.enter(acme.owner)
    actions.propose_schedule(periods={"data": 30}, maximum_personal=None, by=acme.owner)
    by = acme.members[who]
    acme.enter(by)
    sql = sql.replace("{}", "controls_retentionschedule")
    with pytest.raises(DatabaseError, match=answer), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, [by.pk])


@pytest.mark.parametrize("attack", ["delete from controls_{}", "update controls_{} set at = now()"])
@pytest.mark.parametrize("table", ["disposal", "disposalrun", "retentionschedule"])
def test_what_was_disposed_of_is_not_forgotten(acme, attack, table):
    make.answered(acme, make.answers())
    withdrawn(acme)
    schedule(acme)
    dispose(acme)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack.format(table))


def test_the_command_makes_the_round_of_every_organization(acme, capsys):
    call_command("dispose")
    assert "acme" in capsys.readouterr().out
    acme.enter()
    assert DisposalRun.objects.count() == 1
