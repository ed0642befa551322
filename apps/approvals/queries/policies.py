"""Policies, on behalf of a viewer."""

from datetime import datetime

from django.db.models import Count, Q

from apps.accounts.models import Membership
from apps.accounts.permissions import GRANTS, Permission
from apps.approvals.models import Approval, PolicyVersion, State, Waiver
from apps.approvals.queries.standing import STANDS


def policy_versions(*, viewer):
    return PolicyVersion.objects.filter(organization=viewer.organization_id).select_related(
        "policy__organization", "proposed_by__user", "published_by__user", "withdrawn_by__user"
    )


def policy_in_force(risk_class: str, *, viewer, answers: dict | None = None, at: datetime | None = None):
    """The version that counts for a project of that class with those signed answers; None where there is none.

    Of each policy of the class the version published last; of those, the one that says most closely what it is for and
    fits the answers; of several, the one published last. Where that one was withdrawn, none counts: nobody brings an
    older one back alone. Without answers, those for every project of the class are meant. `at`: as it was then."""
    known = _published(at, viewer=viewer).filter(policy__risk_class=risk_class).order_by("-published_at", "-pk")
    newest: dict[int, PolicyVersion] = {}
    for version in known:
        newest.setdefault(version.policy_id, version)
    fitting = [version for version in newest.values() if version.parsed.applies_to(answers or {})]
    chosen = max(fitting, key=lambda version: version.parsed.flags, default=None)  # of equals the first: published last
    return None if chosen and _gone(chosen, at) else chosen


def _gone(version: PolicyVersion, at: datetime | None) -> bool:
    return version.withdrawn_at is not None and (at is None or version.withdrawn_at <= at)


def _published(at: datetime | None = None, *, viewer):
    known = policy_versions(viewer=viewer).exclude(published_at=None)
    return known if at is None else known.filter(published_at__lte=at)


def built_in_applies(risk_class: str, *, viewer, at: datetime | None = None) -> bool:
    """Whether nobody has ever published a policy for every project of that class, so that the built-in one counts."""
    known = _published(at, viewer=viewer).filter(policy__risk_class=risk_class)
    return not known.exclude(body__has_key="applies_to").exists()


def policies_in_force(*, viewer) -> dict[str, list[PolicyVersion]]:
    """Risk class -> the versions in force: one for every project of the class, and those for some of its projects."""
    newest = _published(viewer=viewer).order_by("policy", "-number").distinct("policy")
    found: dict[str, list[PolicyVersion]] = {}
    for version in sorted(newest, key=lambda version: (version.parsed.flags, version.published_at, version.pk)):
        mine = found.setdefault(version.policy.risk_class, [])
        if not version.parsed.flags:
            mine.clear()  # of those for every project, the one published last
        mine.append(version)
    return {of: [version for version in mine if not version.withdrawn_at] for of, mine in found.items()}


def could_sign(*, viewer) -> dict[str, int]:
    """Role -> how many people of the organization hold it and may sign."""
    live = Membership.objects.filter(organization=viewer.organization_id, is_active=True, user__is_active=True)
    signing = [role for role, words in GRANTS.items() if Permission.APPROVAL_SIGN in words]
    return dict(live.filter(role__in=signing).values("role").annotate(n=Count("pk")).values_list("role", "n"))


def resting_on(version: PolicyVersion, *, viewer, about: Waiver | None = None) -> int:
    """How many sign-offs that stand, or are in review, would fall with this policy version; `about`: or with a waiver
    of one of its rules that came or went."""
    mine = Approval.objects.filter(organization=viewer.organization_id, policy_version=version).annotate(stands=STANDS)
    if about:
        mine = mine.filter(project=about.project_id)
    if about and about.model_version_id:
        mine = mine.filter(model_version=about.model_version_id)
    return mine.filter(Q(stands=True) | Q(state=State.OPEN)).count()


def version_before(version: PolicyVersion, *, viewer) -> PolicyVersion | None:
    """The version of the same policy that it took the place of, or would take."""
    older = _published(viewer=viewer).filter(policy=version.policy_id, number__lt=version.number)
    return older.order_by("-number").first()


def published_after(version: PolicyVersion) -> PolicyVersion | None:
    """A version of the same policy that was proposed later and is published already."""
    later = PolicyVersion.objects.filter(policy=version.policy_id, number__gt=version.number).exclude(published_at=None)
    return later.select_related("policy").order_by("-number").first()
