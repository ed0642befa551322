"""A finished report as a file: the signed bytes, or a document that carries them inside."""

from dataclasses import asdict

from django.http import HttpResponse

from apps.common import documents
from apps.common.documents import Attachment
from apps.common.numbers import duration, number
from apps.reports import sheets

INPUTS = {
    "artifact": "Model, all its files",
    "recipe": "Recipe",
    "data": "Data learned from",
    "declaration": "Its declaration",
    "learned_n": "Rows learned from",
    "learned_rows": "Which rows",
    "test_data": "Data measured on",
    "test_declaration": "Its declaration",
    "n": "Rows measured on",
    "rows": "Which rows",
}
TYPES = {"json": "application/json", "pdf": "application/pdf"}


def attachment(report, form: str) -> HttpResponse:
    """`form` is "json", the exact bytes that are signed, or "pdf"."""
    content = report.result.encode() if form == "json" else pdf(report)
    response = HttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{file_name(report)}.{form}"'
    return response


def file_name(report) -> str:
    return f"{report.kind}-{report.model_version.model.name}-v{report.model_version.number}-{report.digest[:12]}"


def pdf(report) -> bytes:
    """The document of a finished report, its JSON attached."""
    sheet = sheets.sheet(report)
    charts = {f"chart{part.number}": part.chart for one in sheet.sections for part in one.parts if part.chart}
    data = {
        "title": sheet.question,
        "subject": f"{report.get_kind_display()} report {report.pk}, {report.project.name}",
        "answer": sheet.answer,
        "verdict": sheet.verdict,
        "digest": report.digest,
        "at": report.finished_at.isoformat(),
        "facts": facts(report, sheet),
        "figures": documents.measured([figure | {"name": figure["label"]} for figure in sheet.judged + sheet.figures]),
        "sections": [_section(one) for one in sheet.sections],
        "caveats": sheet.caveats,
        "not_examined": sheet.not_examined,
        "method": [list(pair) for pair in sheet.method],
        "held_to": sheets.held_to(sheet.parameters),
        "inputs": [[words, _told(sheet.inputs[name])] for name, words in INPUTS.items()],
        "libraries": ", ".join(f"{name} {version}" for name, version in sheet.libraries.items()),
    }
    content = Attachment(f"{file_name(report)}.json", report.result.encode(), "The report's result: the signed bytes.")
    return documents.render("reports/report.typ", data, charts=charts, attachments=[content])


def facts(report, sheet) -> list[list[str]]:
    """What a reader asks of the document itself."""
    took = (report.finished_at - report.started_at).total_seconds()
    inputs = sheet.inputs
    return [
        ["Figures", sheet.provenance],
        ["Model", f"{report.model_version}, {sheet.subject['estimator'].replace('_', ' ')}"],
        ["Favourable", f"{sheet.subject['target']} = {sheet.subject['favourable']}"],
        ["Rows", f"{number(inputs['n'])} the model had not seen; it learned from {number(inputs['learned_n'])}"],
        ["Held to", sheets.held_to(sheet.parameters)],
        ["Asked for by", f"{report.started_by.user}, {report.started_by.role}"],
        ["Took", duration(took)],
    ]


def _section(one) -> dict:
    parts = [{"chart": f"chart{part.number}"} if part.chart else {"table": asdict(part.table)} for part in one.parts]
    return {"title": one.title, "text": list(one.text), "parts": parts}


def _told(value) -> str:
    return number(value) if isinstance(value, int) else value
