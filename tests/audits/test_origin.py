"""Each record says from where it came; a job's says which job, by which code, and who started it."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits import verification
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record
from apps.common import origin, work
from apps.common.origin import coming_from
from tests.datasets import make as datasets

pytestmark = pytest.mark.django_db


def leaf(seq: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select audits_leaf(r) from audits_record r where seq = %s", [seq])
        return cursor.fetchone()[0]


def newest() -> Record:
    return Record.objects.order_by("-seq")[0]


def test_a_record_holds_all_that_an_entry_must(acme):
    """WF-LOG-2: actor, acting for, action, object, before and after, reason, time, source, request, outcome."""
    with coming_from("rest", request="0123456789abcdef"):
        record(Event.PROJECT_CHANGED, on=acme.project, by=acme.owner, before={"name": "a"}, after={"name": "b"})
    said = json.loads(leaf(newest().seq))
    assert said["by"] == acme.owner.user_id and said["by_token"] is None
    assert said["words"] == ["project.changed", "owner", "project", "Lending", "lending"]
    assert said["on"] == acme.project.pk and said["utc"]
    assert said["facts"] == {"before": {"name": "a"}, "after": {"name": "b"}}
    assert said["origin"] == {"door": "rest", "request": "0123456789abcdef"}
    assert newest().outcome == "done"


def test_a_leaf_without_origin_is_the_one_it_always_was(acme):
    """Records from before this was kept keep their digests: their leaf has not one word more."""
    record(Event.PROJECT_CHANGED, on=acme.project, by=acme.owner)
    plain = newest().seq
    with coming_from("command", command="adopt"):
        record(Event.PROJECT_CHANGED, on=acme.project, by=None)
    assert leaf(plain).endswith('"facts":{}}') and "origin" not in leaf(plain)
    assert leaf(plain + 1).endswith('"facts":{},"origin":{"door": "command", "command": "adopt"}}')
    assert verification.verify(acme.organization.pk).intact


def test_what_is_inside_another_way_in_comes_from_there_and_is_left_again():
    with coming_from("job", job="report 7.1"):
        with coming_from("rest", request="0123456789abcdef"):
            assert origin.origin() == {"door": "rest", "request": "0123456789abcdef"}
        assert origin.origin() == {"door": "job", "job": "report 7.1"}
    assert origin.origin() == {}


def test_a_job_tells_its_number_its_code_and_who_started_it(acme):
    """WF-LOG-3."""
    version = datasets.version(acme.builder, acme.project, declaration=datasets.SAID)
    datasets.profiled(version)
    told = Record.objects.get(event="dataset.profiled")
    profile = told.facts["profile"]
    assert told.by_id is None and told.origin == {
        "door": "job", "job": f"profile {profile}.1", "started_by": acme.builder.user_id, "code": origin.code(),
    }  # fmt: skip
    assert "started by person" in told.came_from


def test_the_code_of_a_job_changes_with_any_line_of_it(monkeypatch, tmp_path):
    home = tmp_path / "apps" / "common"
    home.mkdir(parents=True)
    monkeypatch.setattr(origin, "__file__", str(home / "origin.py"))
    codes = set()
    for text in ("a = 1\n", "a = 2\n"):
        (home / "origin.py").write_text(text)
        origin.code.cache_clear()
        codes.add(origin.code())
    origin.code.cache_clear()
    assert len(codes) == 2


@pytest.mark.parametrize("model", work.Work.__subclasses__(), ids=lambda model: model._meta.label_lower)
def test_the_database_refuses_a_job_that_nobody_started(acme, model):
    """WF-LOG-3."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select attnotnull from pg_attribute where attrelid = %s::regclass and attname = 'started_by_id'",
            [model._meta.db_table],
        )
        assert cursor.fetchone() == (True,)


def test_a_job_without_a_starter_is_refused_in_plain_sql(acme):
    version = datasets.version(acme.builder, acme.project)
    with pytest.raises(DatabaseError, match="started_by_id"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update datasets_profile set started_by_id = null where version_id = %s", [version.pk])
    with pytest.raises(DatabaseError, match="started_by_id"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "insert into datasets_profile (organization_id, project_id, version_id, state, queue, queued_at, rung_at,"
            " attempt, worker, progress, problem, cancel_requested, declared, result, digest)"
            " select organization_id, project_id, version_id, 'queued', 'default', now(), now(), 0, '', '{}', '',"
            " false, false, '', '' from datasets_profile limit 1"
        )
