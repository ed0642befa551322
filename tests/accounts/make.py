"""Builders of what this room holds, made by its own actions."""

from apps.accounts import actions, queries
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


def emergency(tenant, *, by=None, words=("run.cancel",), minutes: int = 60):
    """A request; nobody has agreed to it."""
    by = by or tenant.builder
    tenant.enter(by)
    return actions.emergencies.ask(words=list(words), minutes=minutes, reason="The pipeline is on fire.", by=by)


def given(tenant, *, agreed_by=None, **asked):
    """Emergency access that somebody agreed to."""
    access, agreed_by = emergency(tenant, **asked), agreed_by or tenant.owner
    tenant.enter(agreed_by)
    return actions.emergencies.agree(access, by=agreed_by)


def review(tenant):
    """An open review of who has access, with one decision."""
    tenant.enter(tenant.owner)
    found = actions.reviews.start(by=tenant.owner)
    return found, actions.reviews.decide(found, line=f"member-{tenant.builder.pk}", keep=True, by=tenant.owner)


def reviewed(tenant):
    """A finished review: everybody keeps their access."""
    tenant.enter(tenant.owner)
    found = actions.reviews.start(by=tenant.owner)
    for line in queries.access(found):
        by = tenant.reviewer if line.member.pk == tenant.owner.pk else tenant.owner
        tenant.enter(by)
        actions.reviews.decide(found, line=line.key, keep=True, by=by)
    tenant.enter(tenant.owner)
    return actions.reviews.finish(found, by=tenant.owner)
