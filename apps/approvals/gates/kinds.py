"""What may be demanded besides a report: documents the portal renders, statements people make, answers they signed."""

from apps.documents.kinds import KINDS
from apps.projects.rules import NAMES

# What the portal renders about a model version, and what its people state: the kinds that something here produces.
DOCUMENTS = {
    "technical_documentation": "technical documentation",
    "model_card": "model card",
    "dataset_datasheet": "datasheet",
    "bias_audit": "bias audit",
}
STATEMENTS = {kind.name: kind.name.replace("_", " ") for kind in KINDS.values()} | {
    kind.key: f"{kind.name.replace('_', ' ')} ({kind.subtype})" for kind in KINDS.values() if kind.subtype
}
FLAGS = NAMES  # the questions that every project answers

# How a figure or a paper came to be, the strongest first: a rule that asks for one is content with what stands before.
RECOMPUTED, SUBMITTED, DECLARED = PROVENANCE = ("recomputed", "submitted", "declared")
PROVENANCE_WORDS = {
    RECOMPUTED: "recomputed by the portal",
    SUBMITTED: "submitted from outside",
    DECLARED: "declared by a person",
}
