"""Documents: a Typst template and its data become PDF/A, the same bytes from the same input, on any machine.

No system font is read and no clock: letters ship with Typst, the moment comes from the data."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.common import numbers
from apps.common.charts import Chart

# PDF/A that may carry files, so that the machine-readable result travels inside; tagged, so that it can be read aloud
STANDARDS = ("a-3a", "ua-1")
SHARED = "_document.typ"


@dataclass(frozen=True)
class Attachment:
    """A file inside the document."""

    name: str
    content: bytes
    description: str
    mime: str = "application/json"


def render(
    template: str, data: dict, *, charts: Mapping[str, Chart] | None = None, attachments: Sequence[Attachment] = ()
) -> bytes:
    """The PDF of `template`, a path below templates/. `data` holds what `_document.typ` says, as plain JSON values;
    `charts` are placed by the template with `#chart(data, name)`."""
    import typst  # here, not above: only a process that writes documents pays for it

    charts = charts or {}
    told = {**data, "charts": {name: _told(chart) for name, chart in charts.items()}}
    files = {
        "main.typ": _source(template).encode() + _attached(attachments).encode(),
        SHARED: _source(SHARED).encode(),
        "data.json": json.dumps(told, ensure_ascii=False, sort_keys=True).encode(),
        **{f"charts/{name}.svg": chart.print_svg().encode() for name, chart in charts.items()},
        **{f"attached/{number}": attachment.content for number, attachment in enumerate(attachments)},
    }
    moment = dt.datetime.fromisoformat(data["at"])
    stamp = int(moment.replace(tzinfo=moment.tzinfo or dt.UTC).timestamp())
    return _compiled(typst, files, stamp)


def _compiled(typst, files: dict[str, bytes], stamp: int) -> bytes:
    """Letters that the fonts do not have are printed by their number: `[U+4E16]`; the attached files hold them."""
    how = {"ignore_system_fonts": True, "pdf_standards": list(STANDARDS), "timestamp": stamp}
    for _ in range(ROUNDS):
        try:
            return typst.compile(files, **how)
        except typst.TypstError as error:
            if not (lacking := "".join(_unescaped(word) for word in LACKING.findall(error.diagnostic))):
                raise
            files = {name: _without(content, set(lacking)) if _is_text(name) else content
                     for name, content in files.items()}  # fmt: skip
    return typst.compile(files, **how)


ROUNDS = 3
LACKING = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')


def _is_text(name: str) -> bool:
    return name == "data.json" or name.endswith(".svg")


def _unescaped(word: str) -> str:
    """A word as Rust writes it in quotes: U+0000 is \\u{0}."""
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), word)


def _without(content: bytes, letters: set[str]) -> bytes:
    text = content.decode()
    for letter in letters:
        shown = f"[U+{ord(letter):04X}]"
        text = text.replace(letter, shown).replace(json.dumps(letter)[1:-1], shown)
    return text.encode()


def measured(figures: Sequence[Mapping]) -> list[dict]:
    """The figures of a report's result as the texts that `#measures` prints."""
    return [
        {
            "name": figure["name"].replace("_", " "),
            "of": figure.get("of") or "",
            "value": numbers.rounded(figure["value"], figure.get("low"), figure.get("high"), figure.get("n")),
            "interval": numbers.interval(figure.get("low"), figure.get("high")),
            "n": _sample(figure),
            "threshold": _threshold(figure),
            "verdict": figure.get("verdict") or "",
            "note": figure.get("note") or "",
        }
        for figure in figures
    ]


def _source(path: str) -> str:
    return Path(settings.BASE_DIR, "templates", path).read_text("utf-8")


def _told(chart: Chart) -> dict:
    return {"caption": chart.caption, "text": f"{chart.title}. {chart.text}", "square": chart.wide["width"] < 500}


def _attached(attachments) -> str:
    """Typst that puts each file into the document; names and words are strings, never markup."""
    lines = []
    for number, a in enumerate(attachments):
        place, name, mime, words = map(_quoted, (f"/attached/{number}", a.name, a.mime, a.description))
        lines.append(
            f'#pdf.attach({name}, read({place}, encoding: none), relationship: "data",'
            f" mime-type: {mime}, description: {words})"
        )
    return "\n" + "\n".join(lines)


def _quoted(text: str) -> str:
    """A Typst string: it knows the escapes of JSON for quotes and backslashes."""
    return json.dumps(text, ensure_ascii=False)


def _sample(figure) -> str:
    if figure.get("smallest_group") is not None:
        return f"{numbers.number(figure['smallest_group'])} in the smallest group"
    return numbers.number(figure["n"]) if figure.get("n") is not None else ""


def _threshold(figure) -> str:
    if figure.get("threshold") is None:
        return ""
    word = {"at_least": "at least ", "at_most": "at most "}.get(figure.get("direction"), "")
    return word + numbers.threshold(figure["threshold"])
