"""Who may do what to a policy or a sign-off, and when. Every objection is a sentence; none is None."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.permissions import Permission, why_not
from apps.approvals.gates.policy import Policy
from apps.approvals.gates.schema import MEANINGS
from apps.approvals.models import Approval, Signature, State

RENEWAL = timedelta(days=90)  # how long before its end a sign-off may be asked for again


@dataclass(frozen=True)
class Case:
    """A sign-off with everything that is judged about it, read at one moment."""

    approval: Approval
    dossier: dict[str, Any]
    policy: Policy
    signatures: tuple[Signature, ...]
    hands: dict[int, str]  # a person's id -> what they did to the model
    newcomers: frozenset[int]  # memberships that came, or changed their role, after it was asked for
    changes: tuple[str, ...]  # what moved since the dossier was frozen, in sentences
    now: datetime

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """The gates as they stood when the dossier was frozen: that is what is signed."""
        return self.dossier["gates"]["outcomes"]

    @property
    def open_meanings(self) -> list[str]:
        """The meanings the policy still waits for, one entry a signature."""
        given = [signature.meaning for signature in self.signatures if signature.decision == "sign"]
        wanted = [signer.meaning for signer in self.policy.signers for _ in range(signer.count)]
        for meaning in given:
            wanted.remove(meaning)
        return wanted

    @property
    def policy_meanings(self) -> list[str]:
        return [signer.meaning for signer in self.policy.signers]

    @property
    def places(self) -> list[dict[str, Any]]:
        """Every place for a name that the policy asks for, with the signature that fills it, or None."""
        given = [signature for signature in self.signatures if signature.decision == "sign"]
        places = []
        for signer in self.policy.signers:
            mine = [signature for signature in given if signature.meaning == signer.meaning]
            places += [
                {
                    "role": signer.role,
                    "meaning": signer.meaning,
                    "words": MEANINGS[signer.meaning],
                    "signature": mine[n] if n < len(mine) else None,
                }
                for n in range(signer.count)
            ]
        return places

    @property
    def refusal(self) -> Signature | None:
        """The signature that sent it back or rejected it."""
        return next((signature for signature in self.signatures if signature.decision != "sign"), None)

    @property
    def aged(self) -> tuple[str, ...]:
        """Reports that were young enough when the dossier was frozen, and no longer are."""
        limits = {rule.report: rule.max_age_days for rule in self.policy.rules if rule.max_age_days}
        return tuple(
            f"The {report['kind']} report is more than {limits[report['kind']]} days old."
            for report in self.dossier["evidence"]
            if report["kind"] in limits
            and self.now - datetime.fromisoformat(report["finished_at"]) > timedelta(days=limits[report["kind"]])
        )

    @property
    def expired(self) -> bool:
        return self.approval.valid_until is not None and self.approval.valid_until <= self.now

    @property
    def stands(self) -> bool:
        """Whether a deployment may rest on it now. Computed, never kept: nobody can forget to take it away."""
        return self.approval.state == State.APPROVED and not self.expired and not self.changes

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it does not stand."""
        return () if self.stands else (answer(self), *self.changes)

    @property
    def status(self) -> str:
        """One word for the stamp."""
        if self.approval.state == State.APPROVED:
            return "approved" if self.stands else "expired" if self.expired else "stale"
        if self.approval.state == State.OPEN and self.changes:
            return "stale"
        return self.approval.state


def answer(case: Case) -> str:
    """The first sentence of the page: may it go live?"""
    approval = case.approval
    if approval.state == State.APPROVED:
        if case.stands:
            return f"Yes, until {_day(approval.valid_until)}, unless anything it covers changes."
        return (
            "No longer: it was signed, and its time is over."
            if case.expired
            else ("No longer: it was signed, and then something it covers changed.")
        )
    if approval.state == State.OPEN:
        return _not_yet(case)
    return {
        State.RETURNED: "No: a reviewer sent it back. It may be asked for again once it is better.",
        State.REJECTED: "No: a reviewer rejected it, finally.",
        State.WITHDRAWN: "No: the request was withdrawn.",
        State.REVOKED: "No: the sign-off was revoked, finally.",
    }[State(approval.state)]


