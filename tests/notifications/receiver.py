"""A receiver of events on this machine: it can be slow, down, tired or gone, and verifies as a stranger would."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict, bytes]] = []  # (headers, body) of every request, refused ones included
        self.took: list[tuple[dict, bytes]] = []  # of those that were answered with 200
        self.status, self.headers, self.said, self.slow = 200, {}, b"", 0.0
        self.answers: list[int] = []  # given first, one a request; then `status`
        self.largest = 2**63  # bytes; what is larger is answered with 413
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/in"

    @property
    def ids(self) -> list[str]:
        return [headers.get("webhook-id") or headers["idempotency-key"] for headers, _ in self.took]

    @property
    def numbers(self) -> list[int]:
        """The records of every request that was taken, as they came."""
        return [event["metadata"]["sequence"] for _, body in self.took for event in events(body)]

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self):
        here = self.server
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        with here.lock:
            here.at_once += 1
            here.most_at_once = max(here.most_at_once, here.at_once)
            here.got.append((headers, body))
            status = here.answers.pop(0) if here.answers else here.status if len(body) <= here.largest else 413
        time.sleep(here.slow)
        with here.lock:
            here.at_once -= 1
            if status == 200:
                here.took.append((headers, body))
        self.send_response(status)
        for name, value in here.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(here.said)

    def log_message(self, *args):
        pass


def events(body: bytes) -> list[dict]:
    """The OCSF events of a message, whatever it is written as."""
    text = body.decode()
    if text.startswith("["):
        return json.loads(text)
    lines = [json.loads(line) for line in text.splitlines()]
    return [line.get("data", line) for line in lines]


def verifies(headers: dict, body: bytes, key: str) -> bool:
    """As the specification of Standard Webhooks tells a receiver. `key`: whsec_… or whpk_…"""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    kind, _, text = key.partition("_")
    secret = base64.b64decode(text)
    if abs(time.time() - int(headers["webhook-timestamp"])) > 300:
        return False
    for each in headers["webhook-signature"].split(" "):
        scheme, _, told = each.partition(",")
        signature = base64.b64decode(told)
        if kind == "whsec" and scheme == "v1":
            if hmac.compare_digest(hmac.new(secret, signed, hashlib.sha256).digest(), signature):
                return True
        elif kind == "whpk" and scheme == "v1a":
            try:
                Ed25519PublicKey.from_public_bytes(secret).verify(signature, signed)
            except InvalidSignature:
                continue
            return True
    return False
