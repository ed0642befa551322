"""What Python says of the gates and what the database says of them is the same, whatever a report may hold."""

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.approvals import queries
from apps.approvals.gates.decide import overall
from tests.approvals import make

pytestmark = pytest.mark.django_db
HOW = ("holm", "bonferroni", None)
FIGURES = {"demographic_parity_ratio": ("at_least", "lower"), "equal_opportunity_difference": ("at_most", "upper")}
START = "name: p\nrisk_class: high\nvalid_days: 9\nsigners: [{role: reviewer, meaning: approved}]\n"
OURS, FOREIGN = "recomputed by the portal", "submitted from outside"
ENDS = ("low", "value", "high")

share = st.floats(0.01, 1).map(lambda x: round(x, 2))
sound = st.lists(share, min_size=3, max_size=3).map(lambda three: dict(zip(ENDS, sorted(three), strict=True)))
odd = st.fixed_dictionaries(dict.fromkeys(ENDS, st.none() | share))
good = st.tuples(sound, st.just(50), st.just(60))
bad = st.tuples(sound | odd, st.sampled_from([None, 0, 50]), st.sampled_from([None, 10, 60]))
some = st.one_of(*[st.lists(good, min_size=1, max_size=1)] * 5, st.lists(good | bad, max_size=2))


def measured(by_attribute: dict[str, list], name: str) -> list[dict]:
    return [
        {"name": name, "of": of, **ends, "n": n, "smallest_group": smallest}
        for of, many in by_attribute.items()
        for ends, n, smallest in many
    ]


def policy_text(name: str, how: str | None, line: float, wants: str | None) -> str:
    word, bound = FIGURES[name]
    more = "".join(f", {key}: {value}" for key, value in {"correction": how, "provenance": wants}.items() if value)
    limit = line if word == "at_least" else round(1 - line, 2)
    rule = f"report: fairness, figure: {name}, of: '*', bound: {bound}, {word}: {limit}, minimum_group_size: 20{more}"
    return f"{START}rules:\n  - {{{rule}}}\n"


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    race=some, sex=some, how=st.sampled_from(HOW), name=st.sampled_from(sorted(FIGURES)),
    line=st.sampled_from([0.02, 0.05, 0.2, 0.5]), wants=st.sampled_from([None, None, None, "recomputed", "submitted"]),
    order=st.sampled_from([[OURS], [OURS], [OURS], [FOREIGN], [FOREIGN, FOREIGN], [OURS, FOREIGN], [FOREIGN, OURS]]),
    other=some,
)  # fmt: skip
def agree(acme, heard, race, sex, how, name, line, wants, order, other):
    with transaction.atomic():
        acme.enter(acme.owner)
        policy = make.publish(acme, policy_text(name, how, line, wants))
        version = make.model_version(acme)
        told = [measured({"race": race, "sex": sex}, name), measured({"race": other, "sex": other}, name)]
        for provenance, figures in zip(order, told, strict=False):
            make.report(version, "fairness", measured=figures, provenance=provenance)
        with connection.cursor() as cursor:
            cursor.execute("select approvals_gates_hold(%s, %s)", [version.pk, policy.pk])
            (in_sql,) = cursor.fetchone()
        gates = queries.gates(version, policy.parsed, queries.latest_reports(version), timezone.now())
        transaction.set_rollback(True)
    assert in_sql == (overall(gates) == "pass")
    heard.append((in_sql, how, name))


def test_python_and_sql_agree(acme):
    heard: list[tuple] = []
    agree(acme, heard)
    assert {(held, how) for held in (True, False) for how in HOW} <= {(held, how) for held, how, _ in heard}
    assert {(held, name) for held in (True, False) for name in FIGURES} <= {(held, name) for held, _, name in heard}
    assert sum(held for held, *_ in heard) > 40, "a test of refusals alone would prove little"
