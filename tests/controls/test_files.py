"""`manage.py files`: what is missing or damaged in the store is named, whoever's it is."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from apps.common import storage, work
from tests.datasets import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr(work, "_ring", lambda row: None)


@pytest.fixture
def kept(acme):
    """What rows of acme name: two tables."""
    acme.enter(acme.builder)
    return [make.version(acme.builder, acme.project, content) for content in (make.TABLE, make.loans())]


def test_what_is_there_with_its_bytes_is_counted(acme, rival, kept, capsys):
    call_command("files")
    said = capsys.readouterr().out
    assert "acme: 2 of 2 files are there with their bytes" in said
    assert "rival: 0 of 0 files are there with their bytes" in said


def test_what_is_missing_or_damaged_is_named_and_the_command_fails(acme, rival, kept, capsys):
    missing, damaged = kept
    default_storage.delete(storage._name(acme.organization.pk, missing.digest))
    name = storage._name(acme.organization.pk, damaged.digest)
    default_storage.delete(name)
    default_storage.save(name, ContentFile(b"other bytes"))
    with pytest.raises(CommandError, match="2 of the files are not what the rows say"):
        call_command("files")
    said = capsys.readouterr().out
    assert f"acme: {missing.digest} is missing" in said and f"acme: {damaged.digest} is damaged" in said
    call_command("files", "rival")
    with pytest.raises(CommandError, match="No organization is called harbor"):
        call_command("files", "harbor")
