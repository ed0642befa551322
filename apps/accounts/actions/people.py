"""Founding, inviting, joining, granting; the keys of programs. A secret is returned once and kept as its digest."""

import secrets
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from apps.accounts import queries, rules
from apps.accounts.actions.factors import remember
from apps.accounts.models import Invitation, Membership, Organization, Role, Token, User
from apps.accounts.permissions import Permission, require
from apps.audits.actions import personal, record
from apps.audits.events import Event
from apps.audits.models import ERASED
from apps.audits.recording import erase as erase_words
from apps.audits.refusals import action
from apps.common.errors import ActionDenied, BadInput
from apps.common.tenancy import become

NOWHERE = "@erased.invalid"  # where the address of an erased person leads
MARK = "assay_"  # how every token begins, so that one that leaked is recognised


@transaction.atomic
def found(*, slug: str, name: str, owner: User) -> Membership:
    """Make an organization with its first owner; the rest of this transaction acts inside it."""
    organization = _found(slug, name, person_id=owner.pk)
    membership = Membership.objects.create(organization=organization, user=owner, role=Role.OWNER)
    record(Event.ORGANIZATION_FOUNDED, on=organization, by=membership, slug=slug)
    return membership


@transaction.atomic
def found_for_invited(*, slug: str, name: str, email: str) -> tuple[Invitation, str]:
    """Make an organization whose first owner is still to come: the invitation and its secret."""
    organization = _found(slug, name)
    record(Event.ORGANIZATION_FOUNDED, on=organization, by=None, slug=slug)
    return _invite(organization, email=email.strip().lower(), role=Role.OWNER, by=None)


@action
def invite(*, email: str, role: str, by: Membership) -> tuple[Invitation, str]:
    """Make a link that lets one person in: the invitation and its secret."""
    email = email.strip().lower()
    require(by, Permission.MEMBER_INVITE)
    if reason := rules.why_not_invite(by=by, email=email):
        raise ActionDenied(reason)
    now = timezone.now()
    lapsed = queries.open_invitations(viewer=by).filter(email__iexact=email, expires_at__lte=now).order_by("pk")
    lapsed.update(revoked_at=now)  # an expired one makes room for the new
    try:
        with transaction.atomic():
            return _invite(by.organization, email=email, role=role, by=by)
    except IntegrityError as twice:
        raise ActionDenied(f"{email} was invited at this very moment: reload the list of members.") from twice


