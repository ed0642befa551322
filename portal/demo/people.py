"""The people of the demo: two organizations, each with those who must be told apart."""

import json
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from apps.accounts import actions
from apps.accounts.models import User
from apps.accounts.permissions import GRANTS
from apps.common.tenancy import as_organization, become

KEPT = settings.HOME / "demo.json"  # readable by this user alone

ORGANIZATIONS = {
    "harbor": (
        "First Harbor Bank",
        [
            ("owner", "Olivia Grant"),
            ("builder", "Ben Ortiz"),
            ("reviewer", "Rita Chen"),
            ("reviewer", "Ravi Menon"),
            ("auditor", "Ada Nkemelu"),
            ("owner", "Omar Haddad"),  # a policy takes two people
        ],
    ),
    "northside": ("Northside Hospital", [("owner", "Nora Lindqvist"), ("builder", "Noah Adeyemi")]),
}


@dataclass(frozen=True)
class Person:
    organization: str
    role: str
    name: str
    email: str
    password: str
    token: str


def known() -> list[Person]:
    """The people of an earlier demo in this folder; empty where there was none."""
    if not KEPT.exists():
        return []
    return [Person(**person) for person in json.loads(KEPT.read_text())]


def make() -> list[Person]:
    """Found both organizations, let everybody in by invitation, and give each a token of their own role."""
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    with transaction.atomic():
        people = [person for slug in ORGANIZATIONS for person in _organization(slug, password)]
    KEPT.touch(mode=0o600)
    KEPT.write_text(json.dumps([vars(person) for person in people]))
    return people


def _organization(slug: str, password: str) -> list[Person]:
    title, members = ORGANIZATIONS[slug]
    (_, name), *others = members
    owner = actions.found(
        slug=slug, name=title, owner=User.objects.create_user(_email(name, slug), password, name=name)
    )
    memberships = [owner]
    for role, name in others:
        become(owner.organization_id, owner.user_id)
        invitation, _secret = actions.invite(email=_email(name, slug), role=role, by=owner)
        memberships.append(actions.join_as_new(invitation, name=name, password=password))
    with as_organization(owner.organization_id):
        return [_with_token(membership, password) for membership in memberships]


def _with_token(membership, password: str) -> Person:
    become(membership.organization_id, membership.user_id)
    scopes = sorted(GRANTS[membership.role])
    _token, secret = actions.create_token(name="demo", scopes=scopes, by=membership, days=30)
    user = membership.user
    return Person(membership.organization.slug, membership.role, user.name, user.email, password, secret)


def _email(name: str, slug: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@{slug}.example"
