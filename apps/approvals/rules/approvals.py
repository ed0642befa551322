"""Who may ask, sign, send back, reject, withdraw and revoke, and when."""

from datetime import datetime, timedelta
from typing import Any

from apps.accounts.permissions import Permission, why_not
from apps.approvals.gates.decide import OPEN
from apps.approvals.gates.reading import why_not_check
from apps.approvals.gates.schema import MEANINGS
from apps.approvals.models import CONDITIONAL, Approval, Decision, State
from apps.approvals.rules.case import Case, Condition, day, listed
from apps.reports.figures import BETTER_HIGH, REPORTS

RENEWAL = timedelta(days=90)  # how long before its end a sign-off may be asked for again


def why_not_ask(version, policy, earlier, kept: str | None, *, by, now: datetime) -> str | None:
    """`version`: what shall go live; `policy`: what counts for its risk class, or None; `earlier`: its sign-offs so
    far, each with `.stands` and `.held` (suspended); `kept`: why it may not be asked now, if it is evidence."""
    if reason := why_not(by, Permission.APPROVAL_ASK):
        return reason
    if version.project.closed_at:
        return "This project is closed."
    if not version.project.owner.is_active:
        return f"{version.project.owner.user}, who owns this project, left; name another owner first."
    if version.retired_at:
        return f"{version} was retired; ask for a version that is in use."
    if policy is None:
        risk_class = version.project.risk_class
        return f"No policy for {risk_class}-risk projects is in force: it was withdrawn; an owner publishes another."
    return kept or next(filter(None, (_why_not_again(approval, version, now) for approval in earlier)), None)


def _why_not_again(approval, version, now: datetime) -> str | None:
    if approval.state == State.OPEN:
        return f"A sign-off of {version} is in review already; withdraw it to ask anew."
    if approval.state in (State.REVOKED, State.REJECTED):
        what = str(version) if approval.model_version_id == version.pk else f"{approval.model_version}, the same bytes,"
        return f"{what} was {approval.state} on {day(approval.decided_at)}, and that is final; train a new version."
    if approval.held:
        return f"The sign-off of {version} is suspended; two people end that first, or it is revoked."
    if approval.stands and approval.valid_until - now > RENEWAL:
        return f"{version} is signed off until {day(approval.valid_until)}; ask again in its last {RENEWAL.days} days."
    return None


def why_not_decide(case: Case, *, by) -> str | None:
    """Against this person deciding at all: signing, sending back or rejecting."""
    if case.delegation is None and (reason := why_not(by, Permission.APPROVAL_SIGN)):
        return reason
    if reason := _why_not_open(case.approval, by):
        return reason
    if not by.user.name:
        return "A signature prints your name, and you have none here yet; set it first."
    if by.user_id == case.approval.requested_by.user_id:
        return "You asked for this sign-off; somebody else must sign it."
    if case.conflict:
        return str(case.conflict)
    if (case.delegation.delegator_id if case.delegation else by.pk) in case.newcomers:
        return "Your role here is younger than this request; who was a reviewer when it was asked for signs it."
    if mine := next((s for s in case.signatures if s.signer_id == by.pk), None):
        return f"You signed this on {mine.signed_at:%-d %B %Y at %H:%M} UTC; nobody signs twice."
    if case.lapsed:
        return f"The {case.policy.deadline_days} days to sign it are over; it is sent back."
    return None


def why_not_sign(case: Case, *, by, meaning: str | None = None) -> str | None:
    if reason := why_not_decide(case, by=by):
        return reason
    if case.changes or case.aged:
        return "The dossier no longer says what is so: send it back, so that it is asked for anew."
    if case.dossier["gates"]["verdict"] not in OPEN:
        count = sum(outcome["verdict"] not in OPEN for outcome in case.outcomes)
        return (
            f"Approval is shut: {count} of {len(case.outcomes)} rules do not pass. You may send it back or reject it."
        )
    if meaning is not None and meaning not in _meanings(case):
        return _why_not_meaning(case, meaning)
    if case.unread:
        names = listed([evidence.name for evidence in case.unread])
        return f"You have not opened {names} since it was asked for; read first, then sign."
    return None


def _meanings(case: Case) -> list[str]:
    conditional = [CONDITIONAL] if "approved" in case.open_meanings else []
    return [*case.open_meanings, *conditional]


def place_for(case: Case, meaning: str) -> int:
    """The number of the place a verdict takes: the first open one of its meaning, or, for a refusal, the first."""
    wanted = "approved" if meaning == CONDITIONAL else meaning
    fitting = [place for place in case.open_places if not wanted or place.meaning == wanted]
    return fitting[0].number if fitting else 0


def verdict(approval: Approval, dossier_digest: str, choice: str) -> dict[str, Any]:
    """What a signer's passkey is asked about. `choice`: what their name is to mean, or the refusal."""
    return {"act": "sign", "approval": approval.pk, "dossier": dossier_digest, "choice": choice}


