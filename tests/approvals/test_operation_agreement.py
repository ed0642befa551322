"""What Python says of a report in operation, rule by rule, and what the database says of it is the same."""

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.approvals import queries
from tests.approvals import make
from tests.approvals.test_agreement import FIGURES, HOW, START, measured, some

pytestmark = pytest.mark.django_db
RATIO, GAP = sorted(FIGURES)


def policy_text(how: str | None, line: float, family: bool, exact: bool) -> str:
    more = f", correction: {how}" if how else ""
    more += ", family: together" if how and family else ""
    bound = {"at_least": "lower", "at_most": "upper"}
    rules = [
        f"report: fairness, figure: {name}, of: '*', bound: {'value' if exact and not how else bound[word]}, "
        f"{word}: {line if word == 'at_least' else round(1 - line, 2)}, minimum_group_size: 20{more}"
        for name, (word, _) in sorted(FIGURES.items())
    ]
    listed = "".join(f"  - {{{rule}}}\n" for rule in rules)
    return f"{START}rules:\n{listed}"


def said(outcomes) -> dict:
    """Each comparison, by the worst that is said of it: what is not measured decides nothing."""
    found: dict = {}
    for one in outcomes:
        found.setdefault((one.place, one.of), set()).add(one.verdict)
    return {
        key: "fail" if "fail" in verdicts else "pass" if verdicts == {"pass"} else "inconclusive"
        for key, verdicts in found.items()
    }


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    race=some, sex=some, other=some, how=st.sampled_from(HOW), line=st.sampled_from([0.05, 0.3, 0.7, 0.95]),
    family=st.booleans(), exact=st.booleans(),
)  # fmt: skip
def agree(acme, approval, heard, race, sex, other, how, line, family, exact):
    with transaction.atomic():
        policy = make.publish(acme, policy_text(how, line, family, exact))
        acme.enter(acme.builder)
        version = approval.model_version
        figures = measured({"race": race, "sex": sex}, RATIO) + measured({"race": other, "sex": sex}, GAP)
        report = make.operated(version, measured=figures)
        with connection.cursor() as cursor:
            cursor.execute(
                'select place, "of", verdict from approvals_in_operation(%s, %s, %s)',
                [report.pk, version.pk, policy.pk],
            )
            in_sql = {(place, of): verdict for place, of, verdict in cursor.fetchall()}
        [judged] = queries.judged([report], policy.parsed, version)
        transaction.set_rollback(True)
    assert in_sql == said(judged.outcomes)
    heard.extend((verdict, how) for verdict in in_sql.values())


def test_python_and_sql_agree_about_operation(acme):
    approval = make.approved(acme)
    heard: list[tuple] = []
    agree(acme, approval, heard)
    assert {(verdict, how) for verdict in ("pass", "fail", "inconclusive") for how in HOW} <= set(heard)
    assert sum(verdict == "fail" for verdict, _ in heard) > 60
