"""Small builders: two organizations with every role, and the things a test needs in them."""

from dataclasses import dataclass

from apps.accounts import actions as accounts
from apps.accounts.models import Membership, Organization, Role, User
from apps.common.tenancy import become
from apps.projects.models import Project, RiskClass

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Tenant:
    organization: Organization
    owner: Membership
    builder: Membership
    reviewer: Membership
    second_reviewer: Membership
    auditor: Membership
    project: Project

    def enter(self, member: Membership | None = None) -> "Tenant":
        """Make the rest of the transaction act for this organization."""
        become(self.organization.pk, (member or self.owner).user_id)
        return self

    @property
    def members(self) -> dict[str, Membership]:
        return {role: getattr(self, role) for role in ("owner", "builder", "reviewer", "auditor")}


def person(email: str, name: str = "") -> User:
    user = User(email=email, name=name or email.split("@", maxsplit=1)[0].replace(".", " ").title())
    user.password = _hashed_password()
    user.save()
    return user


def _hashed_password(known=[]):  # noqa: B006 - hashing is slow on purpose; one hash serves every person of a test run
    from django.contrib.auth.hashers import make_password

    if not known:
        known.append(make_password(PASSWORD))
    return known[0]


def member(organization: Organization, name: str, role: Role) -> Membership:
    return Membership.objects.create(
        organization=organization, user=person(f"{name}@{organization.slug}.example"), role=role
    )


def tenant(slug: str) -> Tenant:
    owner = accounts.found(slug=slug, name=slug.title(), owner=person(f"owner@{slug}.example"))
    organization = owner.organization
    builder = member(organization, "builder", Role.BUILDER)
    return Tenant(
        organization=organization,
        owner=owner,
        builder=builder,
        reviewer=member(organization, "reviewer", Role.REVIEWER),
        second_reviewer=member(organization, "second.reviewer", Role.REVIEWER),
        auditor=member(organization, "auditor", Role.AUDITOR),
        project=project(builder),
    )


def project(by: Membership, slug: str = "lending", **fields) -> Project:
    fields = {"name": slug.title(), "purpose": "Decide who is offered a loan.", "risk_class": RiskClass.HIGH} | fields
    return Project.objects.create(organization=by.organization, slug=slug, owner=by, created_by=by, **fields)