def decided(case: Case, refusal_ends_it: bool) -> State | None:
    """What the sign-off becomes with the verdicts in `case`; None: it waits for others.

    Verdicts are sealed until every place has one, so a refusal does not end it before, unless nobody could approve it
    any more or the policy asks one after the other."""
    decisions = {signature.decision for signature in case.signatures}
    refused = State.REJECTED if Decision.REJECT in decisions else State.RETURNED
    if decisions != {Decision.SIGN} and (case.missing == 0 or refusal_ends_it):
        return refused
    return State.APPROVED if case.missing == 0 else None


def _why_not_meaning(case: Case, meaning: str) -> str:
    open_ones = ", ".join(f"“{MEANINGS[other]}”" for other in case.open_meanings) or "none"
    place = next((place for place in case.places if place.meaning == meaning), None)
    if place is None:
        return f"This policy asks for no such signature; still open: {open_ones}."
    if not place.full:
        return f"It is not the turn of “{place.words}” yet; open now: {open_ones}."
    return f"{listed([given.printed_name for given in place.given])} took this place already; still open: {open_ones}."


def why_not_conditions(case: Case, conditions: list[dict]) -> str | None:
    """Against signing on these conditions. Each: text, owner or check, due_at, consequence."""
    allowed = case.policy.conditions
    if allowed is None:
        return "This policy lets nobody sign on conditions: sign without, or send it back."
    if len(conditions) > allowed.at_most:
        return f"This policy allows {allowed.at_most} conditions at most; these are {len(conditions)}."
    latest = case.now + timedelta(days=allowed.due_days)
    for condition in conditions:
        if not case.now < condition["due_at"] <= latest:
            return f"A condition is due after now, and by {day(latest)} at the latest."
        if (condition.get("owner") is None) == (condition.get("check") is None):
            return f"“{condition['text']}” has an owner who fulfils it, or a check on a figure; one of them."
        if (check := condition.get("check")) is not None and (reason := _why_not_checked(case, check)):
            return f"“{condition['text']}”: {reason}"
    return None


def _why_not_checked(case: Case, check: dict) -> str | None:
    """Against the portal checking this: nothing measures it, or measuring it would take the sign-off down."""
    if reason := why_not_check(check):
        return reason
    if check["report"] in case.measured:
        return (
            f"this sign-off rests on the {check['report']} report; measured again, it would fall. "
            "Check a figure of a report that is still to be made."
        )
    if check.get("of") and check["of"] not in case.dossier["sensitive"]:
        return f"the data declares no sensitive attribute “{check['of']}”."
    return None


def checkable(case: Case) -> list[tuple[str, dict, str]]:
    """The figures that a condition may have checked: (in words, the check without its threshold, the direction)."""
    found = []
    for report, figures in REPORTS.items():
        for name, figure in figures.items() if report not in case.measured else ():
            cautious = "value" if figure.exact else "lower" if figure.direction == BETTER_HIGH else "upper"
            for of in case.dossier["sensitive"] if figure.by_group else [""]:
                check = {"report": report, "figure": name, "bound": cautious, **({"of": of} if of else {})}
                words = f"{figure.label}{f' by {of}' if of else ''} {figure.direction.replace('_', ' ')}"
                found.append((words, check, figure.direction))
    return found


def why_not_fulfil(condition: Condition, *, by) -> str | None:
    if condition.check:
        return "This condition is checked on a figure by the portal; nobody declares it met."
    if condition.owner != by.pk:
        return f"Only {condition.owner_name}, who answers for it, says that it is fulfilled."
    return "It was fulfilled already." if condition.fulfilment else None


def why_not_confirm(case: Case, condition: Condition, *, by) -> str | None:
    if reason := why_not(by, Permission.APPROVAL_SIGN):
        return reason
    if condition.fulfilment is None:
        return "Nothing is fulfilled yet."
    if condition.fulfilment.confirmed_at:
        return "It is confirmed already."
    if condition.fulfilment.fulfilled_by.user_id == by.user_id:
        return "Somebody else confirms what you fulfilled."
    if case.conflict and case.conflict.deed != "signed it already":
        return str(case.conflict)
    return None


def why_not_withdraw(approval: Approval, *, by) -> str | None:
    if reason := why_not(by, Permission.APPROVAL_ASK):
        return reason
    if by.user_id != approval.requested_by.user_id:
        return f"Only {approval.requested_by.user}, who asked, withdraws the request."
    return _why_not_open(approval, by)


def why_not_revoke(approval: Approval, *, by) -> str | None:
    if reason := why_not(by, Permission.APPROVAL_REVOKE):
        return reason
    if approval.state == State.REVOKED:
        return f"{_ender(approval, by)} revoked this sign-off already."
    if approval.state != State.APPROVED:
        return "Only a completed sign-off can be revoked."
    return None


def _why_not_open(approval: Approval, by) -> str | None:
    if approval.state == State.OPEN:
        return None
    if approval.state in (State.WITHDRAWN, State.REVOKED):
        return f"{_ender(approval, by)} has {approval.state} it; nothing is left to decide."
    at = f"{day(approval.decided_at)} at {approval.decided_at:%H:%M} UTC"
    return f"It was {approval.get_state_display()} on {at}; nothing is left to decide."


def _ender(approval: Approval, by) -> str:
    return "You" if approval.ended_by_id == by.pk else str(approval.ended_by.user)
