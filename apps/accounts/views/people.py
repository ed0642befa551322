"""Pages about people: members, the way in, who may do what, and the keys of programs."""

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts import actions, forms, queries, rules
from apps.accounts.models import Role
from apps.accounts.permissions import GRANTS, Permission, why_not
from apps.common.errors import ActionDenied, BadInput
from apps.common.pages import PAGE_SIZE, listed, page, see

AUTHENTICATED_BY = "allauth.account.auth_backends.AuthenticationBackend"


def members(request):
    viewer = request.membership
    former = request.GET.get("former") == "yes"
    rows = queries.members(viewer=viewer).filter(is_active=not former)
    if (role := request.GET.get("role")) in Role.values:
        rows = rows.filter(role=role)
    counts = queries.members_by_role(viewer=viewer)
    return page(
        request,
        "accounts/membership_list.html",
        context=listed(request, rows)
        | {
            "former": former,
            "role": role,
            "roles": Role.choices,
            "counts": [(role.label, counts.get(role, 0)) for role in Role],
            "invitations": queries.open_invitations(viewer=viewer)[:PAGE_SIZE],
            "unused": queries.unused_invitations(viewer=viewer)[:PAGE_SIZE] if former else (),
            "why_not_invite": rules.why_not_invite(by=viewer),
            "review_overdue": queries.review_due(viewer=viewer) <= timezone.now(),
            "emergencies_overdue": queries.emergencies_overdue(viewer=viewer),
        },
    )


@never_cache
def member_invite(request):
    form = forms.Invitation(request.POST or None, initial={"role": Role.BUILDER})
    if form.is_valid():
        try:
            invitation, secret = actions.invite(by=request.membership, **form.cleaned_data)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        else:
            link = request.build_absolute_uri(reverse("invitation", args=[secret]))
            return page(request, "accounts/invited.html", context={"invitation": invitation, "link": link})
    context = {"form": form, "why_not": rules.why_not_invite(by=request.membership)}
    return page(request, "accounts/invite.html", context=context)


@require_POST
def invitation_revoke(request, pk):
    invitation = get_object_or_404(queries.invitations(viewer=request.membership), pk=pk)
    try:
        actions.revoke_invitation(invitation, by=request.membership)
        messages.success(request, f"The link sent to {invitation.email} opens nothing any more.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(reverse("members", args=[request.membership.organization.slug]))


@require_POST
def invitation_erase(request, pk):
    invitation = get_object_or_404(queries.invitations(viewer=request.membership), pk=pk)
    form = forms.Erasure(request.POST)
    try:
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        actions.erase_invitation(invitation, reason=reason, by=request.membership)
        messages.success(request, "Their address is erased; every record and every proof is as it was.")
    except (ActionDenied, BadInput) as refused:
        messages.error(request, str(refused))
    return see(reverse("members", args=[request.membership.organization.slug]) + "?former=yes")


def member_detail(request, pk):
    member = get_object_or_404(queries.members(viewer=request.membership), pk=pk)
    form = forms.RoleOf(request.POST or None, initial={"role": member.role})
    if form.is_valid():
        try:
            member = actions.change_role(member, by=request.membership, **form.cleaned_data)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        else:
            messages.success(request, f"{member.user} is {member.get_role_display().lower()} from the next request on.")
            return see(member)
    return _member_page(request, member, form)


@require_POST
def member_remove(request, pk):
    member = get_object_or_404(queries.members(viewer=request.membership), pk=pk)
    try:
        actions.remove(member, by=request.membership)
    except ActionDenied as denied:
        messages.error(request, str(denied))
        return see(member)
    if member.user_id == request.user.pk:
        return see(reverse("home"))
    messages.success(request, f"{member.user} is no longer a member, and their tokens no longer work.")
    return see(reverse("members", args=[request.membership.organization.slug]))


@require_POST
def member_erase(request, pk):
    member = get_object_or_404(queries.members(viewer=request.membership), pk=pk)
    form = forms.Erasure(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why their name is erased: it stands in the record.")
        return see(member)
    try:
        actions.erase(member, by=request.membership, **form.cleaned_data)
        messages.success(request, "Their name is erased; every record and every proof is as it was.")
    except (ActionDenied, BadInput) as refused:
        messages.error(request, str(refused))
    return see(member)


def _member_page(request, member, form):
    by = request.membership
    context = {
        "member": member,
        "form": form,
        "why_not_change": rules.why_not_change_role(member, by=by),
        "why_not_remove": rules.why_not_remove(member, by=by),
        "erasure": forms.Erasure(),
        "why_not_erase": rules.why_not_erase(member, by=by),
    }
    return page(request, "accounts/membership_detail.html", context=context)


def permissions(request):
    rows = [row | {"cells": [role in row["roles"] for role in GRANTS]} for row in queries.permission_table()]
    return page(request, "accounts/permissions.html", context={"roles": list(GRANTS), "rows": rows})


def tokens(request):
    rows = queries.tokens(viewer=request.membership)
    context = listed(request, rows) | {"everybodys": request.membership.may(Permission.TOKEN_REVOKE)}
    return page(request, "accounts/token_list.html", context=context)


@never_cache
def token_new(request):
    by = request.membership
    form = forms.NewToken(request.POST or None, scopes=rules.scopes_of(by))
    if form.is_valid():
        try:
            token, secret = actions.create_token(by=by, **form.cleaned_data)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
        else:
            return page(request, "accounts/token_made.html", context={"token": token, "secret": secret})
    return page(
        request, "accounts/token_new.html", context={"form": form, "why_not": why_not(by, Permission.TOKEN_CREATE)}
    )


def token_detail(request, pk):
    token = get_object_or_404(queries.tokens(viewer=request.membership), pk=pk)
    context = {"token": token, "why_not": rules.why_not_revoke_token(token, by=request.membership)}
    return page(request, "accounts/token_detail.html", context=context)


@require_POST
def token_revoke(request, pk):
    token = get_object_or_404(queries.tokens(viewer=request.membership), pk=pk)
    try:
        actions.revoke_token(token, by=request.membership)
        messages.success(request, f"“{token}” was revoked: its next request is refused.")
    except ActionDenied as denied:
        messages.error(request, str(denied))
    return see(token)


@never_cache
def invitation(request, secret):
    """The way in, for whoever holds the link: signed in, they join; new here, they say name and password first."""
    invitation = queries.invitation_by_secret(secret)
    if invitation is None:
        raise Http404
    person = request.user if request.user.is_authenticated else None
    form = forms.Newcomer(request.POST or None, email=invitation.email)
    why = rules.why_not_join(invitation, person=person)
    if request.method == "POST" and not why and (person or form.is_valid()):
        try:
            return _joined(request, invitation, person, form)
        except ActionDenied as denied:
            form.add_error(None, str(denied))
    return page(
        request,
        "accounts/invitation.html",
        context={
            "invitation": invitation,
            "form": form,
            "why_not": why,
            "another": bool(person and invitation.state == "open"),
        },
    )


def _joined(request, invitation, person, form):
    if person:
        actions.join(invitation, person=person)
    else:
        membership = actions.join_as_new(invitation, **form.cleaned_data)
        login(request, membership.user, backend=AUTHENTICATED_BY)
    return see(invitation.organization)


@login_required
def profile(request):
    form = forms.Profile(request.POST or None, initial={"name": request.user.name})
    if form.is_valid():
        actions.rename(request.user, **form.cleaned_data)
        messages.success(request, f"You sign as {request.user.name} from now on.")
        return see(reverse("profile"))
    context = {"form": form, "memberships": queries.memberships(request.user)}
    return page(request, "accounts/profile.html", context=context)
