"""From evidence to a document's content: plain values, with a canonical form, from which the PDF is set."""

from apps.documents.models import DocumentKind
from apps.documents.queries.evidence import SLOTS, Evidence
from apps.documents.sheets import audit, card, datasheet, technical

TITLES = {
    DocumentKind.TECHNICAL_DOCUMENTATION: "Technical documentation of {}",
    DocumentKind.MODEL_CARD: "Model card of {}",
    DocumentKind.DATASHEET: "Datasheet of {}",
    DocumentKind.BIAS_AUDIT: "Bias audit tables of {}",
}
AFTER = {
    DocumentKind.TECHNICAL_DOCUMENTATION: "Regulation (EU) 2024/1689, Art. 11 and Annex IV",
    DocumentKind.MODEL_CARD: "Mitchell and others 2019; Regulation (EU) 2024/1689, Art. 13",
    DocumentKind.DATASHEET: "Gebru and others 2021; Regulation (EU) 2024/1689, Art. 10(2)",
    DocumentKind.BIAS_AUDIT: "New York City Local Law 144; 6 RCNY 5-300 to 5-304",
}
SECTIONS = {
    DocumentKind.TECHNICAL_DOCUMENTATION: technical.sections,
    DocumentKind.MODEL_CARD: card.sections,
    DocumentKind.DATASHEET: datasheet.sections,
}


def content(kind: str, evidence: Evidence, measured: dict | None = None) -> dict:
    """A whole document as plain values: the same from the same evidence, whenever it is written."""
    kind = DocumentKind(kind)
    if kind == DocumentKind.BIAS_AUDIT:
        sections = audit.sections(evidence, measured or {})
    else:
        sections = list(SECTIONS[kind](evidence))
    slots = SLOTS[kind]
    gaps = _gaps(sections)
    named = evidence.subject.get("model") or evidence.subject["dataset"]
    return {
        "assay": "document 1",
        "kind": str(kind),
        "title": TITLES[kind].format(f"{named} v{evidence.subject['version']}"),
        "after": AFTER[kind],
        "subject": evidence.subject,
        "at": evidence.moment(slots),
        "answer": _answer(gaps),
        "gaps": gaps,
        "sections": sections,
        "evidence": [_listed(evidence[slot]) for slot in slots],
        **({"measured": measured} if measured else {}),
    }


def _gaps(sections) -> list[dict]:
    """Each thing that is not there, once, with the sections that lack it."""
    found: dict[str, dict] = {}
    for section in sections:
        for part in section["parts"]:
            if "gap" in part:
                gap = found.setdefault(part["slot"], {"says": part["gap"], "state": part["state"], "sections": []})
                if section["number"] not in gap["sections"]:
                    gap["sections"].append(section["number"])
    return list(found.values())


def _answer(gaps) -> str:
    if not gaps:
        return "Everything it needs is there."
    return f"{len(gaps)} of the things it needs {'is' if len(gaps) == 1 else 'are'} not there; each is named below."


def _listed(item) -> dict:
    return {
        "slot": item.slot, "name": item.name, "kind": item.kind, "state": str(item.state), "id": item.id,
        "digest": item.digest, "provenance": item.provenance, "why": item.why, "sampled": item.sampled, "at": item.at,
    }  # fmt: skip
