"""The figures of each kind of report that a policy may set a threshold on, and that may be submitted from outside: what
they are called in a sentence, which way is better, and between which numbers they lie."""

from dataclasses import dataclass
from math import inf

BETTER_HIGH, BETTER_LOW = "at_least", "at_most"


@dataclass(frozen=True)
class Figure:
    label: str
    direction: str
    lowest: float = 0.0
    highest: float = 1.0
    by_group: bool = False  # measured once for each sensitive attribute, not once for the model
    exact: bool = False  # computed, not estimated from a sample: it has no interval


REPORTS: dict[str, dict[str, Figure]] = {
    "performance": {
        "accuracy": Figure("Accuracy", BETTER_HIGH),
        "balanced_accuracy": Figure("Balanced accuracy", BETTER_HIGH),
        "true_positive_rate": Figure("True positive rate", BETTER_HIGH),
        "true_negative_rate": Figure("True negative rate", BETTER_HIGH),
        "precision": Figure("Precision", BETTER_HIGH),
        "roc_auc": Figure("ROC AUC", BETTER_HIGH),
        "average_precision": Figure("Average precision", BETTER_HIGH),
        "log_loss": Figure("Log loss", BETTER_LOW, highest=inf),
        "brier": Figure("Brier score", BETTER_LOW),
        "calibration_error": Figure("Calibration error", BETTER_LOW),
    },
    "fairness": {
        "demographic_parity_ratio": Figure("Impact ratio", BETTER_HIGH, by_group=True),
        "demographic_parity_difference": Figure("Demographic parity difference", BETTER_LOW, by_group=True),
        "equalized_odds_difference": Figure("Equalized odds difference", BETTER_LOW, by_group=True),
        "equal_opportunity_difference": Figure("Equal opportunity difference", BETTER_LOW, by_group=True),
    },
    "privacy": {
        "epsilon": Figure("Privacy loss ε", BETTER_LOW, highest=inf, exact=True),
        "epsilon_pld": Figure("Privacy loss ε, second accountant", BETTER_LOW, highest=inf, exact=True),
        "epsilon_rdp": Figure("Privacy loss ε, by Rényi divergence", BETTER_LOW, highest=inf, exact=True),
        "delta": Figure("Privacy failure probability δ", BETTER_LOW, exact=True),
        "membership_auc": Figure("Membership inference AUC", BETTER_LOW),
        "membership_tpr": Figure("Membership inference at a false alarm in a hundred", BETTER_LOW),
    },
    "explainability": {
        "stability": Figure("Stability of explanations", BETTER_HIGH),
        "additivity_residual": Figure("Largest additivity residual", BETTER_LOW, highest=inf, exact=True),
    },
}

# "*" asks for every sensitive attribute the data declares; "* & *" for every pair of them.
EACH, EACH_PAIR = "*", "* & *"

# Whose intervals the laboratory makes on the logarithm; those of other figures by group lie on the figure itself.
LOG_SCALE = frozenset({"demographic_parity_ratio"})
