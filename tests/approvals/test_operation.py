"""A sign-off falls by itself when a required figure is out of bounds in operation, and does not rise again."""

import json

import pytest

from apps.approvals import actions, queries, rules
from apps.approvals.models import Breach, State
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.reports.models import OperationReport
from tests.approvals import make

pytestmark = pytest.mark.django_db
WIDE = {"value": 0.7, "low": 0.3, "high": 1.2}  # an impact ratio of few people


def case_of(approval, viewer):
    return queries.case(queries.approvals(viewer=viewer).get(pk=approval.pk))


def fair_but(**race):
    return [make.figure("demographic_parity_ratio", "race", **race), *make.figures("fairness")[1:]]


def told(event):
    return list(Record.objects.filter(event=event).order_by("seq"))


# It falls


def test_what_keeps_within_bounds_in_operation_changes_nothing(acme):
    approval = make.approved(acme)
    for kind in ("performance", "fairness"):
        make.operated(approval.model_version, kind)
    case = case_of(approval, acme.builder)
    assert case.stands and case.approval.stands and not case.changes and not Breach.objects.exists()


def test_a_required_figure_out_of_bounds_takes_the_sign_off_down_and_is_named(acme):
    approval = make.approved(acme)
    report = make.operated(approval.model_version, measured=make.unfair())
    case = case_of(approval, acme.builder)
    assert not case.stands and not case.approval.stands and case.status == "stale"
    assert rules.answer(case) == "No longer: it was signed, and in operation a required figure is out of bounds."
    [breach] = Breach.objects.all()
    assert (breach.report, breach.of, breach.approval) == (report, "race", approval)
    [said] = case.changes
    for words in (
        "Rule 6 fails in operation: Impact ratio by race is at least 0.8",
        "0.500 (0.450 to 0.550), n = 597, smallest group 61",
        f"report in operation {report.pk} ({report.digest[:12]}) on june v1",
    ):
        assert words in said, (words, said)


def test_what_cannot_be_told_fells_nothing_and_is_said(acme):
    """Too few people: the value is below the line, and the rule asks for groups of at least 20."""
    approval = make.approved(acme)
    report = make.operated(approval.model_version, measured=fair_but(**WIDE, smallest_group=8))
    assert case_of(approval, acme.builder).stands and not Breach.objects.exists()
    [judged] = queries.judged([report], approval.policy_version.parsed, approval.model_version)
    assert judged.verdict == "inconclusive"
    assert {one.verdict for one in judged.outcomes if one.of == "race" and "ratio" in one.figure} == {"inconclusive"}


def test_a_rule_that_is_waived_fells_nothing_while_the_waiver_is_in_force(acme):
    version = make.reported(acme)
    make.waived(acme, version, rule=6)
    approval = make.signed_off(acme, make.asked_for(acme, version))
    make.operated(version, measured=fair_but(value=0.7, low=0.6, high=0.9))
    assert case_of(approval, acme.builder).stands and not Breach.objects.exists()
    make.operated(version, measured=make.unfair() + fair_but(value=0.3, low=0.2, high=0.4)[:1])
    assert [breach.place for breach in Breach.objects.all()] == [7]  # its lower end is another rule, and is not waived


def test_reports_in_operation_are_no_evidence(acme):
    """A report that is newer and better than the evidence takes its place nowhere."""
    approval = make.approved(acme)
    report = make.operated(approval.model_version)
    version = approval.model_version
    assert report.digest not in {one.digest for one in queries.latest_reports(version)}
    assert queries.bound_now(approval)["reports"] == json.loads(approval.dossier)["reports"]
    assert queries.opened(version)[1] != f"fairness report {report.pk}"
    missing = make.model_version(acme, number=2)
    assert queries.latest_reports(missing) == []


def test_a_request_in_review_falls_too(acme):
    """Of bytes that operate already: asked for again in the last days of a sign-off, or under another number."""
    make.approved(acme)
    again = make.asked_for(acme, make.reported(acme, number=2))
    make.operated(again.model_version, measured=make.unfair())
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="no longer says what is so"):
        make.sign(again, acme.reviewer)
    assert rules.answer(case_of(again, acme.reviewer)).startswith("Not like this: in operation")


def test_the_same_bytes_under_another_number_fall_with_it(acme):
    first = make.approved(acme)
    second = make.approved(acme, number=2)
    assert first.model_version.artifact_digest == second.model_version.artifact_digest
    make.operated(first.model_version, measured=make.unfair())
    assert not case_of(first, acme.builder).stands and not case_of(second, acme.builder).stands


def test_the_record_says_what_broke_and_that_it_fell_once(acme):
    approval = make.approved(acme)
    report = make.operated(approval.model_version, measured=make.unfair())
    assert actions.notice() == 2 and actions.notice() == 0
    acme.enter(acme.builder)
    [broken], [fallen] = told("approval.broken"), told("approval.stale")
    assert (broken.on_id, broken.facts["rule"], broken.facts["of"]) == (approval.pk, 6, "race")
    assert broken.facts["report"] == report.digest and broken.facts["figure"]["n"] == 597
    assert (
        "Rule 6 fails in operation: Impact ratio by race" in broken.facts["reason"]
        and broken.facts["reason"] in fallen.facts["reason"]
    )


