"""What changed between two versions of a policy, rule by rule, in sentences."""

from collections.abc import Iterator
from typing import Any

from apps.approvals.gates.policy import Policy, Rule

# What of a policy is no rule, with the words for it.
PARTS = {
    "name": "The name",
    "risk_class": "The risk class",
    "answered_yes": "The answers it asks a yes for",
    "answered_no": "The answers it asks a no for",
    "valid_days": "How many days a sign-off stands",
    "order": "The order of signing",
    "deadline_days": "The days to sign in",
    "on_deadline": "What happens at the deadline",
}


def differences(old: Policy, new: Policy) -> tuple[str, ...]:
    """One sentence for each thing that the new version decides otherwise; none where they decide alike."""
    return (*_rules(old.rules, new.rules), *_parts(old, new), *_signers(old, new))


def _about(rule: Rule) -> tuple:
    """What a rule is about: two rules about the same are one rule that changed."""
    return rule.noun, rule.kind, rule.figure, rule.of, rule.bound


def _rules(old: tuple[Rule, ...], new: tuple[Rule, ...]) -> Iterator[str]:
    before, after = ({_about(rule): rule for rule in rules} for rules in (old, new))
    for about in dict.fromkeys([*before, *after]):
        was, now = before.get(about), after.get(about)
        if was is None and now is not None:
            yield f"Added: {_said(now)}."
        elif now is None and was is not None:
            yield f"Taken out: {_said(was)}."
        elif was and now and _said(was) != _said(now):
            yield f"Changed: {_said(was)}. Now: {_said(now)}."


def _said(rule: Rule) -> str:
    return f"{rule.sentence()} ({rule.fine_print})" if rule.fine_print else rule.sentence()


def _parts(old: Policy, new: Policy) -> Iterator[str]:
    for part, words in PARTS.items():
        was, now = getattr(old, part), getattr(new, part)
        if was != now:
            yield f"{words}: was {_word(was)}, is now {_word(now)}."


def _signers(old: Policy, new: Policy) -> Iterator[str]:
    was, now = (
        [f"{signer.count} {signer.role}: {signer.meaning}" for signer in policy.signers] for policy in (old, new)
    )
    if was != now:
        yield f"The signers: were {'; '.join(was)}; are now {'; '.join(now)}."
    if old.conditions != new.conditions:
        yield f"Signing on conditions: was {_allowed(old)}, is now {_allowed(new)}."


def _allowed(policy: Policy) -> str:
    if policy.conditions is None:
        return "not allowed"
    return f"allowed, at most {policy.conditions.at_most}, each due within {policy.conditions.due_days} days"


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "not said" if value is None else str(value)
