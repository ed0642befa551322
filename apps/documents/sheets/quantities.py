"""The tables that several documents share: rates by group, rows and columns, what was learned from."""

from apps.common.numbers import number, size
from apps.documents.sheets import parts
from apps.documents.sheets.parts import cell
from apps.reports.models import Provenance

BY_GROUP = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision")
COLUMNS = ["Group", "n", "predicted favourable", "of the reference’s rate", "true positive", "false positive",
           "precision"]  # fmt: skip


NO_RATES = "The figures were submitted from outside, without the rates of each group."


def by_group(item) -> list[dict]:
    """Every factor and intersection of the fairness report, with intervals."""
    return parts.needs(item, lambda result: list(_groups(item.slot, result["detail"])))


def _groups(slot, detail):
    if not detail:
        yield parts.text(NO_RATES)
        return
    for place, attribute in enumerate(detail["attributes"]):
        yield from _attribute(slot, attribute, f"/detail/attributes/{place}")


def _attribute(slot, attribute, at):
    lines = [_group(slot, group, f"{at}/groups/{place}") for place, group in enumerate(attribute["groups"])]
    caption = (
        f"By {attribute['of']}: rates with 95 % intervals and the rows behind them. Ratios are against "
        f"{attribute['reference'] or 'no group'}."
    )
    yield parts.table(caption, COLUMNS, lines)


def _group(slot, group, at):
    note = "no value recorded" if group["missing"] else "" if group["judged"] else "too few to judge"
    return [
        cell(group["group"], note),
        parts.number(group["n"], slot, f"{at}/n"),
        parts.rate(group["selection_rate"], slot, f"{at}/selection_rate"),
        parts.rate(group.get("impact_ratio"), slot, f"{at}/impact_ratio"),
        *(parts.rate(group[name], slot, f"{at}/{name}", with_n=True) for name in BY_GROUP[1:]),
    ]


def answer(item) -> list[dict]:
    """A report's own sentence, and its verdict."""
    return parts.needs(item, lambda said: {
        "verdict": said["verdict"] or "submitted", "text": said["answer"],
        "source": {"slot": item.slot, "at": "/answer"},
    })  # fmt: skip


def caption(item, words: str) -> str:
    """What a table of a report's figures is called: of what was submitted, only that."""
    return words if item.provenance != Provenance.SUBMITTED.label else "As submitted from outside, not recomputed."


def caveats(*items) -> list[dict]:
    """What each report says of its own limits."""
    return [
        {"text": words, "source": {"slot": item.slot, "at": f"/caveats/{place}"}}
        for item in items
        if item.is_current
        for place, words in enumerate(item.content["caveats"])
    ]


def data(item, declaration) -> list[dict]:
    """Which bytes, and what is declared of them."""
    told = parts.needs(item, lambda said: parts.facts([
        ("Data", said["name"]),
        ("File", f"{said['file']}, {size(said['size'])}"),
        ("SHA-256", item.digest),
        ("Rows", number(said["rows"])),
        ("Columns", number(len(said["columns"]))),
        ("Brought in by", item.by),
    ]))  # fmt: skip
    return [*told, *declared(declaration)]


def declared(item) -> list[dict]:
    return parts.needs(item, lambda said: parts.facts([
        ("Target", f"{said['target']}; favourable: {said['favourable']}"),
        ("Sensitive", ", ".join(one["name"] for one in said["sensitive"]) or "nothing was declared sensitive"),
        ("Left out", ", ".join(said["left_out"])),
        ("Read as missing", ", ".join(said["missing"])),
        ("Declared by", item.by),
        ("Declaration", item.digest),
    ]))  # fmt: skip


def profile(item) -> list[dict]:
    """What a worker found in the data."""
    return parts.needs(item, lambda said: [*_findings(item, said), *_balance(item.slot, said)])


def _findings(item, said):
    if not said["findings"]:
        return [parts.text("The profile found nothing that stands out.")]
    return [
        {"text": finding["sentence"], "source": {"slot": item.slot, "at": f"/findings/{place}/sentence"}}
        for place, finding in enumerate(said["findings"])
    ]


def _balance(slot, said):
    if not said["balance"]:
        return []
    return [
        parts.table(
            f"Rows by {by['attribute']}, and the share of them with the favourable outcome, with 95 % intervals.",
            ["Group", "rows", "favourable"],
            [
                [
                    cell(group["group"], "fewer than 30 rows" if group["few"] else ""),
                    parts.number(group["n"], slot, f"/balance/by/{place}/groups/{line}/n"),
                    _share(group, slot, f"/balance/by/{place}/groups/{line}"),
                ]
                for line, group in enumerate(by["groups"])
            ],
        )
        for place, by in enumerate(said["balance"]["by"])
    ]


def _share(group, slot, at):
    found = parts.rate({"value": group["share"], "low": group["low"], "high": group["high"]}, slot, at)
    if "raw" in found:
        found["raw"] = {"share": group["share"], "low": group["low"], "high": group["high"]}
    return found


def training(item) -> list[dict]:
    """How it was made, so that it can be made again."""
    return parts.needs(item, lambda said: parts.facts([
        ("Learns by", said["recipe"]["estimator"].replace("_", " ")),
        ("Sensitive columns as inputs", "yes" if said["recipe"].get("inputs_sensitive") else "no"),
        ("Seed", said["seed"]),
        ("Trained by", f"{said['trained_by']}, {said['trained_at'][:10]}"),
        ("Training run", said["run"]),
        ("Recipe", said["recipe_digest"]),
        ("Code", said["code_version"]),
        ("Libraries", ", ".join(f"{name} {version}" for name, version in sorted(said["libraries"].items()))),
        ("Computed on", _device(said["device"])),
        ("Inputs", f"{len(said['input_schema'])} columns: " + ", ".join(one["name"] for one in said["input_schema"])),
        ("Proved privacy", _privacy(said["privacy"])),
    ]))  # fmt: skip


def _device(facts) -> str:
    return str(facts.get("name") or facts.get("kind", "cpu").upper())


def _privacy(privacy) -> str:
    return "none: trained without differential privacy" if privacy is None else "yes; see the privacy report"
