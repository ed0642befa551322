"""A finished report as a file: the signed bytes, or a document that carries them inside."""

from dataclasses import asdict

from django.http import FileResponse, HttpResponse

from apps.common import documents, storage
from apps.common.documents import Attachment
from apps.common.numbers import duration, number, size
from apps.reports import sheets

INPUTS = {
    "artifact": "Model, all its files",
    "recipe": "Recipe",
    "data": "Data learned from",
    "declaration": "Its declaration",
    "learned_n": "Rows learned from",
    "learned_rows": "Which rows",
    "measured_data": "Data measured on, as submitted",
    "test_data": "Data measured on",
    "test_declaration": "Its declaration",
    "n": "Rows measured on",
    "rows": "Which rows",
}
TYPES = {"json": "application/json", "pdf": "application/pdf"}


def attachment(report, form: str) -> HttpResponse | FileResponse:
    """`form` is "json", the exact bytes that are signed, or "pdf"; or "original". Raises ActionDenied."""
    if form == "original":
        return _original(report)
    content = report.result.encode() if form == "json" else pdf(report)
    response = HttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{file_name(report)}.{form}"'
    return response


def _original(report) -> FileResponse:
    """The file that submitted figures came with, as it was sent: no browser is told to open it. Raises ActionDenied."""
    with storage.given_out():
        file = storage.open_stored(report.organization_id, report.original["digest"])
    response = FileResponse(file, as_attachment=True, filename=report.original["name"])
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Length"] = str(report.original["size"])
    return response


def file_name(report) -> str:
    kind = report.kind if report.noun == "report" else f"{report.kind}-in-operation"
    return f"{kind}-{report.model_version.model.name}-v{report.model_version.number}-{report.digest[:12]}"


def pdf(report) -> bytes:
    """The document of a finished report, its JSON attached."""
    sheet = sheets.sheet(report)
    charts = {f"chart{part.number}": part.chart for one in sheet.sections for part in one.parts if part.chart}
    data = {
        "title": sheet.question,
        "subject": f"{name_of(report)} {report.pk}, {report.project.name}",
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
        "made": sheet.made,
        "inputs": [[words, _told(sheet.inputs[name])] for name, words in INPUTS.items() if name in sheet.inputs],
        "libraries": ", ".join(f"{name} {version}" for name, version in sheet.libraries.items()),
    }
    content = Attachment(f"{file_name(report)}.json", report.result.encode(), "The report's result: the signed bytes.")
    return documents.render("reports/report.typ", data, charts=charts, attachments=[content])


def facts(report, sheet) -> list[list[str]]:
    """What a reader asks of the document itself."""
    if report.is_submitted:
        return _submitted(report, sheet)
    took = (report.finished_at - report.started_at).total_seconds()
    return [
        ["Figures", sheet.provenance],
        ["Model", f"{report.model_version}, {sheet.subject['estimator'].replace('_', ' ')}"],
        ["Favourable", f"{sheet.subject['target']} = {sheet.subject['favourable']}"],
        *_rows(sheet),
        ["Held to", sheets.held_to(sheet.parameters)],
        ["Asked for by", f"{report.started_by.user}, {report.started_by.role}"],
        ["Took", duration(took)],
    ]


def _submitted(report, sheet) -> list[list[str]]:
    """The same of a report whose figures were measured elsewhere."""
    measured = {name: words for name, words in sheet.method if name in ("Measured by", "Measured on")}
    original = report.original
    return [
        ["Figures", sheet.provenance],
        ["Model", str(report.model_version)],
        *map(list, measured.items()),
        ["Submitted by", f"{report.started_by.user}, {report.started_by.role}"],
        ["Submitted at", f"{report.queued_at:%-d %B %Y, %H:%M} UTC"],
        ["Came with", f"{original['name']}, {size(original['size'])}" if original else "no file"],
    ]


def _rows(sheet) -> list[list[str]]:
    """Which rows, and that they are from operation where they are."""
    n, learned = number(sheet.inputs["n"]), number(sheet.inputs["learned_n"])
    if sheet.operation is None:
        return [["Rows", f"{n} the model had not seen; it learned from {learned}"]]
    also = sheet.operation["also_learned"]
    return [
        ["Measured in operation", f"{sheet.operation_words}; SHA-256 {sheet.operation['digest'][:12]}"],
        ["Rows", f"{n} from operation, {number(also) if also else 'none'} of which it also learned from; it learned "
                 f"from {learned}"],
    ]  # fmt: skip


def name_of(report) -> str:
    """What kind of report it is, in words."""
    return f"{report.get_kind_display()} report{'' if report.noun == 'report' else ' in operation'}"


def _section(one) -> dict:
    parts = [{"chart": f"chart{part.number}"} if part.chart else {"table": asdict(part.table)} for part in one.parts]
    return {"title": one.title, "text": list(one.text), "parts": parts}


def _told(value) -> str:
    return number(value) if isinstance(value, int) else value
