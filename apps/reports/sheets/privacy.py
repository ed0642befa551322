"""The privacy report, told: what is proved, what an attack finds."""

from apps.common.charts import Row, interval_chart, line_chart
from apps.common.numbers import number, threshold
from apps.reports.answers import guaranteed
from apps.reports.sheets.parts import Cell, Section, Table, measured, plain

ACCOUNTANTS = (
    ("epsilon", "privacy random variables", "Opacus; Gopi, Lee and Wutschitz 2021"),
    ("epsilon_pld", "privacy loss distributions", "dp-accounting, independent; Koskela and others 2020"),
    ("epsilon_rdp", "Rényi divergences", "Opacus; Mironov 2017, looser by construction"),
)


def sections(result):
    detail = result["detail"]
    yield _guarantee(detail["guarantee"])
    yield _attack(detail, result)


def _guarantee(guarantee):
    if "epsilons" not in guarantee:
        text = (
            guarantee["sentence"],
            "Nothing bounds what the model tells about a row it learned from. The attack below is the only evidence.",
        )
        return Section("What is proved", text)
    words = (guaranteed(guarantee) + " It was recomputed from the recorded mechanism, not read from the run.",)
    if allowed := guarantee["allowed"]:
        words += (
            f"So no attack whatever can reach a membership AUC above {number(allowed['membership_auc'], 3)}, or find "
            f"more than {100 * allowed['membership_tpr']:.1f} % of learned rows at 1 % false alarms.",
        )
    assumptions = tuple(
        (Cell(str(place)), Cell(words)) for place, words in enumerate(guarantee["assumptions"], start=1)
    )
    tables = (
        _accountants(guarantee),
        _mechanism(guarantee),
        Table("What the guarantee assumes.", ("No.", "Assumption"), assumptions, words=2),
    )
    return Section("What is proved", words, tables)


def _accountants(guarantee):
    def shown(epsilon):
        return Cell("none found") if epsilon is None else plain(round(epsilon, 4))

    lines = tuple((Cell(name, note), shown(guarantee["epsilons"][key])) for key, name, note in ACCOUNTANTS)
    if guarantee["claimed"] is not None:
        lines += ((Cell("recorded by the run", "for comparison only"), shown(guarantee["claimed"])),)
    caption = f"Upper bounds of ε at δ = {threshold(guarantee['delta'])}, by three accountants: proofs, not estimates."
    return Table(caption, ("Accountant", "ε at most"), lines)


def _mechanism(guarantee):
    pairs = (
        ("Noise multiplier", number(guarantee["noise"], 3)),
        ("Clipping norm", number(guarantee["clip"])),
        ("Sampling rate of a step (Poisson)", number(guarantee["sample_rate"], 5)),
        ("Steps", number(guarantee["steps"])),
        ("δ", threshold(guarantee["delta"])),
        ("Unit of privacy", "one row of the training data"),
        ("Neighbours", "one row added or removed"),
    )
    lines = tuple((Cell(name), Cell(value)) for name, value in pairs)
    return Table("The mechanism as recorded: DP-SGD.", ("Part", "Value"), lines, words=2)


def _attack(detail, result):
    attacks = detail["attacks"]
    figure = next(figure for figure in result["figures"] if figure["name"] == "membership_auc")
    rows = [
        Row(a["rows"], a["auc"], a["low"], a["high"], n=a["learned"] + a["unseen"], note="too few rows")
        for a in attacks
    ]
    lines = tuple(
        (Cell(a["rows"]), plain(a["learned"]), plain(a["unseen"]), _area(a), measured(a["hits"])) for a in attacks
    )
    text = (
        "The attacker holds the model and a row with its true outcome, and guesses that rows the model is sure about "
        "were learned. Rows learned from are set against rows kept apart; 0.5 is blind guessing.",
    )
    charts = (
        interval_chart(
            rows,
            title="Membership inference",
            caption="Area under the attacker's ROC curve with DeLong's 95 % interval.",
            measured="AUC of the attack",
            limit=figure["threshold"],
            limit_label="at most",
            domain=_around_blind(attacks, figure["threshold"]),
        ),
        Table(
            "The attack on all rows and within each outcome.",
            ("Rows", "learned", "unseen", "AUC", "found at 1 % false alarms"),
            lines,
        ),
        _confidence(detail),
    )
    return Section("What an attack finds", text, charts)


def _area(attack):
    return measured({"value": attack["auc"], "low": attack["low"], "high": attack["high"]})


def _around_blind(attacks, limit):
    """A scale around one half: nobody is interested in an attack worse than blind."""
    known = [value for a in attacks for value in (a["low"], a["high"]) if value is not None]
    least, most = min([*known, 0.48]), max([*known, limit or 0.5, 0.56])
    return [max(0, least - 0.01), min(1, most + 0.01)]


def _confidence(detail):
    learned, unseen = (detail["attacks"][0][side] for side in ("learned", "unseen"))
    curves = {
        side: [((bar["from"] + bar["to"]) / 2, 100 * bar[side]) for bar in detail["confidence"]]
        for side in ("learned", "unseen")
    }
    return line_chart(
        curves,
        title="Confidence on learned and unseen rows",
        caption=f"The model's confidence in the true outcome on rows it learned from (n {number(learned)}) and rows "
        f"kept apart (n {number(unseen)}), in per cent of each. The more the two differ, the more it gives away.",
        x="confidence in the true outcome",
        y="% of rows",
        x_domain=(0, 1),
    )
