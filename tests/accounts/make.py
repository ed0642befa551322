"""Builders of what this room holds, made by its own actions."""

from apps.accounts import actions
from apps.accounts.models import Invitation, Role, Token
from tests import make


def invitation(by, email: str = "new@people.example", role: str = Role.BUILDER) -> tuple[Invitation, str]:
    return actions.invite(email=email, role=role, by=by)


def token(by, *scopes: str, name: str = "nightly") -> tuple[Token, str]:
    return actions.create_token(name=name, scopes=list(scopes or ("read",)), by=by)


def bearer(secret: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {secret}"}


def second_owner(tenant):
    return make.member(tenant.organization, "second.owner", Role.OWNER)
