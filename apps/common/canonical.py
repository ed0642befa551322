"""One byte string for one value (RFC 8785), so that a digest means something to everybody who recomputes it."""

import hashlib
from typing import Any

import rfc8785


def can_be_kept(text: str) -> bool:
    """Whether a database keeps it and an answer can say it: it holds no NUL, and no half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Raises ValueError for what JSON cannot say exactly: NaN, infinities, whole numbers beyond 2**53, keys that are
    not text, text with lone surrogates.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise ValueError(f"This value has no canonical JSON: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 in hexadecimal: of bytes as they are, of anything else through its canonical JSON."""
    content = value if isinstance(value, bytes) else canonical(value)
    return hashlib.sha256(content).hexdigest()
