"""Bytes by their digest, in a folder or in a bucket: checked when read, apart by organization, once however often they
come."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.common import storage

pytestmark = pytest.mark.django_db  # who stores bytes is alone with them in the database
CONTENT = b"age,approve\n31,1\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True, params=["folder", "bucket"])
def _store(request):
    if request.param == "bucket":
        request.getfixturevalue("bucket")


def test_it_keeps_bytes_under_their_digest():
    stored = storage.put(1, SimpleUploadedFile("loans.csv", CONTENT))
    assert stored == storage.Stored(digest=DIGEST, size=len(CONTENT))
    assert storage.read(1, DIGEST) == CONTENT
    assert b"".join(storage.chunks(1, DIGEST)) == CONTENT
    with storage.local_path(1, DIGEST) as path:
        assert path.read_bytes() == CONTENT


def test_it_keeps_the_same_bytes_once():
    storage.put(1, CONTENT)
    storage.put(1, SimpleUploadedFile("again.csv", CONTENT))
    assert default_storage.listdir(f"1/{DIGEST[:2]}")[1] == [DIGEST]


def test_it_shows_another_organization_nothing():
    storage.put(1, CONTENT)
    with pytest.raises(FileNotFoundError):
        storage.read(2, DIGEST)


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], CONTENT.replace(b"1", b"0")])
def test_it_refuses_damaged_bytes(damage):
    storage.put(1, CONTENT)
    name = f"1/{DIGEST[:2]}/{DIGEST}"
    default_storage.delete(name)
    default_storage.save(name, ContentFile(damage))
    with pytest.raises(storage.DamagedFile):
        storage.read(1, DIGEST)
    with pytest.raises(storage.DamagedFile), storage.local_path(1, DIGEST):
        pass


def test_it_forgets_what_was_refused():
    storage.put(1, CONTENT)
    storage.forget(1, DIGEST)
    with pytest.raises(FileNotFoundError):
        storage.read(1, DIGEST)
