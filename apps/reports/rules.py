"""Which reports there are, what they ask, what they are held to unless told otherwise, and who may start them when."""

from apps.accounts.permissions import Permission, why_not
from apps.reports.models import Kind

QUESTIONS = {
    Kind.PERFORMANCE: "How well does {} predict?",
    Kind.FAIRNESS: "Does {} treat groups alike?",
    Kind.PRIVACY: "What does {} give away about the people it learned from?",
    Kind.EXPLAINABILITY: "What moves the answers of {}?",
}
WORDS = {
    Kind.PERFORMANCE: "accuracy, ranking, losses and calibration, with intervals",
    Kind.FAIRNESS: "rates by sensitive group and their intersections, and the gaps between them",
    Kind.PRIVACY: "the proved guarantee, recomputed, and what a membership attack finds",
    Kind.EXPLAINABILITY: "which columns move the answers, overall and row by row",
}
LIMITS = {
    Kind.PERFORMANCE: {"balanced_accuracy": ("at_least", 0.70)},
    Kind.FAIRNESS: {"demographic_parity_ratio": ("at_least", 0.80), "equalized_odds_difference": ("at_most", 0.15)},
    Kind.PRIVACY: {"epsilon": ("at_most", 4.0), "membership_auc": ("at_most", 0.55)},
    Kind.EXPLAINABILITY: {"additivity_residual": ("at_most", 0.001), "stability": ("at_least", 0.80)},
}
MOST_SEED = 2**31 - 1
NAMES = {
    "roc_auc": "ROC AUC",
    "brier": "Brier score",
    "epsilon": "privacy loss ε",
    "epsilon_pld": "privacy loss ε, second accountant",
    "epsilon_rdp": "privacy loss ε, by Rényi divergences",
    "delta": "failure probability δ",
    "membership_auc": "membership inference AUC",
    "membership_tpr": "learned rows found at 1 % false alarms",
    "demographic_parity_ratio": "impact ratio (demographic parity ratio)",
    "additivity_residual": "largest additivity residual",
    "stability": "importance shared between two backgrounds",
    "sensitive_share": "importance on sensitive columns",
}


def name_of(figure: str) -> str:
    """A figure's name as people read it."""
    return NAMES.get(figure, figure.replace("_", " "))


def parameters(kind: str, given: dict) -> dict:
    """What a report of this kind is computed with: the defaults, and what was given over them."""
    limits = {name: list(limit) for name, limit in LIMITS[Kind(kind)].items()}
    for name, threshold in given.get("limits", {}).items():
        if name in limits:
            limits[name][1] = float(threshold)
    return {"limits": limits, "seed": int(given.get("seed", 0))}


def problems(kinds, given) -> dict[str, str]:
    """What is wrong with a request, by field."""
    found = {}
    unknown = [kind for kind in kinds if kind not in Kind.values]
    if unknown or not kinds:
        found["kinds"] = f"Choose among {', '.join(Kind.values)}."
    if not isinstance(given, dict) or set(given) - {"limits", "seed"}:
        return found | {"parameters": "Give an object with “limits” and “seed” only, or leave it out."}
    seed, limits = given.get("seed", 0), given.get("limits", {})
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= MOST_SEED:
        found["parameters"] = f"The seed must be a whole number from 0 to {MOST_SEED:,}."
    elif not isinstance(limits, dict) or not all(map(_is_number, limits.values())):
        found["parameters"] = "Limits are numbers by name of figure, such as {“balanced_accuracy”: 0.7}."
    elif strangers := set(limits) - {name for known in LIMITS.values() for name in known}:
        found["parameters"] = f"No report has a limit on {', '.join(sorted(strangers))}."
    return found


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def why_not_start(version, *, by) -> str | None:
    if reason := why_not(by, Permission.REPORT_START):
        return reason
    if version is None:
        return "There is no model yet. Train one; then it can be measured."
    if version.project.closed_at:
        return f"The project {version.project.name} is closed."
    if version.retired_at:
        return f"{version} is retired. Measure a version that may still be used."
    return None


def why_not_submit(version, *, by) -> str | None:
    if reason := why_not(by, Permission.REPORT_SUBMIT):
        return reason
    if version is None:
        return "There is no model yet. Train one; then figures of it can be submitted."
    if version.project.closed_at:
        return f"The project {version.project.name} is closed."
    if version.retired_at:
        return f"{version} is retired. Submit figures of a version that may still be used."
    return None


def why_not_withdraw(report, *, by) -> str | None:
    if reason := why_not(by, Permission.REPORT_SUBMIT):
        return reason
    if not report.is_submitted:
        return "What the portal recomputed is not withdrawn; it is measured again."
    if report.withdrawn_at:
        return "It was withdrawn already."
    return None


def why_not_cancel(report, *, by) -> str | None:
    if reason := why_not(by, Permission.REPORT_START):
        return reason
    if report.is_over:
        return "This report is over; there is nothing left to stop."
    if report.cancel_requested:
        return "Its worker has been asked to stop."
    return None


def why_not_download(report, *, by, form: str = "pdf") -> str | None:
    if reason := why_not(by, Permission.REPORT_DOWNLOAD):
        return reason
    if form == "original" and not report.original:
        return "No file came with this report."
    return None if report.result else "This report is not finished; there is nothing to download yet."
