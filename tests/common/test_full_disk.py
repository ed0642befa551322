"""A disk that really is full: a file system of two megabytes."""

import os
import subprocess
import warnings
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.common import storage, work
from apps.common.errors import ActionDenied
from apps.datasets.models import DatasetVersion
from tests.datasets import make

SMALL, LARGE = b"age,approve\n31,1\n", b"age,approve\n" + b"31,1\n" * 600_000  # 3 MB


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(work, "_ring", lambda row: None)


@pytest.fixture
def small_disk(tmp_path, settings):
    """Files lie on a disk of two megabytes, uploads come in on another."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        warnings.warn(pytest.PytestWarning("NOT RUN: a full disk (a file system is mounted by root)"), stacklevel=1)
        pytest.skip("no file system can be mounted")
    options = {"location": disk / "files"}
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": folder}
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def files(disk) -> list:
    return [path for path in disk.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_an_upload_that_does_not_fit_is_refused_and_leaves_room_for_one_that_does(acme, small_disk):
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match=r"No space left on device.*Nothing was stored"):
        make.version(acme.builder, acme.project, LARGE)
    acme.enter(acme.builder)
    assert not DatasetVersion.objects.exists() and not files(small_disk)
    assert storage.read(acme.organization.pk, make.version(acme.builder, acme.project, SMALL).digest) == SMALL


@pytest.mark.django_db
def test_what_a_worker_writes_is_there_whole_or_not_at_all(acme, small_disk):
    with pytest.raises(OSError, match="No space left"):
        storage.put(acme.organization.pk, LARGE)
    assert not files(small_disk)
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    digest = storage.put(acme.organization.pk, LARGE).digest
    assert storage.read(acme.organization.pk, digest) == LARGE
    assert [path.name for path in files(small_disk)] == [digest]


@pytest.mark.django_db
def test_half_a_file_under_its_name_is_written_again(acme):
    digest = storage.put(acme.organization.pk, SMALL).digest
    path = default_storage.path(storage._name(acme.organization.pk, digest))
    with open(path, "wb") as file:  # as a machine that lost its power left it
        file.write(SMALL[:5])
    storage.put(acme.organization.pk, SMALL)
    assert storage.read(acme.organization.pk, digest) == SMALL


def test_what_killed_processes_left_coming_in_goes_after_a_day(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    for name in ("old.upload", "new.upload"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "table").write_bytes(b"a table of somebody")
    for name in ("old.upload", "copy"):
        os.utime(tmp_path / name, (0, 0))
    storage.clear_incoming(timezone.now() - timedelta(seconds=1))
    assert [path.name for path in tmp_path.iterdir()] == ["new.upload"]
