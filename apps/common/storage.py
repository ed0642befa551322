"""Bytes by their digest: `<organization>/<first two>/<sha256>`, behind Django's storage (a folder, or S3).

Each organization has its own folder: two that hold the same bytes cannot learn it from each other.

Bytes are stored before the row that names them is committed, so that a row never lacks its bytes. Where that commit is
lost, bytes stay that no row names; they are removed once they are older than LOST (see `controls.actions.disposal`)."""

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.db import connection, transaction

from apps.common.errors import ActionDenied
from apps.common.numbers import size

CHUNK = 2**20
NAME = re.compile(r"[0-9a-f]{64}")
RESTORE = "the operator of the portal must restore them."
LOST = timedelta(days=1)  # after which bytes that no row names belong to nothing under way


@dataclass(frozen=True)
class Stored:
    digest: str  # SHA-256, hex
    size: int  # bytes


class DamagedFile(Exception):
    """The stored bytes are not those their name says."""


class StoreAway(OSError):
    """The store of files does not answer, or refuses."""

    def __init__(self, why: str):
        super().__init__(errno.EIO, why)


class DigestingUploadHandler(TemporaryFileUploadHandler):
    """Streams an upload to disk while its SHA-256 is computed; the file then has `.sha256`.

    An upload that cannot be kept (a full disk, more than UPLOAD_LIMIT) is dropped while its fields stay: the request
    then says why in `upload_problem`."""

    chunk_size = CHUNK

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self._sha256 = hashlib.sha256()

    def receive_data_chunk(self, raw_data, start):
        if start + len(raw_data) > settings.UPLOAD_LIMIT:
            self._drop(f"The file is larger than the {size(settings.UPLOAD_LIMIT)} that are taken. Split it.")
        self._sha256.update(raw_data)
        try:
            return super().receive_data_chunk(raw_data, start)
        except OSError as error:
            why = error.strerror or type(error).__name__
            self._drop(f"The portal could not write the file ({why}). Nothing was stored; tell its operator.")

    def _drop(self, sentence):
        """The rest of the body is read and thrown away, so that the answer reaches who sent it."""
        self.request.upload_problem = sentence
        self.file.close()
        raise StopUpload(connection_reset=False)

    def file_complete(self, file_size):
        file = super().file_complete(file_size)
        if file is not None:
            file.sha256 = self._sha256.hexdigest()
        return file


def put(organization_id: int, file) -> Stored:
    """Keep a file's bytes (an upload, an open binary file, or bytes) and say their digest and size.

    They are as new as if they had not been there before, so that nobody takes them for lost."""
    if isinstance(file, bytes):
        file = ContentFile(file)
    elif not isinstance(file, File):
        file = File(file)
    digest = getattr(file, "sha256", None) or _digest(file)
    stored = Stored(digest=digest, size=file.size)
    name = _name(organization_id, digest)
    with transaction.atomic():
        alone(digest)
        if not (_renewed(name) and why_not_whole(organization_id, digest) is None):
            _write(name, file)
    return stored


def alone(digest: str) -> None:
    """Until this transaction ends, nobody else stores or removes these bytes."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [int(digest[:15], 16)])


def _renewed(name: str) -> bool:
    """Make a file as new as if it were written now; False where only writing it does that (S3 writes over it)."""
    try:
        os.utime(default_storage.path(name))
    except (FileNotFoundError, NotImplementedError):
        return False
    return True


def _write(name: str, file) -> None:
    """Whole or not at all: a full disk, or a process that is killed, leaves half of it under another name at most."""
    file.seek(0)
    try:
        path = default_storage.path(name)
    except NotImplementedError:
        default_storage.save(name, file)  # an object is there once all of it came
        return
    half = f"{name}_half"
    try:
        half = default_storage.save(half, file)
        os.replace(default_storage.path(half), path)
    except OSError:
        with suppress(OSError):
            default_storage.delete(half)
        raise


def clear_incoming(now: datetime) -> None:
    """Remove what killed processes left on this machine longer than LOST ago: uploads half come, copies to work on."""
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with suppress(FileNotFoundError):
            if datetime.fromtimestamp(path.stat().st_mtime, tz=UTC) < now - LOST:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def old(organization_id: int, now: datetime) -> Iterator[str]:
    """The digests of the files that were stored longer than LOST ago."""
    if ages := getattr(default_storage, "ages", None):  # an object store tells them by the thousand
        for path, written in ages(str(organization_id)):
            name = path.rsplit("/", 1)[1]
            if NAME.match(name) and written < now - LOST:
                yield name
        return
    root = str(organization_id)
    for folder in _listed(root)[0]:
        for name in _listed(f"{root}/{folder}")[1]:
            if NAME.match(name) and is_old(organization_id, name, now):
                yield name


def forget_broken(organization_id: int, now: datetime) -> int:
    """Give up what an object store holds of uploads to it that broke off longer than LOST ago. Returns how many."""
    abort = getattr(default_storage, "abort_uploads", None)
    return abort(str(organization_id), now - LOST) if abort else 0


def is_old(organization_id: int, digest: str, now: datetime) -> bool:
    try:
        return default_storage.get_modified_time(_name(organization_id, digest)) < now - LOST
    except FileNotFoundError:
        return False


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def read(organization_id: int, digest: str) -> bytes:
    """The bytes, checked against their digest. Raises DamagedFile."""
    with open_stored(organization_id, digest) as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise DamagedFile(f"The stored file {digest[:12]} does not have the bytes its digest names.")
    return content


def open_stored(organization_id: int, digest: str):
    """The stored file, open for reading; the caller closes it. Raises FileNotFoundError."""
    return default_storage.open(_name(organization_id, digest))


@contextmanager
def given_out():
    """Inside, a download is remembered and what was asked for is opened, or neither: bytes that are gone or damaged are
    refused. Raises ActionDenied."""
    try:
        with transaction.atomic():
            yield
    except FileNotFoundError:
        raise ActionDenied(f"The stored bytes are gone; {RESTORE}") from None
    except DamagedFile as damaged:
        raise ActionDenied(f"{damaged} They are not given out; {RESTORE}") from None


@contextmanager
def local_path(organization_id: int, digest: str):
    """A path on this machine with the bytes, checked against their digest (copied here first if they are elsewhere)."""
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        try:
            path = Path(default_storage.path(_name(organization_id, digest)))
        except NotImplementedError:
            path = Path(folder) / digest
            with open_stored(organization_id, digest) as source, path.open("wb") as copy:
                while chunk := source.read(CHUNK):
                    copy.write(chunk)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise DamagedFile(f"The stored file {digest[:12]} does not have the bytes its digest names.")
        yield path


def chunks(organization_id: int, digest: str):
    """The bytes in pieces, for a streamed download."""
    with open_stored(organization_id, digest) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def why_not_whole(organization_id: int, digest: str) -> str | None:
    """What is wrong with the stored bytes, read once and never held whole."""
    sha256 = hashlib.sha256()
    try:
        for chunk in chunks(organization_id, digest):
            sha256.update(chunk)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or type(error).__name__}"
    return None if sha256.hexdigest() == digest else "is damaged"


def forget(organization_id: int, digest: str) -> None:
    """Remove bytes that no row names (an upload that was refused)."""
    default_storage.delete(_name(organization_id, digest))


def _name(organization_id: int, digest: str) -> str:
    return f"{organization_id}/{digest[:2]}/{digest}"


def _digest(file) -> str:
    file.seek(0)
    sha256 = hashlib.sha256()
    while chunk := file.read(CHUNK):
        sha256.update(chunk)
    return sha256.hexdigest()
