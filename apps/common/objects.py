"""A bucket of a server that speaks S3, behind Django's storage, and in trouble no different from a disk.

What is not there is a FileNotFoundError. Whatever else goes wrong (no answer, wrong credentials, no bucket, no room) is
StoreAway, an OSError: an upload is refused with its reason, a worker's row is put back and tried again."""

import functools
import io
import os
import threading
from collections.abc import Iterator
from datetime import datetime

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import Storage

from apps.common.storage import CHUNK, StoreAway

MISSING = {"NoSuchKey", "404"}  # a HEAD has no body, and so no more than the number
PATIENCE = Config(
    connect_timeout=5,  # seconds
    read_timeout=30,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=20,
)
IN_PARTS = TransferConfig(multipart_threshold=8 * CHUNK, multipart_chunksize=8 * CHUNK, max_concurrency=4)
IN_PARTS.max_in_memory_upload_chunks = 4  # of one upload at a time, whatever its size


def _as_on_disk(method):
    @functools.wraps(method)
    def call(*args, **kwargs):
        try:
            return method(*args, **kwargs)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in MISSING:
                raise FileNotFoundError("There is no such object in the bucket.") from error
            raise StoreAway(f"the object store refused it: {code or error.operation_name}") from error
        except (BotoCoreError, Boto3Error) as error:
            raise StoreAway(f"the object store does not answer: {type(error).__name__}") from error

    return call


class ObjectStorage(Storage):
    """Where and as whom is the environment's, as for any client of S3; see `ASSAY_S3_…` in README.md."""

    def __init__(self, *, bucket: str, endpoint: str | None = None):
        self.bucket, self.endpoint = bucket, endpoint
        self._made, self._making = (0, None), threading.Lock()

    @property
    def _client(self):
        """One for all threads of a process. A forked child makes its own: on a shared socket two would talk at once."""
        with self._making:
            if self._made[0] != os.getpid():
                client = boto3.session.Session().client("s3", endpoint_url=self.endpoint, config=PATIENCE)
                self._made = os.getpid(), client
            return self._made[1]

    def get_available_name(self, name, max_length=None):
        return name  # names are digests: writing again writes the same bytes

    @_as_on_disk
    def _save(self, name, content):
        """In parts, several at a time; what breaks off is not there."""
        content.seek(0)
        self._client.upload_fileobj(_Kept(content), self.bucket, name, Config=IN_PARTS)
        return name

    @_as_on_disk
    def _open(self, name, mode="rb"):
        """Read as it comes, never whole in memory or on this machine's disk."""
        return io.BufferedReader(_Coming(self._client.get_object(Bucket=self.bucket, Key=name)["Body"]), CHUNK)

    @_as_on_disk
    def delete(self, name):
        self._client.delete_object(Bucket=self.bucket, Key=name)

    def exists(self, name):
        try:
            self.get_modified_time(name)
        except FileNotFoundError:
            return False
        return True

    @_as_on_disk
    def get_modified_time(self, name) -> datetime:
        return self._client.head_object(Bucket=self.bucket, Key=name)["LastModified"]

    @_as_on_disk
    def listdir(self, path):
        folder, folders, files = f"{path.strip('/')}/".lstrip("/"), [], []
        for page in self._pages("list_objects_v2", Prefix=folder, Delimiter="/"):
            folders += [one["Prefix"].removeprefix(folder).rstrip("/") for one in page.get("CommonPrefixes", ())]
            files += [one["Key"].removeprefix(folder) for one in page.get("Contents", ())]
        return folders, files

    @_as_on_disk
    def ages(self, folder: str) -> list[tuple[str, datetime]]:
        """Each name under a folder, however deep, and when it was written: a thousand an answer."""
        pages = self._pages("list_objects_v2", Prefix=f"{folder}/")
        return [(one["Key"], one["LastModified"]) for page in pages for one in page.get("Contents", ())]

    @_as_on_disk
    def abort_uploads(self, folder: str, before: datetime) -> int:
        """Give up the parts of uploads that were begun before then and never completed: no list of files shows them.

        A server that tells nothing of them, or not to us, gives them up by a rule of its own or not at all."""
        try:
            pages = list(self._pages("list_multipart_uploads", Prefix=f"{folder}/"))
        except ClientError:
            return 0
        begun = [one for page in pages for one in page.get("Uploads", ()) if one["Initiated"] < before]
        for one in begun:
            self._client.abort_multipart_upload(Bucket=self.bucket, Key=one["Key"], UploadId=one["UploadId"])
        return len(begun)

    def _pages(self, operation: str, **options) -> Iterator[dict]:
        return self._client.get_paginator(operation).paginate(Bucket=self.bucket, **options)


class _Kept:
    """An open file that stays open when it was sent."""

    def __init__(self, file):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self):
        pass


class _Coming(io.RawIOBase):
    """The bytes of an answer."""

    def __init__(self, body):
        self._body = body

    def readable(self):
        return True

    @_as_on_disk
    def readinto(self, buffer):
        piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self):
        self._body.close()
        super().close()
