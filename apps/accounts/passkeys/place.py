"""Where passkeys of this portal work: under one name, for one origin."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from fido2.cose import ES256, RS256, EdDSA
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialParameters, PublicKeyCredentialRpEntity, PublicKeyCredentialType

from apps.common.errors import BadInput

LASTS = 120  # seconds from question to answer
ALGORITHMS = tuple(one.ALGORITHM for one in (ES256, EdDSA, RS256))  # an outsider needs cryptography alone for these
THIS_MACHINE = ("127.0.0.1", "::1")


def origin() -> str | None:
    """Where this portal's passkeys work, or None: they belong to a name. This machine's own is `localhost`."""
    parts = urlsplit(settings.URL)
    host = "localhost" if parts.hostname in THIS_MACHINE else parts.hostname or ""
    if _is_number(host) or (parts.scheme != "https" and host != "localhost"):
        return None
    port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def why_not(host: str) -> str | None:
    """The objection to passkeys on a page that is reached by this host and port, or None."""
    where = origin()
    if where is None:
        return (
            "Passkeys belong to a name, under https; this portal is reached at "
            f"{settings.URL}. Who runs it gives it a name by ASSAY_URL."
        )
    if host != urlsplit(where).netloc:
        return (
            f"Passkeys belong to a name, and this page was reached by another one: open this portal at {where} instead."
        )
    return None


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def relying_party() -> str:
    return urlsplit(origin() or "").hostname or ""


def server() -> Fido2Server:
    if (where := origin()) is None:
        raise BadInput({"passkey": str(why_not(""))})
    name = PublicKeyCredentialRpEntity(id=relying_party(), name="Assay")
    server = Fido2Server(name, verify_origin=lambda said: said == where)
    kind = PublicKeyCredentialType.PUBLIC_KEY
    server.allowed_algorithms = [PublicKeyCredentialParameters(type=kind, alg=one) for one in ALGORITHMS]
    server.timeout = LASTS * 1000
    return server
