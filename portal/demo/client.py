"""A program's way in: the REST door with a token, and nothing but the standard library."""

import json
import secrets
import time
import urllib.error
import urllib.request


class Refused(Exception):
    """The portal said no; the message is its own sentence."""

    def __init__(self, status: int, problem: dict):
        super().__init__(problem.get("detail") or problem.get("title") or str(status))
        self.status, self.problem = status, problem


class Client:
    """One token in one organization: `Client("http://127.0.0.1:8000", "harbor", token)`."""

    def __init__(self, portal: str, organization: str, token: str):
        self.root, self.token = f"{portal}/api/v1/{organization}/", token

    def get(self, path: str) -> dict:
        return json.loads(self.download(path))

    def download(self, path: str) -> bytes:
        return self._send("GET", path)

    def post(self, path: str, **body) -> dict:
        answer = self._send("POST", path, json.dumps(body).encode(), "application/json")
        return json.loads(answer) if answer else {}

    def upload(self, path: str, filename: str, content: bytes, /, **fields: str) -> dict:
        boundary = secrets.token_hex(16)
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode()
        body = b"".join([*parts, head, content, f"\r\n--{boundary}--\r\n".encode()])
        return json.loads(self._send("POST", path, body, f"multipart/form-data; boundary={boundary}"))

    def wait(self, path: str, until, *, seconds: float = 300, every: float = 0.3) -> dict:
        """Read an address until `until(answer)` holds."""
        deadline = time.monotonic() + seconds
        while not until(answer := self.get(path)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} did not get there within {seconds:.0f} s: {answer}")
            time.sleep(every)
        return answer

    def _send(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> bytes:
        request = urllib.request.Request(self.root + path, data=body, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if content_type:
            request.add_header("Content-Type", content_type)
            request.add_header("Idempotency-Key", secrets.token_hex(16))
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            content = error.read()
            try:
                problem = json.loads(content)
            except ValueError:
                problem = {"title": error.reason}
            raise Refused(error.code, problem) from None
