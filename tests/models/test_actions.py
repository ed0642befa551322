"""Registering, taking away, retiring: state and record, and what nobody can change afterwards."""

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from apps.audits.events import Event
from apps.audits.models import Record
from apps.common.canonical import digest
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.models import actions
from apps.models.models import ModelVersion
from tests.models import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(acme):
    acme.enter(acme.builder)
    return make.version(acme)


def last(on):
    return Record.objects.filter(on_type=on._meta.model_name, on_id=on.pk).order_by("-seq").first()


def test_a_registered_version_is_bound_by_digests_and_recorded(acme, version):
    assert version.artifact_digest == digest({name: digest(content) for name, content in make.FILES.items()})
    assert version.recipe_digest == digest(version.recipe)
    assert version.data_digest == version.dataset_version.digest
    record = last(version)
    assert (record.event, record.by_id) == (Event.MODEL_REGISTERED, None)
    assert record.facts["artifact"] == version.artifact_digest
    assert record.told["trained_by"] == str(acme.builder.user)


def test_versions_of_a_model_are_numbered(acme, version):
    assert make.version(acme, on=version.dataset_version).number == 2
    assert make.version(acme, on=version.dataset_version, name="other").number == 1


def test_one_run_makes_one_version(acme, version):
    with pytest.raises(IntegrityError), transaction.atomic():
        make.version(acme, on=version.dataset_version, run_id=version.run_id)


def test_a_download_is_remembered(acme, version):
    actions.take_away(version, "model.json", by=acme.reviewer)
    record = last(version)
    assert (record.event, record.by_id) == (Event.MODEL_DOWNLOADED, acme.reviewer.user_id)
    assert record.facts["digest"] == digest(make.FILES["model.json"])


@pytest.mark.parametrize("role", ["owner", "auditor"])
def test_who_may_not_download_is_told(acme, version, role):
    with pytest.raises(NotPermitted, match="builders and reviewers"):
        actions.take_away(version, "model.json", by=acme.members[role])
    assert last(version).event == Event.ACTION_REFUSED


def test_a_version_is_retired_once_with_a_reason(acme, version):
    with pytest.raises(BadInput, match="Say why"):
        actions.retire(version, reason="  ", by=acme.builder)
    retired = actions.retire(version, reason="Replaced.", by=acme.builder)
    assert (retired.retired_reason, retired.retired_by, bool(retired.retired_at)) == ("Replaced.", acme.builder, True)
    assert (last(version).event, last(version).facts["reason"]) == (Event.MODEL_RETIRED, "Replaced.")
    with pytest.raises(ActionDenied, match="retired already"):
        actions.retire(version, reason="Again.", by=acme.builder)


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_others_than_builders_do_not_retire(acme, version, role):
    with pytest.raises(NotPermitted, match="Only builders"):
        actions.retire(version, reason="No.", by=acme.members[role])


def attack(sql, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


def test_a_version_never_changes_but_for_its_retirement(version):
    for column in [field.column for field in ModelVersion._meta.concrete_fields]:
        if column.startswith("retired") or column == "id":
            continue
        with pytest.raises((IntegrityError, ProgrammingError, InternalError)):
            attack(f"update models_modelversion set {column} = {other(column)} where id = %s", version.pk)
    for sql in ("delete from models_modelversion where id = %s", "truncate models_modelversion cascade"):
        with pytest.raises((IntegrityError, ProgrammingError, InternalError)):
            attack(sql, *([version.pk] if "%s" in sql else []))


def other(column: str) -> str:
    """An SQL value that differs from what stands in a column."""
    kind = next(field for field in ModelVersion._meta.concrete_fields if field.column == column).get_internal_type()
    if kind == "JSONField":
        return "'{\"changed\": 1}'"
    if kind in ("CharField", "TextField"):
        return "'changed'"
    return "now() + interval '1 hour'" if kind == "DateTimeField" else f"coalesce({column}, 0) + 1"


def test_a_rival_sees_and_changes_nothing(version, rival):
    rival.enter()
    assert not ModelVersion.objects.exists()
    assert attack("update models_modelversion set retired_reason = 'x' where id = %s", version.pk) == 0