def _not_yet(case: Case) -> str:
    if case.changes:
        return "Not like this: something it covers changed after it was asked for."
    shut = [outcome["verdict"] for outcome in case.outcomes if outcome["verdict"] != "pass"]
    if shut:
        found = ", ".join(f"{shut.count(verdict)} {verdict}" for verdict in dict.fromkeys(shut))
        return f"Not yet: of {len(case.outcomes)} rules, {found}. It cannot be signed like this."
    open_places = len(case.open_meanings)
    return f"Not yet: every rule passes, and {open_places} signature{'s are' if open_places > 1 else ' is'} open."


def why_not_publish(*, by) -> str | None:
    return why_not(by, Permission.POLICY_PUBLISH)


def why_not_withdraw_policy(version, *, by) -> str | None:
    if reason := why_not(by, Permission.POLICY_PUBLISH):
        return reason
    if version.withdrawn_at:
        return "This version was withdrawn already."
    return None


def why_not_ask(version, policy, earlier, *, by, now: datetime) -> str | None:
    """`version`: what shall go live; `policy`: what counts for its risk class, or None; `earlier`: its sign-offs so
    far, each with `.stands`."""
    if reason := why_not(by, Permission.APPROVAL_ASK):
        return reason
    if version.project.closed_at:
        return "This project is closed."
    if version.retired_at:
        return f"{version} was retired; ask for a version that is in use."
    if policy is None:
        risk_class = version.project.risk_class
        return f"No policy for {risk_class}-risk projects is in force: it was withdrawn; an owner publishes another."
    return next(filter(None, (_why_not_again(approval, version, now) for approval in earlier)), None)


def _why_not_again(approval, version, now: datetime) -> str | None:
    if approval.state == State.OPEN:
        return f"A sign-off of {version} is in review already; withdraw it to ask anew."
    if approval.state in (State.REVOKED, State.REJECTED):
        return f"{version} was {approval.state} on {_day(approval.decided_at)}, and that is final; train a new version."
    if approval.stands and approval.valid_until - now > RENEWAL:
        return f"{version} is signed off until {_day(approval.valid_until)}; ask again in its last {RENEWAL.days} days."
    return None


def _day(at: datetime | None) -> str:
    return f"{at:%-d %B %Y}"


def why_not_decide(case: Case, *, by) -> str | None:
    """Against this person deciding at all: signing, sending back or rejecting."""
    if reason := why_not(by, Permission.APPROVAL_SIGN):
        return reason
    if reason := _why_not_open(case.approval, by):
        return reason
    if not by.user.name:
        return "A signature prints your name, and you have none here yet; set it first."
    if by.user_id == case.approval.requested_by.user_id:
        return "You asked for this sign-off; somebody else must sign it."
    if deed := case.hands.get(by.user_id):
        return f"You {deed}; somebody who had no hand in it must sign."
    if by.pk in case.newcomers:
        return "Your role here is younger than this request; who was a reviewer when it was asked for signs it."
    if mine := next((s for s in case.signatures if s.signer_id == by.pk), None):
        return f"You signed this on {mine.signed_at:%-d %B %Y at %H:%M} UTC; nobody signs twice."
    return None


def why_not_sign(case: Case, *, by, meaning: str | None = None) -> str | None:
    if reason := why_not_decide(case, by=by):
        return reason
    if case.changes or case.aged:
        return "The dossier no longer says what is so: send it back, so that it is asked for anew."
    if case.dossier["gates"]["verdict"] != "pass":
        count = sum(outcome["verdict"] != "pass" for outcome in case.outcomes)
        return (
            f"Approval is shut: {count} of {len(case.outcomes)} rules do not pass. You may send it back or reject it."
        )
    if meaning is not None and meaning not in case.open_meanings:
        return _why_not_meaning(case, meaning)
    return None


def _why_not_meaning(case: Case, meaning: str) -> str:
    open_ones = ", ".join(f"“{MEANINGS[other]}”" for other in dict.fromkeys(case.open_meanings))
    signer = next((s for s in case.signatures if s.meaning == meaning), None)
    taken = f"{signer.printed_name} has signed so already" if signer else "This policy asks for no such signature"
    return f"{taken}; still open: {open_ones}."


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
    at = f"{_day(approval.decided_at)} at {approval.decided_at:%H:%M} UTC"
    return f"It was {approval.get_state_display()} on {at}; nothing is left to decide."


def _ender(approval: Approval, by) -> str:
    return "You" if approval.ended_by_id == by.pk else str(approval.ended_by.user)
