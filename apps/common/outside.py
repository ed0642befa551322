"""Ask a server outside, at an address that an organization gave: https, and never this machine or its own network.

The name is resolved once, and the connection goes to the very address that was judged: a name that answers differently
the second time gains nothing. Redirects are not followed. `ASSAY_INSIDE=1` lets the operator allow http and addresses
of the own network."""

import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

PATIENCE = 10  # seconds, for each step
LARGEST = 64 * 1024  # bytes of an answer


class Refused(Exception):
    """This address is not one to connect to; the sentence says why."""


class Unreachable(Exception):
    """Nobody answered, or not in HTTP; the sentence says what happened."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


def why_not_address(address: str) -> str | None:
    """The objection to an address as it is written, its name not yet resolved."""
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


def post(address: str, body: bytes, content_type: str = "text/plain") -> Answer:
    """Raises Refused or Unreachable."""
    if objection := why_not_address(address):
        raise Refused(objection)
    parts = urlsplit(address)
    where = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    connection = _connection(parts)
    try:
        connection.request("POST", where, body=body, headers={"Content-Type": content_type, "User-Agent": "assay"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(LARGEST))
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{parts.hostname} does not answer: {error or type(error).__name__}") from error
    finally:
        connection.close()


def _connection(parts) -> http.client.HTTPConnection:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    judged = _judged(parts.hostname, port)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, port, timeout=PATIENCE)
    try:
        connection.sock = socket.create_connection((judged, port), timeout=PATIENCE)
        if parts.scheme == "https":  # the certificate is checked against the name
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=parts.hostname)
    except OSError as error:
        raise Unreachable(f"{parts.hostname} does not answer: {error}") from error
    return connection


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
