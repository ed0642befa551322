"""What the portal holds as evidence of each kind, and how coverage moves with it."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.approvals import actions as approvals
from apps.audits import actions as record
from apps.audits import checkpoints
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.controls import actions, queries
from apps.controls.catalogue import KINDS
from apps.controls.models import Judgement, StatedFact
from apps.controls.queries.evidence import NOT_YET_MADE
from apps.controls.rules import Has, Provenance, State
from apps.datasets import actions as datasets
from apps.deployments import actions as deployments
from tests.accounts import make as accounts
from tests.approvals import make as signed
from tests.controls import make
from tests.deployments import make as deployed
from tests.make import project

pytestmark = pytest.mark.django_db


@pytest.fixture
def lending(acme):
    """acme, with its project answered."""
    make.answered(acme)
    return acme


def state(tenant, kind, **options):
    return make.holding(tenant, kind, **options).state


# --- each kind, both ways ------------------------------------------------------------------------------------------


def test_nothing_is_there_at_first_but_the_record_and_the_purpose(acme):
    found = make.coverage(acme)
    there = {kind for kind, holding in found.holdings.items() if holding.state == Has.CURRENT}
    assert there == {"intended_purpose"}
    assert all(holding.gap for kind, holding in found.holdings.items() if kind not in there)
    assert set(found.holdings) == set(KINDS)


def test_the_risk_classification_is_the_answers(acme):
    assert "Nobody has answered" in make.holding(acme, "risk_classification").gap
    make.answered(acme)
    found = make.holding(acme, "risk_classification")
    assert found.state == Has.CURRENT and found.items[0].provenance == Provenance.DECLARED
    before = found.items[0].digest
    make.answered(acme, make.answers("personal_data"))
    assert make.holding(acme, "risk_classification").items[0].digest != before
    acme.project.answers.pop("annex_iii")
    acme.project.save()
    assert "1 of 16" in make.holding(acme, "risk_classification").gap


def test_data_quality_is_a_finished_profile_under_the_declaration(acme):
    assert "no declared data" in make.holding(acme, "data_quality_report").gap
    data = signed.dataset_version(acme)
    assert "no finished profile" in make.holding(acme, "data_quality_report").gap
    make.profile(data, declared=False)
    make.profile(data, state="failed", digest="")
    assert state(acme, "data_quality_report") == Has.MISSING
    made = make.profile(data)
    found = make.holding(acme, "data_quality_report")
    assert (found.state, found.items[0].digest) == (Has.CURRENT, made.digest)


def test_each_dataset_version_needs_its_own_profile(acme):
    learned, tested = signed.dataset_version(acme), signed.dataset_version(acme, number=2)
    make.profile(learned)
    version = signed.model_version(acme, data=learned, test_dataset_version=tested)
    assert "loanapp v2 has no finished profile" in make.holding(acme, "data_quality_report", version=version).gap
    make.profile(tested)
    assert state(acme, "data_quality_report") == Has.CURRENT


def test_lineage_and_training_record_are_what_the_version_binds(acme):
    assert make.holding(acme, "lineage").gap == "There is no model version yet."
    signed.model_version(acme)
    found = make.coverage(acme)
    assert {found.holdings[kind].state for kind in ("lineage", "training_record")} == {Has.CURRENT}
    assert found.holdings["lineage"].items[0].provenance == Provenance.RECOMPUTED


def test_withdrawn_data_makes_lineage_and_its_profile_stale(acme):
    version = signed.model_version(acme)
    make.profile(version.dataset_version)
    acme.enter(acme.builder)
    datasets.withdraw(version.dataset_version, reason="A complaint.", by=acme.builder)
    found = make.coverage(acme)
    assert found.holdings["lineage"].gap == "loanapp v1 was withdrawn."
    assert found.holdings["data_quality_report"].state == Has.STALE


@pytest.mark.parametrize("kind", ["performance", "fairness", "privacy", "explainability"])
def test_each_report_is_evidence_once_finished_and_superseded_by_the_next(acme, kind):
    version = signed.model_version(acme)
    signed.queued(version, kind)
    assert state(acme, f"{kind}_report") == Has.MISSING
    first = signed.report(version, kind)
    assert [item.digest for item in make.holding(acme, f"{kind}_report").items] == [first.digest]
    second = signed.report(version, kind, measured=[])
    assert [item.digest for item in make.holding(acme, f"{kind}_report").items] == [second.digest]


def test_a_report_on_other_bytes_is_stale(acme):
    version = signed.model_version(acme)
    signed.report(version, "fairness", inputs={"artifact": "f" * 64})
    assert make.holding(acme, "fairness_report").gap == "It measured other bytes, ffffffffffff."


def test_a_sign_off_is_evidence_while_it_stands(lending):
    acme = lending
    approval = signed.asked(acme)
    assert "in review: 0 signed" in make.holding(acme, "approval_signature").gap
    acme.enter(acme.reviewer)
    signed.sign(approval, acme.reviewer)
    assert "1 signed" in make.holding(acme, "approval_signature").gap
    acme.enter(acme.second_reviewer)
    signed.sign(approval, acme.second_reviewer, "approved")
    found = make.holding(acme, "approval_signature")
    assert found.state == Has.CURRENT and found.items[0].digest == approval.dossier_digest
    assert found.items[0].valid_until and make.coverage(acme).next_review == found.items[0].valid_until
    acme.enter(acme.reviewer)
    approval.refresh_from_db()
    approvals.revoke(approval, reason="Complaints.", by=acme.reviewer)
    assert make.holding(acme, "approval_signature").gap == "Its sign-off was revoked."


def test_a_new_report_lets_the_sign_off_and_what_rests_on_it_go_stale(lending):
    approval = signed.approved(lending)
    deployments.open_deployment(approval, name="screening", by=lending.builder)
    assert state(lending, "deployment_record") == Has.CURRENT
    signed.report(approval.model_version, "fairness", measured=[])
    assert make.holding(lending, "approval_signature").gap == "Its sign-off no longer stands."
    assert "refuses" in make.holding(lending, "deployment_record").gap
    assert make.clause(lending, "RMF-GV-2.3").state == State.STALE


def test_a_stopped_deployment_is_the_record_of_its_end_once_the_version_is_retired(lending):
    approval = signed.approved(lending)
    running = deployments.open_deployment(approval, name="screening", by=lending.builder)
    deployments.stop(running, reason="Replaced.", by=lending.builder)
    assert "was stopped on" in make.holding(lending, "deployment_record").gap
    version = approval.model_version
    type(version).objects.filter(pk=version.pk).update(retired_at=timezone.now(), retired_by=lending.builder)
    version.refresh_from_db()
    assert state(lending, "deployment_record", version=version) == Has.CURRENT


def test_the_retention_policy_is_the_published_schedule(acme):
    assert "No owner has published" in make.holding(acme, "retention_policy").gap
    acme.enter(acme.owner)
    made = actions.propose_schedule(periods={"data": 30}, maximum_personal=None, by=acme.owner)
    assert make.holding(acme, "retention_policy").state == Has.MISSING
    acme.enter(acme.reviewer)
    actions.publish_schedule(made, by=acme.reviewer)
    assert make.holding(acme, "retention_policy").items[0].digest == made.digest


def _as_of(moment, ask):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: moment)
        return ask()


def test_the_audit_log_is_a_signed_checkpoint_of_a_verified_record(acme):
    assert "No checkpoint" in make.holding(acme, "audit_log").gap
    made = checkpoints.make(acme.organization.pk)
    assert "Nobody has verified" in make.holding(acme, "audit_log").gap
    record.verify(by=acme.auditor)
    found = make.holding(acme, "audit_log")
    assert (found.state, found.items[0].digest) == (Has.CURRENT, made.root_hex)
    late = timezone.now() + timedelta(days=91)
    assert "in the last 90 days" in _as_of(late, lambda: make.holding(acme, "audit_log").gap)


def test_the_access_review_is_the_last_finished_one(acme):
    assert "No review of who has access" in make.holding(acme, "access_review").gap
    review = accounts.reviewed(acme)
    found = make.holding(acme, "access_review")
    assert found.state == Has.CURRENT and found.items[0].url == review.get_absolute_url()
    late = timezone.now() + timedelta(days=91)
    assert "was due on" in _as_of(late, lambda: make.holding(acme, "access_review").gap)


def test_a_stop_that_was_not_tried_in_time_fails_what_asks_for_it(lending):
    approval = signed.approved(lending)
    deployment = deployments.open_deployment(approval, name="screening", by=lending.builder)
    version = approval.model_version

    def gaps():
        asked = make.clause(lending, "AIA-14-STOP", version=version).holdings
        return [holding.gap for holding in asked if holding.kind == "deployment_record"]

    late = timezone.now() + timedelta(days=181)
    assert gaps() == [""]
    assert "was to be tried by" in _as_of(late, gaps)[0]
    assert make.holding(lending, "deployment_record", version=version).state == Has.CURRENT  # no other clause falls
    deployed.tried(lending, deployment)
    soon = timezone.now() + timedelta(days=179)
    assert _as_of(soon, gaps) == [""]


def test_what_the_portal_cannot_make_is_missing_and_said(lending):
    signed.approved(lending)
    found = make.coverage(lending)
    for kind in NOT_YET_MADE:
        assert found.holdings[kind].state == Has.MISSING and " yet." in found.holdings[kind].gap


# --- clauses ------------------------------------------------------------------------------------------------------


def test_an_unanswered_project_says_so_of_each_clause_that_reads_an_answer(acme):
    found = make.coverage(acme)
    assert found.counts[State.UNANSWERED] > 50
    assert all(each.unanswered for each in found.clauses if each.state == State.UNANSWERED)


def test_removing_any_report_opens_a_gap(lending):
    signed.approved(lending)
    full = make.coverage(lending)
    assert make.clause(lending, "RMF-MS-2.11").state == State.SATISFIED
    lacking = signed.reported(lending, number=2, without=("fairness",))
    assert make.clause(lending, "RMF-MS-2.11", version=lacking).state == State.MISSING
    assert len(make.coverage(lending, version=lacking).gaps) != len(full.gaps)


def test_a_waived_rule_waives_the_evidence_it_asks_for(lending):
    version = signed.reported(lending, without=("fairness",))
    assert make.clause(lending, "RMF-MS-2.11").state == State.MISSING
    signed.waived(lending, version, rule=2)  # the fairness report must be there
    found = make.clause(lending, "RMF-MS-2.11")
    assert found.state == State.WAIVED and found.waiver.owner == "Second Reviewer" and found.gaps
    signed.waived(lending, version, rule=5)  # a figure's limit: no evidence
    assert make.clause(lending, "RMF-MS-2.12").state == State.MISSING
    assert make.clause(lending, "RMF-MS-2.11", version=signed.model_version(lending, number=2)).state == State.MISSING


def test_a_gate_that_has_not_come_asks_for_nothing_yet(lending):
    assert make.clause(lending, "RMF-MS-2.11").state == State.LATER
    signed.model_version(lending)
    assert make.clause(lending, "RMF-MS-2.11").state == State.MISSING
    assert make.clause(lending, "RMF-MS-2.4").state == State.LATER


def test_the_law_of_a_later_day_is_not_due_yet(lending):
    signed.model_version(lending)
    found = make.clause(lending, "AIA-09-RMS")
    assert found.state == State.LATER and "2 December 2027" in found.why and found.gaps
    after = found.control.applies_from + timedelta(days=1)
    assert make.clause(lending, "AIA-09-RMS", today=after).state == State.MISSING
    assert make.coverage(lending).next_due == found.control.applies_from


# --- words of people ----------------------------------------------------------------------------------------------


def test_facts_are_stated_once_each_and_remembered(lending):
    acme = lending.enter(lending.builder)
    assert make.clause(acme, "GDPR-33").state == State.UNANSWERED
    acme.enter(acme.builder)
    actions.state_facts(acme.project, answers={"personal_data_breach": False}, by=acme.builder)
    actions.state_facts(acme.project, answers={"personal_data_breach": False}, by=acme.builder)
    assert StatedFact.objects.count() == 1
    assert Record.objects.filter(event="fact.stated").count() == 1
    assert make.clause(acme, "GDPR-33").state == State.NOT_APPLICABLE
    acme.enter(acme.builder)
    actions.state_facts(acme.project, answers={"personal_data_breach": True}, by=acme.builder)
    assert make.clause(acme, "GDPR-33").state != State.NOT_APPLICABLE


def test_facts_that_cannot_be_and_people_who_may_not(lending):
    acme = lending.enter(lending.builder)
    with pytest.raises(BadInput):
        actions.state_facts(acme.project, answers={"aedt_scores": True}, by=acme.builder)
    with pytest.raises(NotPermitted):
        actions.state_facts(acme.project, answers={"serious_incident": True}, by=acme.enter(acme.auditor).auditor)


def test_a_framework_is_left_out_with_a_reason(lending):
    acme = lending.enter(lending.owner)
    with pytest.raises(BadInput, match="Say why"):
        actions.choose_framework("iso-42001", followed=False, by=acme.owner)
    actions.choose_framework("iso-42001", followed=False, reason="Not certified.", by=acme.owner)
    assert "iso-42001" not in {each.control.framework for each in make.coverage(acme).clauses}
    acme.enter(acme.owner)
    actions.choose_framework("iso-42001", followed=True, by=acme.owner)
    assert "iso-42001" in {each.control.framework for each in make.coverage(acme).clauses}
    with pytest.raises(NotPermitted):
        actions.choose_framework("gdpr", followed=False, reason="x", by=acme.enter(acme.builder).builder)
    with pytest.raises(BadInput, match="no framework"):
        actions.choose_framework("gdpr2", followed=True, by=acme.enter(acme.owner).owner)


def judged(acme, control="RMF-MS-2.11", by=None, **options):
    by = by or acme.reviewer
    found = make.clause(acme, control)
    acme.enter(by)
    options = {"adequate": True, "reason": "Read in full.", "evidence_digest": found.evidence_digest} | options
    return actions.judge(acme.project, control, by=by, **options)


def test_a_reviewer_judges_and_the_word_falls_with_the_evidence(lending):
    version = signed.reported(lending)
    judged(lending)
    assert make.clause(lending, "RMF-MS-2.11").judgement.by == "Reviewer"
    assert Record.objects.filter(event="evidence.judged").count() == 1
    signed.report(version, "fairness", measured=[])
    found = make.clause(lending, "RMF-MS-2.11")
    assert found.judgement is None and found.fallen.reason == "Read in full."


def test_a_judgement_is_of_one_version(lending):
    signed.reported(lending)
    judged(lending)
    signed.reported(lending, number=2)
    found = make.clause(lending, "RMF-MS-2.11")
    assert found.judgement is None and found.fallen is None


def test_judgements_that_are_refused(lending):
    acme = lending
    with pytest.raises(ActionDenied, match="no evidence to judge"):
        judged(acme)
    signed.reported(acme)
    with pytest.raises(ActionDenied, match="changed after you opened"):
        judged(acme, evidence_digest="0" * 64)
    with pytest.raises(BadInput, match="Say why"):
        judged(acme, reason=" ")
    with pytest.raises(NotPermitted):
        judged(acme, by=acme.builder)
    with pytest.raises(ActionDenied, match="does not apply"):
        judged(acme, control="LL144-SCOPE")
    with pytest.raises(BadInput, match="no clause"):
        actions.judge(acme.project, "X", adequate=True, reason="x", evidence_digest="", by=acme.reviewer)


@pytest.mark.parametrize(
    "attack",
    [
        "update controls_judgement set adequate = false",
        "delete from controls_judgement",
        "truncate controls_judgement",
        "update controls_statedfact set answer = true",
        "insert into controls_judgement (organization_id, project_id, control, model_version_id, adequate, reason,"
        " evidence_digest, by_id, at) select organization_id, project_id, control, model_version_id, true, 'x', '',"
        " {builder}, now() from controls_judgement",
        "insert into controls_judgement (organization_id, project_id, control, model_version_id, adequate, reason,"
        " evidence_digest, by_id, at) select organization_id, project_id, control, model_version_id, true, ' ', '',"
        " by_id, now() from controls_judgement",
        "insert into controls_judgement (organization_id, project_id, control, model_version_id, adequate, reason,"
        " evidence_digest, by_id, at) select organization_id, project_id, control, model_version_id, true, 'x', '',"
        " {second}, now() from controls_judgement",
        "insert into controls_frameworkchoice (organization_id, framework, followed, reason, catalogue_digest, by_id,"
        " at) select organization_id, 'gdpr', false, 'x', '', by_id, now() from controls_judgement",
        "insert into controls_retentionschedule (organization_id, number, body, digest, by_id, at)"
        " select organization_id, 9, '{{}}', '', by_id, now() from controls_judgement",
    ],
)
def test_plain_sql_changes_no_word_and_speaks_for_nobody(lending, attack):
    signed.reported(lending)
    actions.state_facts(lending.project, answers={"serious_incident": False}, by=lending.enter(lending.builder).builder)
    judged(lending)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack.format(builder=lending.builder.pk, second=lending.second_reviewer.pk))


def test_who_built_a_model_does_not_judge_it_even_in_plain_sql(lending):
    version = signed.reported(lending, by=lending.reviewer)  # a reviewer who trained it, by whatever way
    with pytest.raises(ActionDenied, match="had no hand"):
        judged(lending)
    with pytest.raises(DatabaseError), transaction.atomic():
        Judgement.objects.create(
            organization=lending.organization, project=lending.project, control="AIA-05", model_version=version,
            adequate=True, reason="x", evidence_digest="0" * 64, by=lending.reviewer,
        )  # fmt: skip


# --- another organization, and many --------------------------------------------------------------------------------


def test_another_organization_sees_none_of_it(lending, rival):
    signed.approved(lending)
    judged(lending)
    rival.enter(rival.owner)
    found = make.coverage(rival)
    assert found.holdings["fairness_report"].state == Has.MISSING and found.subject.version is None
    assert queries.versions(viewer=rival.owner, project=lending.project).count() == 0
    assert not Judgement.objects.exists()


def test_as_many_statements_for_many_models_as_for_one(lending, django_assert_max_num_queries):
    signed.approved(lending)
    rows = [lending.project]
    for number in range(4):
        rows.append(project(lending.builder, slug=f"other-{number}"))
        signed.reported(lending, number=number + 2)
    lending.enter(lending.auditor)
    with django_assert_max_num_queries(15):
        subjects = queries.subjects(viewer=lending.auditor, projects=rows)
        found = queries.coverages(viewer=lending.auditor, subjects=subjects)
    assert len(found) == 5
