"""Which reports there are, what they ask, what they are held to unless told otherwise, and who may start them when."""

from datetime import date

from apps.accounts.permissions import Permission, why_not
from apps.reports.models import IN_OPERATION, Kind

QUESTIONS = {
    Kind.PERFORMANCE: "How well does {} predict?",
    Kind.FAIRNESS: "Does {} treat groups alike?",
    Kind.PRIVACY: "What does {} give away about the people it learned from?",
    Kind.EXPLAINABILITY: "What moves the answers of {}?",
}
IN_OPERATION_QUESTIONS = {
    Kind.PERFORMANCE: "How well does {} predict in operation?",
    Kind.FAIRNESS: "Does {} treat groups alike in operation?",
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
ASKING = {"report": Permission.REPORT_START, "operation-report": Permission.OPERATION_MEASURE}
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
    return _why_not_used(version, "Measure a version that may still be used.")


def why_not_submit(version, *, by) -> str | None:
    if reason := why_not(by, Permission.REPORT_SUBMIT):
        return reason
    if version is None:
        return "There is no model yet. Train one; then figures of it can be submitted."
    return _why_not_used(version, "Submit figures of a version that may still be used.")


def _why_not_used(version, instead: str) -> str | None:
    if version.project.closed_at:
        return f"The project {version.project.name} is closed."
    return f"{version} is retired. {instead}" if version.retired_at else None


def why_not_withdraw(report, *, by) -> str | None:
    if reason := why_not(by, Permission.REPORT_SUBMIT):
        return reason
    if not report.is_submitted:
        return "What the portal recomputed is not withdrawn; it is measured again."
    if report.withdrawn_at:
        return "It was withdrawn already."
    return None


def why_not_measure(version, *, by) -> str | None:
    """Whether a model version may be measured in operation now, on whatever rows."""
    return why_not(by, Permission.OPERATION_MEASURE) or _why_not_used(version, "It operates no more.")


def operation_problems(version, data, *, kinds, since, until, today) -> dict[str, str]:
    """What is wrong with rows from operation, by field. They mean what the rows meant that the model learned from:
    else its figures would be of another question."""
    found = {}
    if not kinds or set(kinds) - set(IN_OPERATION):
        found["kinds"] = f"Choose among {', '.join(IN_OPERATION)}."
    if since and until and since > until:
        found["since"] = "The period ends before it begins."
    if max(filter(None, (since, until)), default=today) > today:
        found["until"] = "The period lies in the future; nothing has come of it yet."
    if problem := _rows_problem(version, data) or _meaning_problem(version, data, kinds):
        found["dataset_version"] = problem
    return found


def _rows_problem(version, data) -> str | None:
    if data.project_id != version.project_id:
        return f"{data} is of another project than {version}."
    if data.withdrawn_at:
        return f"{data} was withdrawn: {data.withdrawn_reason}"
    if data.declaration is None:
        return f"{data} is not declared: nobody has said what its columns mean."
    if data.digest == version.data_digest:
        return f"{data} holds the rows {version} learned from. Bring rows from operation."
    if version.test_dataset_version and data.digest == version.test_dataset_version.digest:
        return f"{data} holds the rows {version} was tested on before its sign-off. Bring rows from operation."
    lacking = [column["name"] for column in version.input_schema if column["name"] not in data.columns]
    if lacking:
        return f"{data} lacks the model's input{'s' if len(lacking) > 1 else ''} {_quoted(lacking)}."
    return None


def _meaning_problem(version, data, kinds) -> str | None:
    """Target, missing marks and sensitive attributes, against what was declared of the data it learned from."""
    learned, declared = version.dataset_version.declaration or {}, data.declaration
    for field, what in (("target", "target"), ("favourable", "favourable value")):
        if declared.get(field) != learned.get(field):
            return (
                f"{data} declares the {what} “{declared.get(field)}”, and {version} learned “{learned.get(field)}”. "
                "Declare it alike."
            )
    if lacking := sorted(set(learned.get("missing", [])) - set(declared.get("missing", []))):
        return f"{data} does not declare that {_quoted(lacking)} marks a missing value, as the data of {version} does."
    alike = {one["name"]: one for one in declared.get("sensitive", [])}
    wanted = learned.get("sensitive", []) if Kind.FAIRNESS in kinds else []
    if other := [one["name"] for one in wanted if alike.get(one["name"]) != one]:
        return (
            f"{data} does not declare the sensitive attribute{'s' if len(other) > 1 else ''} {_quoted(other)} as the "
            f"data of {version} does; rules about fairness ask for each."
        )
    return None


def in_words(operation: dict) -> str:
    """Which rows from operation: “june v1, 1 June 2026 to 30 June 2026”. `operation`: as a result tells it."""
    since, until = (date.fromisoformat(day) if day else None for day in (operation["since"], operation["until"]))
    name = f"{operation['dataset']} v{operation['version']}"
    if since and until:
        return f"{name}, {since:%-d %B %Y} to {until:%-d %B %Y}"
    if since or until:
        return f"{name}, {f'from {since:%-d %B %Y} on' if since else f'until {until:%-d %B %Y}'}"
    return f"{name}, no period stated"


def _quoted(names) -> str:
    return ", ".join(f"“{name}”" for name in names)


def why_not_cancel(report, *, by) -> str | None:
    if reason := why_not(by, ASKING[report.noun]):
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
