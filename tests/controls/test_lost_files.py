"""Files that no row names go after a day; one that is being stored again never does."""

import datetime as dt
import os
import threading

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from apps.audits import holds
from apps.audits.models import Record
from apps.common import storage, work
from apps.common.tenancy import as_organization, become
from apps.controls import actions
from apps.controls.queries import disposal
from apps.datasets.models import DatasetVersion
from apps.documents.models import Document
from apps.ml.recipes import Recipe
from apps.training.models import TrainingRun
from tests.approvals import make as approvals
from tests.controls import make as schedules
from tests.datasets import make

DAYS_AGO = dt.timedelta(days=2)


def path(tenant, digest: str) -> str:
    return default_storage.path(storage._name(tenant.organization.pk, digest))


def age(tenant, digest: str) -> None:
    at = (timezone.now() - DAYS_AGO).timestamp()
    os.utime(path(tenant, digest), (at, at))


def dispose(tenant) -> dict:
    tenant.enter(tenant.owner)
    return actions.dispose_now(by=tenant.owner).result


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(work, "_ring", lambda row: None)


@pytest.mark.django_db
def test_bytes_whose_commit_was_lost_go_after_a_day_and_are_counted(acme):
    acme.enter(acme.builder)
    with pytest.raises(ConnectionError), transaction.atomic():
        digest = make.version(acme.builder, acme.project).digest
        raise ConnectionError
    acme.enter(acme.builder)
    assert storage.read(acme.organization.pk, digest) and not DatasetVersion.objects.exists()
    assert dispose(acme) == {"disposed": {}, "spared": {}}  # an upload may be under way
    age(acme, digest)
    assert dispose(acme) == {"disposed": {"lost_files": 1}, "spared": {}}
    assert not os.path.exists(path(acme, digest))
    assert Record.objects.filter(event="disposal.run").get().facts["disposed"] == {"lost_files": 1}


@pytest.mark.django_db
def test_what_a_row_names_stays_however_old(acme):
    acme.enter(acme.builder)
    version = make.version(acme.builder, acme.project)
    age(acme, version.digest)
    assert dispose(acme)["disposed"] == {}
    assert storage.read(acme.organization.pk, version.digest)


@pytest.mark.django_db
def test_every_row_that_names_bytes_is_asked(acme):
    version = approvals.model_version(acme)
    own = {"organization": acme.organization, "project": acme.project, "started_by": acme.builder}
    Document.objects.create(**own, kind="model_card", model_version=version, digest="a" * 64, body_digest="b" * 64)
    recipe = {"dataset_version": version.dataset_version, "recipe": Recipe("logistic").to_json()}
    TrainingRun.objects.create(**own, model=version.model, **recipe, checkpoint="c" * 64)
    kept = {version.dataset_version.digest, *(file["digest"] for file in version.files.values())}
    assert kept and kept | {"a" * 64, "b" * 64, "c" * 64} <= disposal.named(acme.organization.pk)


@pytest.mark.django_db
def test_a_half_written_twin_goes_and_a_foreign_file_stays(acme):
    digest = storage.put(acme.organization.pk, b"bytes").digest
    twin, foreign = f"{digest}_Ab3dE5g", "README"
    for name in (twin, foreign):
        with open(os.path.join(os.path.dirname(path(acme, digest)), name), "wb") as file:
            file.write(b"by")
        os.utime(file.name, (0, 0))
    assert dispose(acme)["disposed"] == {"lost_files": 1}
    assert sorted(os.listdir(os.path.dirname(path(acme, digest)))) == sorted([digest, foreign])


@pytest.mark.django_db
def test_under_a_legal_hold_nothing_goes(acme):
    digest = storage.put(acme.organization.pk, b"bytes").digest
    age(acme, digest)
    acme.enter(acme.owner)
    holds.place(acme.project, reason="A complaint in court.", by=acme.owner)
    assert dispose(acme) == {"disposed": {}, "spared": {"No row names it, and a legal hold is in force.": 1}}
    assert storage.read(acme.organization.pk, digest) == b"bytes"


@pytest.mark.django_db
def test_another_organizations_files_are_its_own(acme, rival):
    rival.enter(rival.builder)
    version = make.version(rival.builder, rival.project)
    age(rival, version.digest)
    assert dispose(acme)["disposed"] == {}
    assert storage.read(rival.organization.pk, version.digest)


@pytest.mark.django_db
def test_bytes_that_are_stored_again_are_new(acme):
    digest = storage.put(acme.organization.pk, b"bytes").digest
    age(acme, digest)
    storage.put(acme.organization.pk, b"bytes")
    assert dispose(acme)["disposed"] == {}


@pytest.mark.django_db
def test_disposed_bytes_that_are_brought_again_before_they_went_stay(acme, django_capture_on_commit_callbacks):
    acme.enter(acme.builder)
    digest = make.version(acme.builder, acme.project).digest
    long_ago = timezone.now() - dt.timedelta(days=1000)
    gone = {"withdrawn_at": long_ago, "withdrawn_by": acme.builder, "withdrawn_reason": "A complaint."}
    DatasetVersion.objects.filter(digest=digest).update(**gone)
    acme.enter(acme.owner)
    schedules.answered(acme, schedules.answers())
    proposed = actions.propose_schedule(periods={"data": 30}, maximum_personal=None, by=acme.owner)
    acme.enter(acme.reviewer)
    actions.publish_schedule(proposed, by=acme.reviewer)
    with django_capture_on_commit_callbacks(execute=True):
        assert dispose(acme)["disposed"] == {"data": 1}
        acme.enter(acme.builder)
        make.version(acme.builder, acme.project)
    assert storage.read(acme.organization.pk, digest) == make.TABLE


def test_an_upload_of_the_same_bytes_that_is_not_committed_is_waited_for(living):
    """The bytes lie there lost and old; an upload finds them, and has not committed when the round comes by."""
    with as_organization(living.organization.pk):
        digest = storage.put(living.organization.pk, make.TABLE).digest
    stored, decided, results = threading.Event(), threading.Event(), []

    def upload():
        try:
            with transaction.atomic():
                become(living.organization.pk, living.builder.user_id)
                version = make.version(living.builder, living.project)
                assert version.digest == digest
                age(living, digest)  # as if it had taken more than a day
                stored.set()
                assert decided.wait(20)
        finally:
            connection.close()

    def round_of_the_day():
        try:
            with as_organization(living.organization.pk):
                results.append(actions.dispose_daily(living.organization).result)
        finally:
            connection.close()

    uploading, disposing = threading.Thread(target=upload), threading.Thread(target=round_of_the_day)
    uploading.start()
    assert stored.wait(20)
    disposing.start()
    disposing.join(0.5)
    assert disposing.is_alive()
    decided.set()
    for each in (uploading, disposing):
        each.join(20)
    assert results == [{"disposed": {}, "spared": {}}]
    assert storage.read(living.organization.pk, digest) == make.TABLE