@action
def revoke_invitation(invitation: Invitation, *, by: Membership) -> None:
    """Take an invitation back: its link opens nothing from now on."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    require(by, Permission.MEMBER_INVITE)
    if reason := rules.why_not_revoke_invitation(invitation, by=by):
        raise ActionDenied(reason)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    email = personal(invitation, invitation.email)
    record(Event.INVITATION_REVOKED, on=invitation, by=by, email=email, role=invitation.role)


@transaction.atomic
def join(invitation: Invitation, *, person: User) -> Membership:
    """Make the person an invitation is meant for a member; somebody removed before is taken back with the new role."""
    invitation = Invitation.objects.select_for_update(of=("self",)).select_related("organization").get(pk=invitation.pk)
    if reason := rules.why_not_join(invitation, person=person):
        raise ActionDenied(reason)
    become(invitation.organization_id, person.pk)
    now = timezone.now()
    membership, _ = Membership.objects.update_or_create(
        organization=invitation.organization,
        user=person,
        defaults={"role": invitation.role, "is_active": True, "joined_at": now},
    )
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    facts = {"role": invitation.role, "invitation": invitation.pk, "invited_by": _printed(invitation.invited_by)}
    record(Event.MEMBER_JOINED, on=membership, by=membership, **facts)
    return membership


@transaction.atomic
def join_as_new(invitation: Invitation, *, name: str, password: str) -> Membership:
    """Make the person too, under the address that was invited."""
    if reason := rules.why_not_join(invitation):
        raise ActionDenied(reason)
    try:
        with transaction.atomic():
            person = User.objects.create_user(invitation.email, password, name=name)
    except IntegrityError as known:
        raise ActionDenied(f"{invitation.email} has an account in this portal: sign in with it to join.") from known
    return join(invitation, person=person)


@action
def change_role(member: Membership, *, role: str, by: Membership) -> Membership:
    """Give a member another role, from their next request on."""
    member = _locked(member)
    require(by, Permission.MEMBER_CHANGE)
    if reason := rules.why_not_change_role(member, by=by, role=role):
        raise ActionDenied(reason)
    before, member.role = member.role, role
    if before != role:
        member.save(update_fields=["role"])
        record(Event.MEMBER_CHANGED, on=member, by=by, before=before, after=role)
    return member


@action
def remove(member: Membership, *, by: Membership) -> None:
    """End a membership and its tokens, at once. What the person did stays in the record under their name."""
    member = _locked(member)
    require(by, Permission.MEMBER_CHANGE)
    if reason := rules.why_not_remove(member, by=by):
        raise ActionDenied(reason)
    member.is_active = False
    member.save(update_fields=["is_active"])
    ended = member.tokens.filter(revoked_at=None).update(revoked_at=timezone.now())
    record(Event.MEMBER_REMOVED, on=member, by=by, role=member.role, tokens_revoked=ended)


@action
def erase(member: Membership, *, reason: str, by: Membership) -> None:
    """Erase from the record who a former member was, and from the portal where they belong to nobody else.

    Every proof still verifies. What they signed keeps their printed name: a signature must say whose it is, and so
    must a dossier. The record remembers that it was done, by whom and why, and not whose name it was."""
    member = _locked(member)
    require(by, Permission.MEMBER_ERASE)
    if objection := rules.why_not_erase(member, by=by):
        raise ActionDenied(objection)
    if not reason.strip():
        raise BadInput({"reason": "Say why: it stands in the record."})
    words = _erase_words(member.organization_id, member.user.email, member.personal_subject)
    _erase_account(member.user, by)
    facts = {"membership": member.pk, "words": words, "reason": reason.strip()}
    record(Event.MEMBER_ERASED, on=member.organization, by=by, **facts)


@action
def erase_invitation(invitation: Invitation, *, reason: str, by: Membership) -> None:
    """Erase the address of somebody who was invited and never joined, from all their invitations and the record."""
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    require(by, Permission.MEMBER_ERASE)
    if objection := rules.why_not_erase_invitation(invitation, by=by):
        raise ActionDenied(objection)
    if not reason.strip():
        raise BadInput({"reason": "Say why: it stands in the record."})
    words = _erase_words(invitation.organization_id, invitation.email)
    facts = {"invitation": invitation.pk, "words": words, "reason": reason.strip()}
    record(Event.MEMBER_ERASED, on=by.organization, by=by, **facts)


def _erase_words(organization_id: int, email: str, *subjects: str) -> int:
    """The words about these subjects and about every invitation of that address; how many went."""
    invitations = Invitation.objects.filter(organization=organization_id, email__iexact=email)
    every = [*subjects, *(invitation.personal_subject for invitation in invitations)]
    words = erase_words(organization_id, every)
    invitations.update(email=Concat(Value("erased-invitation-"), Cast("pk", CharField()), Value(NOWHERE)))
    return words


def _erase_account(person: User, by: Membership) -> None:
    """The account itself, unless the person is a member of any organization still."""
    become(None, person.pk)
    belongs = queries.memberships(person).exists()
    become(by.organization_id, by.user_id)
    if belongs:
        return
    person.name, person.email, person.is_active = ERASED, f"erased-{person.pk}{NOWHERE}", False
    person.set_unusable_password()
    person.save(update_fields=["name", "email", "is_active", "password"])
    EmailAddress.objects.filter(user=person).delete()
    Authenticator.objects.filter(user=person).delete()
    UserSession.objects.filter(user=person).delete()


@action
def create_token(*, name: str, scopes: list[str], by: Membership, days: int = rules.TOKEN_DAYS) -> tuple[Token, str]:
    """Make a key that acts as `by`, within its scopes, for `days`: the token and its secret."""
    require(by, Permission.TOKEN_CREATE)
    if problems := _token_problems(scopes, days):
        raise BadInput(problems)
    if reason := rules.why_not_create_token(by=by, scopes=scopes):
        raise ActionDenied(reason)
    secret = MARK + secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(days=days)
    token = Token.objects.create(
        organization=by.organization,
        membership=by,
        name=name,
        prefix=secret[:12],
        digest=queries.secret_digest(secret),
        scopes=sorted(set(scopes)),
        expires_at=min(expires_at, by.token.expires_at) if by.token else expires_at,  # no key outlives its maker
    )
    record(Event.TOKEN_CREATED, on=token, by=by, scopes=token.scopes, expires_at=token.expires_at.isoformat())
    return token, secret


@action
def revoke_token(token: Token, *, by: Membership) -> None:
    """End a key: its next request is answered as if it had never been."""
    token = Token.objects.select_for_update().get(pk=token.pk)
    if not rules.ends_itself(token, by):
        require(by, Permission.TOKEN_REVOKE)
    if reason := rules.why_not_revoke_token(token, by=by):
        raise ActionDenied(reason)
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    record(Event.TOKEN_REVOKED, on=token, by=by, of=personal(token.membership.user))


@transaction.atomic
def rename(person: User, *, name: str) -> None:
    """Change the name a person signs with from now on, and let each of their organizations remember it."""
    if person.name == name:
        return
    facts = {"before": personal(person, person.name), "after": personal(person, name)}
    person.name = name
    person.save(update_fields=["name"])
    remember(person, Event.MEMBER_RENAMED, **facts)


def _found(slug: str, name: str, person_id: int | None = None) -> Organization:
    if reason := rules.why_not_found(slug):
        raise BadInput({"slug": reason})
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('accounts_organization', 'id'))")
        (organization_id,) = cursor.fetchone()
    become(organization_id, person_id)
    try:
        with transaction.atomic():
            return Organization.objects.create(pk=organization_id, slug=slug, name=name)
    except IntegrityError as taken:
        raise BadInput({"slug": f"There is an organization “{slug}” already: choose another address."}) from taken


def _invite(organization, *, email: str, role: str, by: Membership | None) -> tuple[Invitation, str]:
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization=organization,
        email=email,
        role=role,
        digest=queries.secret_digest(secret),
        invited_by=by,
        expires_at=timezone.now() + rules.INVITATION_LASTS,
    )
    record(Event.MEMBER_INVITED, on=invitation, by=by, email=personal(invitation, email), role=role)
    return invitation, secret


def _locked(member: Membership) -> Membership:
    """The member as it is now, with all owners held: two that step down at once wait for each other."""
    held = Membership.objects.select_for_update().filter(organization=member.organization_id, role=Role.OWNER)
    list(held.order_by("pk"))
    return Membership.objects.select_for_update(of=("self",)).select_related("user", "organization").get(pk=member.pk)


def _token_problems(scopes: list[str], days: int) -> dict[str, str]:
    problems = {}
    if not scopes:
        problems["scopes"] = "Choose at least one thing this token may do."
    if unknown := [scope for scope in scopes if scope not in Permission.values]:
        problems["scopes"] = f"“{unknown[0]}” is no permission; they are listed at “who may do what”."
    if not 1 <= days <= rules.TOKEN_DAYS_MOST:
        problems["days"] = f"A token lasts from 1 to {rules.TOKEN_DAYS_MOST} days."
    return problems


def _printed(member: Membership | None):
    return personal(member.user) if member else ""
