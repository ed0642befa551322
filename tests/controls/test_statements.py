"""Statements and documents as evidence: of this version, its data or its project, while they may be relied on."""

import datetime as dt

import pytest
from django.utils import timezone

from apps.controls.rules import Has, Provenance, State
from apps.documents import actions as documents
from apps.documents import queries as written
from apps.documents.models import Document
from tests.approvals import make as signed
from tests.controls import make
from tests.documents.make import stated

pytestmark = pytest.mark.django_db
TODAY = timezone.now().date()


@pytest.fixture
def version(acme):
    make.answered(acme)
    made = signed.reported(acme)
    acme.enter(acme.builder)
    return made


def document(version, kind="model_card", at=None, **fields) -> Document:
    about = {"model_version": version} if kind != "dataset_datasheet" else {"dataset_version": version.dataset_version}
    return Document.objects.create(
        organization=version.organization, project=version.project, kind=kind, state="finished",
        finished_at=at or timezone.now(), digest="d" * 64, body_digest="e" * 64, started_by=version.trained_by,
        **about, **fields,
    )  # fmt: skip


def assessed(clause) -> bool:
    """Whether an impact assessment is among its gaps."""
    return any(held.kind == "impact_assessment" for held, _ in clause.gaps)


@pytest.mark.parametrize("kind", ["human_oversight_plan", "monitoring_plan"])
def test_a_plan_is_evidence_until_it_is_withdrawn(acme, version, kind):
    assert make.holding(acme, kind).state == Has.MISSING
    acme.enter(acme.builder)
    made = stated(acme, kind)
    held = make.holding(acme, kind)
    assert (held.state, held.items[0].digest, held.items[0].provenance) == (
        Has.CURRENT,
        made.digest,
        Provenance.DECLARED,
    )
    acme.enter(acme.builder)
    documents.withdraw(written.statements(acme.project).get(pk=made.pk), reason="Wrong.", by=acme.builder)
    assert "was withdrawn on" in make.holding(acme, kind).gap


def test_what_supersedes_a_statement_stands_in_its_place(acme, version):
    first, second = stated(acme, "monitoring_plan"), stated(acme, "monitoring_plan", saying="Better.")
    digests = [item.digest for item in make.holding(acme, "monitoring_plan").items]
    assert digests == [second.digest] and first.digest not in digests


def test_what_has_run_out_is_stale(acme, version):
    stated(acme, "monitoring_plan", until=TODAY)
    assert make.holding(acme, "monitoring_plan").items[0].valid_until == TODAY
    assert make.coverage(acme).next_review == TODAY
    item = make.holding(acme, "monitoring_plan").items[0]
    assert item.why_not_current == ""


def test_each_clause_asks_for_its_own_assessment(acme, version):
    after = dt.date(2028, 1, 1)
    stated(acme, "impact_assessment-risk")
    dpia = make.clause(acme, "GDPR-35-1", today=after)
    assert dpia.state != State.SATISFIED
    assert [held.kind for held, _ in dpia.gaps if held.kind == "impact_assessment"] == ["impact_assessment"]
    acme.enter(acme.builder)
    stated(acme, "impact_assessment-dpia")
    assert not [
        held for held, _ in make.clause(acme, "GDPR-35-1", today=after).gaps if held.kind == "impact_assessment"
    ]
    assert [held for held, _ in make.clause(acme, "AIA-27", today=after).gaps if held.kind == "impact_assessment"]


@pytest.mark.parametrize("kind", ["model_card", "technical_documentation"])
def test_a_document_is_evidence_of_its_version_until_what_it_cites_is_newer(acme, version, kind):
    assert make.holding(acme, kind).state == Has.MISSING
    acme.enter(acme.builder)
    document(version, kind)
    held = make.holding(acme, kind)
    assert (held.state, held.items[0].provenance) == (Has.CURRENT, Provenance.RECOMPUTED)
    signed.report(version, "fairness", measured=[], finished_at=timezone.now() + dt.timedelta(seconds=5))
    assert "is newer than it" in make.holding(acme, kind).gap
    other = signed.model_version(acme, number=2)
    assert make.holding(acme, kind, version=other).state == Has.MISSING


def test_a_document_that_says_it_has_gaps_is_not_current(acme, version):
    document(version, gaps=["No one has said who oversees it."])
    assert "No one has said who oversees it." in make.holding(acme, "model_card").gap


def test_the_datasheet_belongs_to_the_data(acme, version):
    document(version, "dataset_datasheet")
    assert make.holding(acme, "dataset_datasheet").state == Has.CURRENT
    assert make.holding(acme, "dataset_datasheet", version=signed.model_version(acme, number=2)).state == Has.MISSING


def test_another_organizations_words_are_nobodys_evidence(acme, rival, version):
    stated(acme, "monitoring_plan")
    make.answered(rival.enter(rival.builder))
    assert make.holding(rival, "monitoring_plan").state == Has.MISSING
