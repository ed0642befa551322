"""Files in a bucket: large ones in parts; whatever is wrong there is said as a disk's trouble is and leaves no half."""

import datetime as dt
import hashlib
import os
import threading
import time

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.audits.models import Record
from apps.common import objects, storage, work
from apps.common.errors import ActionDenied
from apps.common.objects import ObjectStorage
from apps.common.work import WorkState
from apps.controls import actions as controls
from apps.datasets import actions, downloads, runs
from apps.datasets.models import DatasetVersion
from tests.controls import make as schedules
from tests.datasets import make
from tests.objects import ObjectServer, use

TWO_DAYS = dt.timedelta(days=2)
LARGE = b"age,approve\n" + b"31,1\n" * 5_000_000  # 25 MB: four parts


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(work, "_ring", lambda row: None)


@pytest.fixture
def fragile(tmp_path, settings, monkeypatch):
    """A server of the test's own, to be killed."""
    (tmp_path / "objects").mkdir()
    server = ObjectServer(tmp_path / "objects").start()
    use(server, settings, monkeypatch)
    yield server
    server.stop()


def nothing_was_kept(tenant) -> bool:
    tenant.enter()
    return not DatasetVersion.objects.exists() and not Record.objects.filter(event="dataset.added").exists()


def stored(tenant) -> list[str]:
    return [name.rsplit("/", 1)[1] for name, _ in default_storage.ages(str(tenant.organization.pk))]


@pytest.mark.django_db
def test_a_large_upload_goes_in_parts_and_comes_back_as_it_was(acme, bucket, monkeypatch):
    parts = []
    client = default_storage._client
    monkeypatch.setattr(client, "upload_part", lambda _do=client.upload_part, **said: parts.append(1) or _do(**said))
    version = make.version(acme.builder, acme.project, LARGE)
    assert len(parts) == 3
    answer = downloads.attachment(version, by=acme.builder)
    assert int(answer.headers["Content-Length"]) == len(LARGE)
    assert hashlib.sha256(b"".join(answer.streaming_content)).hexdigest() == version.digest
    with storage.local_path(acme.organization.pk, version.digest) as path:
        assert path.read_bytes() == LARGE
    assert not path.exists()
    assert not list(path.parent.parent.glob("*/")), "a worker's copy is left behind"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "why"),
    [({"secret": "wrong"}, "SignatureDoesNotMatch"), ({"bucket": "absent"}, "NoSuchBucket")],
)
@pytest.mark.parametrize("content", [make.TABLE, LARGE], ids=["small", "large"])
def test_a_store_that_refuses_keeps_nothing_and_says_why(
    acme, object_server, settings, monkeypatch, said, why, content
):
    use(object_server, settings, monkeypatch, **said)
    with pytest.raises(ActionDenied, match=f"could not keep the file.*{why}.*Nothing was stored"):
        make.version(acme.builder, acme.project, content)
    assert nothing_was_kept(acme)


def test_without_credentials_it_says_so(object_server, settings, monkeypatch, tmp_path):
    use(object_server, settings, monkeypatch)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "absent"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(storage.StoreAway, match="NoCredentialsError"):
        default_storage.save("1/ab/x", ContentFile(b"x"))


@pytest.mark.django_db
def test_a_server_that_dies_in_the_middle_of_an_upload_leaves_no_half_and_the_next_try_holds(acme, fragile):
    def kill():
        while not list(fragile.folder.rglob(".rclone_temp_multipart*")):
            time.sleep(0.005)
        fragile.stop()

    killing = threading.Thread(target=kill)
    killing.start()
    with pytest.raises(ActionDenied, match=r"object store does not answer.*Nothing was stored"):
        make.version(acme.builder, acme.project, LARGE)
    killing.join()
    assert nothing_was_kept(acme)
    fragile.start()
    assert stored(acme) == []
    version = make.version(acme.builder, acme.project, LARGE)
    assert stored(acme) == [version.digest]


@pytest.mark.django_db
def test_a_worker_waits_for_a_store_that_is_away(acme, fragile):
    version = make.version(acme.builder, acme.project)
    fragile.stop()
    waiting = make.profiled(version)
    assert waiting.state == WorkState.RUNNING
    assert "the object store does not answer" in waiting.problem and "tried again" in waiting.problem
    fragile.start()
    version.profiles.update(lease_until=timezone.now())
    runs.run(version.organization_id, waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.problem) == (WorkState.FINISHED, "")


