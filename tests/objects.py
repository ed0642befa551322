"""A server that speaks S3, over a folder: rclone's, which checks every signature. A bucket is a folder in it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import boto3

KEY, SECRET = "assay-tests", "not a secret of anybody"


class ObjectServer:
    def __init__(self, folder: Path):
        self.folder, self.running = folder, None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def start(self) -> "ObjectServer":
        rclone = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        command = [
            rclone, "serve", "s3", "--config", "/dev/null", "--addr", f"127.0.0.1:{self.port}", "--log-level", "ERROR",
            "--auth-key", f"{KEY},{SECRET}", str(self.folder),
        ]  # fmt: skip
        self.running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return self
            time.sleep(0.05)
        raise RuntimeError("the object server did not start")

    def stop(self, how=signal.SIGKILL) -> None:
        if self.running:
            self.running.send_signal(how)
            self.running.wait(20)
            self.running = None

    def bucket(self, name: str) -> Path:
        """Make a bucket; its objects lie under this path."""
        who = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET}
        client = boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1", **who)
        client.create_bucket(Bucket=name)
        return self.folder / name


def use(server: ObjectServer, settings, monkeypatch, *, secret: str = SECRET, bucket: str = "") -> str:
    """Keep files on the server, in a new bucket unless one is named, as the environment of a portal says it."""
    if not bucket:
        server.bucket(bucket := f"b{uuid.uuid4().hex[:12]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    options = {"bucket": bucket, "endpoint": server.endpoint}
    store = {"BACKEND": "apps.common.objects.ObjectStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": store}
    return bucket