def test_the_record_says_what_broke_even_where_the_sign_off_had_fallen_before(acme):
    approval = make.approved(acme)
    make.report(approval.model_version, "fairness", measured=[make.figure("x")])
    assert actions.notice() == 1
    acme.enter(acme.builder)
    make.operated(approval.model_version, measured=make.unfair())
    assert actions.notice() == 1
    acme.enter(acme.builder)
    assert len(told("approval.broken")) == len(told("approval.stale")) == 1


# It does not rise again


def test_a_better_report_later_raises_nothing(acme):
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair())
    make.operated(approval.model_version)
    assert not case_of(approval, acme.builder).stands


def test_two_people_who_resume_it_do_not_raise_it_either(acme):
    approval = make.approved(acme)
    make.suspended(acme, approval)
    make.operated(approval.model_version, measured=make.unfair())
    make.resumed(acme, approval)
    case = case_of(approval, acme.reviewer)
    assert case.suspension is None and not case.stands and not case.approval.stands


def test_nobody_asks_anew_while_it_is_out_of_bounds(acme):
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair())
    acme.enter(acme.builder)
    with pytest.raises(
        ActionDenied, match=r"Rule 6 fails in operation: Impact ratio by race .* Measure again in operation"
    ):
        actions.ask(approval.model_version, note="", by=acme.builder)


def test_the_same_bytes_under_another_number_are_not_asked_for_either(acme):
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair())
    other = make.reported(acme, number=2)
    with pytest.raises(ActionDenied, match="Rule 6 fails in operation: Impact ratio by race"):
        make.asked_for(acme, other)


def test_a_report_that_cannot_tell_does_not_open_the_way(acme):
    """Ten chosen rows show nothing, so they take nothing back."""
    approval = make.approved(acme)
    make.operated(approval.model_version, measured=make.unfair())
    make.operated(approval.model_version, measured=fair_but(**WIDE, smallest_group=3))
    with pytest.raises(ActionDenied, match="Rule 6"):
        make.asked_for(acme, approval.model_version)


def test_once_it_is_mended_it_is_asked_for_anew_and_the_dossier_tells_all_of_it(acme):
    approval = make.approved(acme)
    bad = make.operated(approval.model_version, measured=make.unfair())
    good = make.operated(approval.model_version)
    again = make.asked_for(acme, approval.model_version)
    assert again.state == State.OPEN and not case_of(again, acme.builder).changes
    listed = json.loads(again.dossier)["operation"]
    assert [(one["report"], one["digest"], one["broke"]) for one in listed] == [
        (bad.pk, bad.digest, 1), (good.pk, good.digest, 0)
    ]  # fmt: skip
    assert (listed[0]["dataset"], listed[0]["n"], listed[0]["since"]) == ("june", 812, None)
    assert not case_of(approval, acme.builder).stands  # what fell stays down, whoever signs the next


# Who asks


def test_a_builder_or_a_reviewer_asks_and_it_is_remembered(acme):
    approval = make.approved(acme)
    data = make.brought(approval.model_version)
    for by in (acme.builder, acme.reviewer):
        acme.enter(by)
        reports = actions.measure_in_operation(approval, data, kinds=["performance", "fairness"], by=by)
        assert [report.kind for report in reports] == ["performance", "fairness"]
    assert OperationReport.objects.count() == 2, "asked for twice, measured once"
    first, second = told("operation-report.started")
    assert first.facts["data"] == second.facts["data"] == data.digest and first.by_id == acme.builder.user_id


@pytest.mark.parametrize("role", ["owner", "auditor"])
def test_nobody_else_asks(acme, role):
    approval = make.approved(acme)
    data = make.brought(approval.model_version)
    acme.enter(acme.members[role])
    with pytest.raises(NotPermitted, match="Only builders and reviewers of this organization ask for figures in op"):
        actions.measure_in_operation(approval, data, kinds=["fairness"], by=acme.members[role])
    assert not OperationReport.objects.exists()


def test_only_what_was_signed_off_is_measured_in_operation(acme):
    approval = make.asked(acme)
    data = make.brought(approval.model_version)
    with pytest.raises(ActionDenied, match="was not signed off"):
        actions.measure_in_operation(approval, data, kinds=["fairness"], by=acme.builder)


def test_rows_that_mean_something_else_are_refused_by_field(acme):
    approval = make.approved(acme)
    data = make.brought(approval.model_version, declaration=make.DECLARATION | {"favourable": "0"})
    with pytest.raises(BadInput) as refused:
        actions.measure_in_operation(approval, data, kinds=["fairness"], by=acme.builder)
    assert "declares the favourable value “0”" in refused.value.problems["dataset_version"]
