"""Ask a server outside, at an address that an organization gave: https, and never this machine or its own network.

The name is resolved once, and the connection goes to the very address that was judged: a name that answers differently
the second time gains nothing. Redirects are not followed, and who answers drop by drop is cut off. `ASSAY_INSIDE=1`
lets the operator allow http and addresses of the own network."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

PATIENCE = 10  # seconds, for each step
WHOLE = 30  # seconds, for all of them
LARGEST = 64 * 1024  # bytes of an answer


class Refused(Exception):
    """This address is not one to connect to; the sentence says why."""


class Unreachable(Exception):
    """Nobody answered, or not in HTTP; the sentence says what happened."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    retry_after: str = ""  # the header of that name


def why_not_address(address: str) -> str | None:
    """The objection to an address as it is written, its name not yet resolved."""
    if not address.isascii() or not address.isprintable() or " " in address:
        return "Write the address in ASCII, without spaces."
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return "This is no address."
    schemes = ("https", "http") if settings.INSIDE_ALLOWED else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        return "Give an address that begins with https://."
    if parts.username or parts.password or parts.fragment or port == 0:
        return "An address holds no name, password or fragment here."
    return None


def why_not_reach(address: str) -> str | None:
    """The objection to an address as it is written, or as its name resolves now. A name without an address may get one
    later; whoever connects judges again."""
    if objection := why_not_address(address):
        return objection
    try:
        _judged(*_place(urlsplit(address)))
    except Refused as refused:
        return str(refused)
    except Unreachable:
        return None
    return None


def post(
    address: str, body: bytes, content_type: str = "text/plain", headers: Mapping[str, str] | None = None
) -> Answer:
    """Raises Refused or Unreachable."""
    if objection := why_not_address(address):
        raise Refused(objection)
    parts = urlsplit(address)
    where = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    sent = {"Content-Type": content_type, "User-Agent": "assay", **(headers or {})}
    host, port = _place(parts)
    judged = _judged(host, port)
    try:
        with socket.create_connection((judged, port), timeout=PATIENCE) as plain, _cut_off(plain) as late:
            connection = _connection(parts, plain)
            try:
                connection.request("POST", where, body=body, headers=sent)
                answer = connection.getresponse()
                found = Answer(answer.status, answer.read(LARGEST), answer.headers.get("Retry-After", ""))
            except (OSError, http.client.HTTPException):
                if late.is_set():
                    raise TimeoutError(f"it took longer than {WHOLE} seconds") from None
                raise
            finally:
                connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{host} does not answer: {error or type(error).__name__}") from error
    if late.is_set():
        raise Unreachable(f"{host} does not answer: it took longer than {WHOLE} seconds")
    return found


def _connection(parts, plain: socket.socket) -> http.client.HTTPConnection:
    host, port = _place(parts)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port, timeout=PATIENCE)
    if parts.scheme == "https":  # the certificate is checked against the name
        connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    else:
        connection.sock = plain
    return connection


@contextlib.contextmanager
def _cut_off(connected: socket.socket) -> Iterator[threading.Event]:
    """Shut the connection once WHOLE is over, and set the event: each step alone may be quick and never the last."""
    late, twin = threading.Event(), connected.dup()  # TLS takes the first one over

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(WHOLE, cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        timer.join()
        twin.close()


def _place(parts) -> tuple[str, int]:
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _judged(host: str, port: int) -> str:
    """One IP address of the host. Raises Refused where any of its addresses lies inside."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address: {error}") from error
    if not settings.INSIDE_ALLOWED and (inside := sorted(one for one in found if not _is_outside(one))):
        raise Refused(f"{host} is {inside[0]}, an address of this machine or of a network of its own.")
    return sorted(found)[0]


def _is_outside(text: str) -> bool:
    address = ipaddress.ip_address(text.split("%", maxsplit=1)[0])
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)
