"""What a trial of the walls between organizations found, read from its signed bytes; and those bytes as files."""

import base64
import json
from collections import Counter

from django.http import HttpResponse

from apps.common import documents
from apps.common.canonical import canonical
from apps.common.numbers import number

TYPES = {"json": "application/json", "pdf": "application/pdf"}


def result(attestation) -> dict | None:
    """The result as it was signed, and by address what answered how often; None until there is one."""
    if not attestation.envelope:
        return None
    return json.loads(base64.b64decode(attestation.envelope["payload"]))["predicate"]


def by_address(result: dict) -> list[dict]:
    """Each address with the verbs it was asked by, how often it was asked, and what answered."""
    found: dict[str, dict] = {}
    for line in result["doors"]:
        one = found.setdefault(line["address"], {"address": line["address"], "verbs": [], "answers": Counter()})
        one["verbs"] += [line["verb"]] if line["verb"] not in one["verbs"] else []
        for answers in line["answers"].values():
            one["answers"].update(answers)
    leaked = {finding["where"] for finding in result["findings"]}
    return [
        {**one, "asked": one["answers"].total(), "answers": sorted(one["answers"].items()), "leaked": name in leaked}
        for name, one in sorted(found.items())
    ]


def by_place(result: dict) -> list[dict]:
    """What is no address (tables, tasks, files, the queue, the log): how often it was tried, and what came of it."""
    found: dict[tuple[str, str], Counter] = {}
    for one in result["others"]:
        kind = one["where"].split(" ", 1)[0] if one["where"].startswith(("table ", "task ", "file ")) else one["where"]
        found.setdefault((kind, one["what"]), Counter())[_short(one["came"])] += 1
    return [
        {"kind": kind, "what": what, "tried": came.total(), "came": sorted(came.items())}
        for (kind, what), came in found.items()
    ]


def _short(came: str) -> str:
    """A refusal without what it names."""
    return " ".join(came.split(" ")[:2]) if came.startswith("refused: ") else came


def answer(result: dict) -> str:
    """Whether another organization can see anything, in one sentence."""
    counts = result["counts"]
    if counts["leaked"]:
        return f"Yes: {number(counts['leaked'])} of {number(counts['asked'])} attempts came through."
    tried = f"{number(counts['asked'])} attempts were made, and none came through."
    return f"It was not proved: {tried} But the trial’s own controls failed." if result["findings"] else f"No: {tried}"


def attachment(attestation, form: str) -> HttpResponse:
    """`form` is "json" (the DSSE envelope) or "pdf" (a document with the envelope inside)."""
    envelope = canonical(attestation.envelope)
    content = envelope if form == "json" else pdf(attestation, envelope)
    name = f"isolation-{attestation.organization.slug}-{attestation.pk}"
    ending = {"json": "dsse.json", "pdf": "pdf"}[form]
    response = HttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response


def pdf(attestation, envelope: bytes) -> bytes:
    """The same bytes from the same signed result."""
    said = result(attestation)
    counts, words = said["counts"], said["words"]
    data = {
        "title": "Isolation of organizations",
        "subject": f"{attestation.organization.name} · {attestation}",
        "answer": answer(said),
        "verdict": said["verdict"],
        "digest": attestation.digest,
        "at": said["finished_at"],
        "facts": [
            ["Attempts on another’s", f"{number(counts['asked'])}, of which came through {number(counts['leaked'])}"],
            ["Answers read", number(counts["responses"])],
            ["Words planted", f"{words['planted']}, of which its own people were shown {words['seen_by_their_own']}"],
            ["Asked for by", said["asked_by"]],
            ["Took", f"{said['seconds']} s, until {said['finished_at'][:19].replace('T', ' ')} UTC"],
            ["Portal", said["portal"]["source"]],
            ["Database", f"PostgreSQL {said['database']['postgresql']}, as role {said['database']['role']}"],
        ],
        "findings": [[f"{one['where']}, {one['what']}", one["who"] or "–", one["says"]] for one in said["findings"]],
        "untried": [
            [one["where"] if one["what"] == "all" else f"{one['where']}, {one['what']}", one["why"]]
            for one in said["untried"]
        ],
        "places": [[one["kind"], one["what"], number(one["tried"]), _joined(one["came"])] for one in by_place(said)],
        "addresses": [
            [one["address"], ", ".join(one["verbs"]), number(one["asked"]), _joined(one["answers"])]
            for one in by_address(said)
        ],
    }  # fmt: skip
    attached = documents.Attachment(
        "isolation.dsse.json", envelope, "The signed result: a DSSE envelope around an in-toto statement."
    )
    return documents.render("audits/isolation.typ", data, attachments=[attached])


def _joined(counted) -> str:
    return ", ".join(f"{what} × {number(count)}" for what, count in counted)
