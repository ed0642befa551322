"""Technical documentation after Annex IV of Regulation (EU) 2024/1689, section by section."""

from apps.documents.sheets import parts, quantities
from apps.documents.sheets.parts import section

ANNEX = "AI Act, Annex IV("


def sections(e):
    return [*_general(e), *_making(e), *_working(e), *_around(e)]


def _general(e):
    system = e["system_description"]
    yield section(
        "1", "General description", ANNEX + "1)",
        parts.facts([
            ("Provider’s record", e.subject["organization"]), ("Project", e.subject["project"]),
            ("Model", e.subject["model"]), ("Version", e.subject["version"]), ("SHA-256", e.subject["digest"]),
        ]),
        _risk(e["risk_classification"]),
        parts.words(e["intended_purpose"]),
        parts.words(system),
        parts.words(e["instructions_for_use"]),
    )  # fmt: skip


def _risk(item):
    return parts.needs(item, lambda said: parts.facts([
        ("Risk class", said["risk_class"]),
        ("Answered yes", ", ".join(sorted(name.replace("_", " ") for name, yes in said["answers"].items() if yes))
         or "nothing"),
        ("Answers", item.digest),
    ]))  # fmt: skip


def _making(e):
    design, oversight, security = e["design_rationale"], e["human_oversight_plan"], e["cybersecurity"]
    yield section("2(a)", "Development", ANNEX + "2)(a)", parts.words(design, "steps"),
                  quantities.training(e["training_record"]))  # fmt: skip
    yield section("2(b)", "Design", ANNEX + "2)(b)", parts.words(design, "choices", "alternatives"))
    yield section("2(c)", "Architecture", ANNEX + "2)(c)", parts.words(design, "architecture"))
    yield section(
        "2(d)", "Data", ANNEX + "2)(d); Art. 10",
        parts.heading("Learned from"), quantities.data(e["data"], e["declaration"]),
        quantities.profile(e["profile"]), parts.words(e["datasheet_answers"]),
        parts.heading("Tested on"), quantities.data(e["test_data"], e["test_declaration"]),
    )  # fmt: skip
    yield section("2(e)", "Human oversight", ANNEX + "2)(e); Art. 14", parts.words(oversight),
                  quantities.answer(e["explainability"]))  # fmt: skip
    yield section("2(f)", "Changes planned in advance", ANNEX + "2)(f)", parts.words(e["change_plan"], "planned"))
    yield section("2(g)", "Validation and testing", ANNEX + "2)(g)", *_tests(e))
    yield section("2(h)", "Cybersecurity", ANNEX + "2)(h); Art. 15(5)", parts.words(security),
                  quantities.answer(e["robustness"]), quantities.answer(e["privacy"]))  # fmt: skip


def _tests(e):
    for slot in ("performance", "fairness", "privacy", "explainability", "robustness"):
        item = e[slot]
        yield parts.heading(item.name)
        yield quantities.answer(item)
        if item.is_current:
            when, who = ("Submitted", "Submitted by") if not item.content["verdict"] else ("Finished", "Asked for by")
            told = parts.facts([(when, f"{item.at[:19].replace('T', ' ')} UTC"), (who, item.by),
                                ("SHA-256", item.digest), ("Provenance", item.provenance)])  # fmt: skip
            yield {"slot": slot} | told
            yield parts.figures(item, f"{item.name}: every figure, with interval, sample and limit.")


def _working(e):
    yield section(
        "3", "Monitoring, functioning and control", ANNEX + "3)",
        parts.heading("Accuracy by group"), quantities.by_group(e["fairness"]),
        parts.heading("Unintended outcomes and sources of risk"),
        parts.words(e["impact_assessment-risk"], "unintended"),
        parts.heading("Input"), _inputs(e["training_record"]),
        parts.heading("Limits known to the reports"),
        quantities.caveats(e["performance"], e["fairness"], e["privacy"], e["explainability"]),
    )  # fmt: skip
    yield section("4", "Why these measures", ANNEX + "4)", parts.words(e["metric_rationale"]))


def _inputs(item):
    return parts.needs(item, lambda said: parts.table(
        "What it asks of a row.", ["Input", "Kind", "May be missing"],
        [[parts.cell(one["name"]), parts.cell(one["kind"]), parts.cell("no" if one.get("needed") else "yes")]
         for one in said["input_schema"]], named=3,
    ))  # fmt: skip


def _around(e):
    yield section(
        "5", "Risk management", ANNEX + "5); Art. 9, 27; GDPR, Art. 35",
        parts.heading("Risks"), parts.words(e["impact_assessment-risk"]),
        parts.heading("Fundamental rights"), parts.words(e["impact_assessment-fria"]),
        parts.heading("Data protection"), parts.words(e["impact_assessment-dpia"]),
    )  # fmt: skip
    yield section("6", "Changes through the life cycle", ANNEX + "6)", _version(e),
                  parts.words(e["change_plan"], "outside"))  # fmt: skip
    yield section("7", "Standards", ANNEX + "7)", parts.words(e["standards_list"]))
    yield section("8", "Declaration of conformity", ANNEX + "8); Art. 47", parts.words(e["declaration_of_conformity"]))
    yield section("9", "Monitoring after go-live", ANNEX + "9); Art. 72", parts.words(e["monitoring_plan"]),
                  parts.words(e["retention_policy"]))  # fmt: skip


def _version(e):
    number = e.subject["version"]
    before = f"It follows version {number - 1}." if number > 1 else "It is the first version of this model."
    return parts.text(f"This is version {number}. {before} What differs, the portal shows version by version.")
