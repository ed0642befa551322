"""The model card: the nine sections of Mitchell and others 2019. Its numbers are those of the reports."""

from apps.documents.sheets import parts, quantities
from apps.documents.sheets.parts import section

MITCHELL = "Mitchell and others 2019, "


def sections(e):
    notes, purpose = e["model_card_notes"], e["intended_purpose"]
    return [
        section("1", "Model details", MITCHELL + "4.1", _details(e), quantities.training(e["training_record"]),
                parts.words(notes, "contact")),
        section("2", "Intended use", MITCHELL + "4.2", parts.words(purpose),
                parts.words(notes, "out_of_scope")),
        section("3", "Factors", MITCHELL + "4.3", parts.words(notes, "factors"), _factors(e["declaration"])),
        section("4", "Metrics", MITCHELL + "4.4", parts.words(notes, "metrics"), _limits(e)),
        section("5", "Evaluation data", MITCHELL + "4.5", quantities.data(e["test_data"], e["test_declaration"])),
        section("6", "Training data", MITCHELL + "4.6", quantities.data(e["data"], e["declaration"]),
                quantities.profile(e["profile"]), parts.words(e["datasheet_answers"], "purpose", "sample", "unfit")),
        section("7", "Quantitative analyses", MITCHELL + "4.7", *_analyses(e)),
        section("8", "Ethical considerations", MITCHELL + "4.8", parts.words(notes, "ethics"),
                quantities.answer(e["privacy"])),
        section("9", "Caveats and recommendations", MITCHELL + "4.9", parts.words(notes, "caveats"),
                quantities.caveats(e["performance"], e["fairness"], e["privacy"], e["explainability"])),
    ]  # fmt: skip


def _details(e):
    return parts.facts([
        ("Made by", e.subject["organization"]),
        ("Model", e.subject["model"]),
        ("Version", e.subject["version"]),
        ("SHA-256", e.subject["digest"]),
    ])  # fmt: skip


def _factors(declaration):
    return parts.needs(declaration, lambda said: parts.facts([
        ("Compared", ", ".join(one["name"] for one in said["sensitive"]) or "nothing was declared sensitive"),
    ]))  # fmt: skip


def _limits(e):
    """What each report was held to, where there is one; the gaps are printed beside the figures themselves."""
    return [
        {"text": f"{e[slot].name}: {words}", "source": {"slot": slot, "at": f"/method/{name}"}}
        for slot in ("performance", "fairness")
        if e[slot].is_current
        for name, words in e[slot].content["method"].items()
        if isinstance(words, str)
    ]


def _analyses(e):
    yield parts.heading("All rows")
    yield quantities.answer(e["performance"])
    if e["performance"].is_current:
        yield parts.figures(
            e["performance"], quantities.caption(e["performance"], "Performance on rows it had not seen.")
        )
    yield parts.heading("By factor and intersection")
    yield quantities.answer(e["fairness"])
    if e["fairness"].is_current:
        words = "Differences and ratios between groups; n is that of the smallest group."
        yield parts.figures(e["fairness"], quantities.caption(e["fairness"], words))
        yield quantities.by_group(e["fairness"])
    yield parts.heading("What moves its answers")
    yield quantities.answer(e["explainability"])
