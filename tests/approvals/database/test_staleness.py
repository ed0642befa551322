"""Stale by itself: whatever it binds moves, the sign-off stops standing, in the database and in words alike."""

import re

import pytest
from django.db import connection
from django.utils import timezone

from apps.approvals import queries
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.projects.models import Project
from tests.approvals import make
from tests.approvals.database.attacks import rows


def change_project(approval, **fields):
    Project.objects.filter(pk=approval.project_id).update(**fields)


def change_data(approval, **fields):
    DatasetVersion.objects.filter(pk=approval.model_version.dataset_version_id).update(**fields)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: change_project(a, risk_class="limited"), "risk class was high and is now limited"),
        (lambda a: change_project(a, answers={"minors": True}), "answer to “minors”"),
        (lambda a: change_project(a, purpose="Something else."), "purpose was rewritten"),
        (lambda a: change_project(a, closed_at=timezone.now()), "project was closed"),
        (lambda a: change_data(a, withdrawn_at=timezone.now()), "loanapp version 1 was withdrawn"),
        (lambda a: ModelVersion.objects.filter(pk=a.model_version_id).update(retired_at=timezone.now()), "was retired"),
        (
            lambda a: make.report(a.model_version, "fairness", measured=[make.figure("x")]),
            "fairness report .* was superseded",
        ),
        (
            lambda a: rows("update approvals_policyversion set withdrawn_at = now()"),
            "policy high-risk version 1 was withdrawn",
        ),
    ],
)
def test_a_sign_off_goes_stale_by_itself(acme, change, sentence):
    approval = make.approved(acme)
    assert queries.case(queries.approvals(viewer=acme.builder).get()).stands
    change(approval)
    case = queries.case(queries.approvals(viewer=acme.builder).get())
    assert not case.stands and not case.approval.stands and case.status == "stale"
    assert any(re.search(sentence, said) for said in case.changes), case.changes


def test_a_newer_policy_leaves_what_was_signed_under_the_older(acme):
    approval = make.approved(acme)
    acme.enter(acme.owner)
    make.publish(acme, approval.policy_version.source.replace("365", "30"))
    assert queries.case(queries.approvals(viewer=acme.owner).get()).stands


def test_a_report_of_the_same_figures_changes_nothing(acme):
    approval = make.approved(acme)
    make.report(approval.model_version, "fairness")
    assert queries.case(queries.approvals(viewer=acme.builder).get()).stands


def test_a_rival_learns_nothing(acme, rival):
    approval = make.approved(acme)
    rival.enter(rival.owner)
    assert not queries.approvals(viewer=rival.owner).exists()
    assert queries.hands(approval.model_version_id) == {}
    with connection.cursor() as cursor:
        cursor.execute("select approvals_bound(%s, %s), approvals_stands(%s)",
                       [approval.model_version_id, approval.policy_version_id, approval.pk])  # fmt: skip
        assert cursor.fetchone() == (None, False)
