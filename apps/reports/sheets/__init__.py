"""From a finished report's JSON to what its page and its document show: the same words, charts and tables."""

import json
from dataclasses import dataclass
from datetime import date

from apps.common.numbers import number, threshold
from apps.reports.figures import REPORTS
from apps.reports.models import Kind
from apps.reports.rules import IN_OPERATION_QUESTIONS, QUESTIONS, in_words, name_of
from apps.reports.sheets import explainability, fairness, performance, privacy
from apps.reports.sheets.parts import Numbered, numbered

SECTIONS = {
    Kind.PERFORMANCE: performance.sections,
    Kind.FAIRNESS: fairness.sections,
    Kind.PRIVACY: privacy.sections,
    Kind.EXPLAINABILITY: explainability.sections,
}
NOT_EXAMINED = {
    Kind.PERFORMANCE: "Performance within groups is in the fairness report. Later times and other places were not "
    "examined.",
    Kind.FAIRNESS: "Only declared attributes and their pairs were compared. What the labels themselves got wrong, and "
    "what happens to people after the decision, no table of predictions can show.",
    Kind.PRIVACY: "One attack was tried, with the model's answers alone. Attacks that train shadow models, or that "
    "rebuild attributes of people, were not.",
    Kind.EXPLAINABILITY: "What the columns cause in the world was not examined; nor were rows other than those "
    "sampled.",
}
IN_OPERATION_NOT_EXAMINED = (
    "Rows that were not brought were not examined, nor whether the outcomes of those that were are right: the portal "
    "computes from the bytes it was given. Other times and places were not examined."
)
# what a figure may leave unsaid: then it has none, and is shown without
UNSAID = {"low": None, "high": None, "n": None, "smallest_group": None, "of": "", "note": "",
          "threshold": None, "direction": None, "verdict": None}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """Everything that is shown of a report."""

    question: str
    answer: str
    verdict: str
    judged: list[dict]
    figures: list[dict]
    sections: tuple[Numbered, ...]
    caveats: list[str]
    not_examined: str
    method: list[tuple[str, str]]
    inputs: dict
    libraries: dict
    parameters: dict
    subject: dict
    provenance: str
    made: str  # where the figures come from, in a sentence
    operation: dict | None = None  # where and when it was measured, if that was in operation
    operation_words: str = ""


MADE = "Every figure was recomputed by the portal from registered bytes, whose SHA-256 digests follow."
SUBMITTED = "No figure was computed by the portal: all were measured elsewhere, and submitted."


def sheet(report) -> Sheet:
    """`report` is finished."""
    result = json.loads(report.result)
    if report.is_submitted:
        return _submitted(result)
    result["figures"] = [UNSAID | figure for figure in result["figures"]]
    kind, operation = Kind(result["kind"]), result.get("operation")
    questions = IN_OPERATION_QUESTIONS if operation else QUESTIONS
    named = [_shown(figure) for figure in result["figures"]]
    method = {name: said for name, said in result["method"].items() if isinstance(said, str)}
    return Sheet(
        question=questions[kind].format(f"{result['subject']['model']} v{result['subject']['version']}"),
        answer=result["answer"],
        verdict=result["verdict"],
        judged=[figure for figure in named if figure["verdict"]],
        figures=[figure for figure in named if not figure["verdict"]],
        sections=numbered(SECTIONS[kind](result), first_table=2),
        caveats=result["caveats"],
        not_examined=IN_OPERATION_NOT_EXAMINED if operation else NOT_EXAMINED[kind],
        method=[(name.replace("_", " "), said) for name, said in method.items()],
        inputs=result["inputs"],
        libraries=result["libraries"],
        parameters=result["parameters"],
        subject=result["subject"],
        provenance=result["provenance"],
        operation=operation,
        operation_words=in_words(operation) if operation else "",
        made=f"{MADE} Held to: {held_to(result['parameters'])}",
    )


def _lacking(kind: str, figure: dict) -> dict:
    """What is said of a submitted figure that came without its interval; one that is exact has none."""
    known = REPORTS[kind].get(figure["name"])
    return {"note": "no interval was submitted"} if figure["low"] is None and not (known and known.exact) else {}


def _submitted(result) -> Sheet:
    """What is shown of figures that were measured elsewhere: themselves, and by whom, how and on what they were."""
    measured, subject = result["measured"], result["subject"]
    on = date.fromisoformat(measured["on"])
    return Sheet(
        question=QUESTIONS[Kind(result["kind"])].format(f"{subject['model']} v{subject['version']}"),
        answer=result["answer"],
        verdict="submitted",
        judged=[],
        figures=[_shown(figure | _lacking(result["kind"], figure)) for figure in result["figures"]],
        sections=(),
        caveats=result["caveats"],
        not_examined="Whatever the portal would have measured itself: it did not look at rows, groups or predictions.",
        method=[
            ("Measured by", measured["by"]),
            ("Measured on", f"{on:%-d %B %Y}"),
            ("By which method", measured["method"]),
            ("On which data", measured["data"]),
        ],
        inputs=result["inputs"] | ({"measured_data": measured["data_digest"]} if measured["data_digest"] else {}),
        libraries={},
        parameters={},
        subject=subject,
        provenance=result["provenance"],
        made=SUBMITTED,
    )


def held_to(parameters) -> str:
    """The limits a report was judged by, as words."""
    said = [f"{name_of(name)} {limit_of(way, at)}" for name, (way, at) in parameters["limits"].items()]
    return f"{'; '.join(said)}. Seed {number(parameters['seed'])}."


def limit_of(direction, at) -> str:
    """“at least 0.8”, or nothing where there is no limit."""
    return f"{direction.replace('_', ' ')} {threshold(at)}" if direction and at is not None else ""


def _shown(figure) -> dict:
    """A figure with its name and limit in words. What is known exactly has neither interval nor sampling to show."""
    words = {"label": name_of(figure["name"]), "limit": limit_of(figure["direction"], figure["threshold"])}
    exact = figure["value"] is not None and figure["low"] == figure["high"] == figure["value"]
    return figure | words | ({"low": None, "high": None, "n": None} if exact else {})