@pytest.mark.django_db
def test_a_page_that_needs_a_store_that_is_away_is_not_ready(client, acme, fragile):
    version = make.version(acme.builder, acme.project)
    client.force_login(acme.builder.user)
    fragile.stop()
    client.raise_request_exception = False
    for address in (f"/acme/lending/datasets/{version.pk}/file/", f"/api/v1/acme/dataset-versions/{version.pk}/file/"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "The store of files does not answer." in answer.content.decode()
    acme.enter()
    assert not Record.objects.filter(event="dataset.downloaded").exists()


@pytest.mark.django_db
def test_an_object_that_is_damaged_or_gone_is_found_by_the_worker(acme, bucket):
    version = make.version(acme.builder, acme.project)
    name = storage._name(acme.organization.pk, version.digest)
    default_storage.save(name, ContentFile(make.TABLE.replace(b"31", b"32")))
    failed = make.profiled(version)
    assert (failed.state, "does not have the bytes" in failed.problem) == (WorkState.FAILED, True)
    default_storage.delete(name)
    again = actions.profile_again(version, by=acme.builder)
    runs.run(version.organization_id, again.pk)
    again.refresh_from_db()
    assert (again.state, "no such object" in again.problem) == (WorkState.FAILED, True)
    with pytest.raises(ActionDenied, match="stored bytes are gone"):
        downloads.attachment(version, by=acme.builder)


@pytest.mark.django_db
def test_what_no_row_names_goes_after_a_day_and_so_do_uploads_that_broke_off(acme, rival, bucket):
    acme.enter(acme.builder)
    version = make.version(acme.builder, acme.project)
    lost = storage.put(acme.organization.pk, b"lost").digest
    client = default_storage._client
    for tenant in (acme, rival):
        key = storage._name(tenant.organization.pk, "d" * 64)
        begun = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        client.upload_part(Bucket=bucket, Key=key, UploadId=begun, PartNumber=1, Body=b"x" * 2**20)
    acme.enter(acme.owner)
    assert controls.dispose_daily(acme.organization).result["disposed"] == {}
    gone = controls.dispose_daily(acme.organization, now=timezone.now() + TWO_DAYS).result["disposed"]
    assert gone == {"lost_files": 1, "broken_uploads": 1}
    assert stored(acme) == [version.digest] != [lost]
    broken = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [one["Key"] for one in broken] == [storage._name(rival.organization.pk, "d" * 64)]


@pytest.mark.django_db
def test_bytes_are_disposed_of_though_the_store_is_away_at_that_moment(
    acme, fragile, django_capture_on_commit_callbacks
):
    acme.enter(acme.builder)
    version = make.version(acme.builder, acme.project)
    long_ago = timezone.now() - dt.timedelta(days=1000)
    gone = {"withdrawn_at": long_ago, "withdrawn_by": acme.builder, "withdrawn_reason": "A complaint."}
    DatasetVersion.objects.filter(pk=version.pk).update(**gone)
    acme.enter(acme.owner)
    schedules.answered(acme, schedules.answers())
    proposed = controls.propose_schedule(periods={"data": 30}, maximum_personal=None, by=acme.owner)
    acme.enter(acme.reviewer)
    controls.publish_schedule(proposed, by=acme.reviewer)
    acme.enter(acme.owner)
    with django_capture_on_commit_callbacks() as afterwards:
        assert controls.dispose_now(by=acme.owner).result["disposed"] == {"data": 1}
    fragile.stop()
    (forget,) = afterwards
    with pytest.raises(storage.StoreAway):
        forget()
    fragile.start()
    acme.enter(acme.owner)
    round_after = controls.dispose_daily(acme.organization, now=timezone.now() + TWO_DAYS)
    assert round_after.result["disposed"] == {"lost_files": 1}
    assert stored(acme) == []


def test_it_lists_more_than_one_answer_holds(object_server, bucket):
    folder = object_server.folder / bucket / "1" / "ab"
    folder.mkdir(parents=True)
    names = sorted(f"{number:064x}" for number in range(1001))
    for name in names:
        (folder / name).touch()
    assert sorted(default_storage.listdir("1/ab")[1]) == names
    assert sorted(name for name, _ in default_storage.ages("1")) == [f"1/ab/{name}" for name in names]
    assert (default_storage.listdir("1"), default_storage.listdir("2")) == ((["ab"], []), ([], []))


def test_a_forked_process_talks_on_a_connection_of_its_own(object_server, bucket, monkeypatch):
    store = ObjectStorage(bucket=bucket, endpoint=object_server.endpoint)
    parent, child = store._client, os.getpid() + 1
    assert store._client is parent
    monkeypatch.setattr(objects.os, "getpid", lambda: child)
    assert store._client is not parent
