"""Passkeys: a person's key pair on a device of theirs, which answers a question only after it made sure of the person.

A question (WebAuthn's challenge) is the digest of a random number and of what it is about: this sign-in, or this
verdict under this dossier. So an answer serves for nothing else, and whoever keeps it can check that. Questions are
kept on the server, asked once, answered once, within two minutes. What allauth leaves open is decided here: the exact
origin, that the person was verified, and the counter by which a copied key betrays itself."""

from apps.accounts.passkeys.answers import made, prove
from apps.accounts.passkeys.kept import enrolled, fingerprint
from apps.accounts.passkeys.place import origin, relying_party, why_not
from apps.accounts.passkeys.questions import ask, ask_to_enrol, signing_in

__all__ = [
    "ask",
    "ask_to_enrol",
    "enrolled",
    "fingerprint",
    "made",
    "origin",
    "prove",
    "relying_party",
    "signing_in",
    "why_not",
]
