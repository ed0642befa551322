"""What applies, what satisfies it, and who may say so."""

from apps.controls.rules.applicability import Applies, applies
from apps.controls.rules.coverage import (
    GAPS,
    STATES,
    Clause,
    Has,
    Holding,
    Item,
    Judgement,
    Provenance,
    State,
    Waiver,
    clause,
    evidence_digest,
    reached,
)
from apps.controls.rules.facts import FACTS, FLAGS, Fact, flags

__all__ = [
    "FACTS",
    "FLAGS",
    "GAPS",
    "STATES",
    "Applies",
    "Clause",
    "Fact",
    "Has",
    "Holding",
    "Item",
    "Judgement",
    "Provenance",
    "State",
    "Waiver",
    "applies",
    "clause",
    "evidence_digest",
    "flags",
    "reached",
]
