"""Two organizations that exist for one trial, each with one of everything, made at the doors that everybody uses.

Wherever people write something (a name, a cell, a reason) there stands a word that stands nowhere else: the
organization's mark with the place after it. Whoever meets the mark has met that organization's data."""

import secrets
import string

from django.contrib.auth.hashers import make_password

from portal.isolation.canaries.canary import (
    NOBODY,
    OUTSIDER,
    ROLES,
    Canary,
    CanaryRefused,
    client,
    outsider,
    owner_of,
    task_of,
    tenant_models,
    worked,
)
from portal.isolation.canaries.data import data_and_model, operation, table
from portal.isolation.canaries.evidence import evidence, incident
from portal.isolation.canaries.house import house
from portal.isolation.canaries.people import members_of
from portal.isolation.canaries.sign_offs import serving_and_sharing, sign_off
from portal.isolation.doors import PASSWORD

__all__ = [
    "NOBODY",
    "OUTSIDER",
    "ROLES",
    "Canary",
    "CanaryRefused",
    "both",
    "client",
    "outsider",
    "owner_of",
    "table",
    "task_of",
    "tenant_models",
    "worked",
]


def both(heard, founded) -> tuple[Canary, Canary]:
    """The two, with everything. `heard(words)` is told how far it is, `founded(id)` each organization's id."""
    password = make_password(PASSWORD)
    made = []
    for which in ("first", "second"):
        heard(f"making the {which} of two organizations")
        made.append(_made(password, founded))
    return made[0], made[1]


def _made(password: str, founded) -> Canary:
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))
    canary = Canary(slug=f"canary-{secrets.token_hex(6)}", mark=f"zq{letters}")
    members_of(canary, password)
    founded(canary.organization.pk)
    data_and_model(canary)
    evidence(canary)
    incident(canary)
    sign_off(canary)
    serving_and_sharing(canary)
    operation(canary)
    house(canary)
    canary.enter()
    for model in tenant_models():
        mine = model._default_manager.filter(**{owner_of(model): canary.organization.pk})
        canary.rows.setdefault(model, mine.order_by("pk").first())
    return canary
