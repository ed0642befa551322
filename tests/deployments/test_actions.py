"""Nothing serves without a sign-off that stands: said by the rules, and held by the database."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.approvals import actions as approvals
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.deployments import actions, queries
from apps.deployments.models import Deployment
from apps.projects.models import Project
from tests.approvals import make


def events(thing):
    found = Record.objects.filter(on_type="deployment", on_id=thing.pk).order_by("seq")
    return list(found.values_list("event", flat=True))


def test_what_is_signed_off_serves(acme):
    approval = make.approved(acme)
    deployment = actions.open_deployment(approval, name="screening", by=acme.builder)
    assert (deployment.state, deployment.model_version) == ("serving", approval.model_version)
    assert events(deployment) == ["deployment.opened", "permit.issued"]
    assert queries.deployments(viewer=acme.auditor).get().stands


def test_what_is_only_asked_for_does_not_serve(acme):
    approval = make.asked(acme)
    with pytest.raises(
        ActionDenied, match="may not be deployed: Not yet: every rule passes, and 2 signatures are open"
    ):
        actions.open_deployment(approval, name="screening", by=acme.builder)
    assert not Deployment.objects.exists()


def test_what_went_stale_does_not_serve_and_says_why(acme):
    approval = make.approved(acme)
    Project.objects.filter(pk=acme.project.pk).update(risk_class="limited")
    with pytest.raises(ActionDenied, match="risk class was high and is now limited"):
        actions.open_deployment(approval, name="screening", by=acme.builder)


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor"])
def test_only_builders_deploy(acme, role):
    approval, member = make.approved(acme), acme.members[role]
    acme.enter(member)
    with pytest.raises(NotPermitted, match="Only builders"):
        actions.open_deployment(approval, name="screening", by=member)


def test_a_name_serves_once(acme):
    approval = make.approved(acme)
    first = actions.open_deployment(approval, name="screening", by=acme.builder)
    with pytest.raises(BadInput, match="serves already"):
        actions.open_deployment(approval, name="screening", by=acme.builder)
    actions.stop(first, reason="Moved.", by=acme.builder)
    assert actions.open_deployment(approval, name="screening", by=acme.builder).state == "serving"


def test_stopping_is_final_and_remembered(acme):
    deployment = actions.open_deployment(make.approved(acme), name="screening", by=acme.builder)
    acme.enter(acme.reviewer)
    stopped = actions.stop(deployment, reason="Complaints.", by=acme.reviewer)
    assert (stopped.state, stopped.stop_reason) == ("stopped", "Complaints.")
    assert events(deployment)[2:] == ["deployment.stopped", "permit.revoked"]
    with pytest.raises(ActionDenied, match="You stopped it already"):
        actions.stop(deployment, reason="Again.", by=acme.reviewer)
    acme.enter(acme.auditor)
    with pytest.raises(NotPermitted):
        actions.stop(deployment, reason="Me too.", by=acme.auditor)


def test_revoking_the_sign_off_is_seen_at_once(acme):
    approval = make.approved(acme)
    deployment = actions.open_deployment(approval, name="screening", by=acme.builder)
    acme.enter(acme.reviewer)
    approvals.revoke(approval, reason="Complaints.", by=acme.reviewer)
    found = queries.deployments(viewer=acme.reviewer).get(pk=deployment.pk)
    assert not found.stands and queries.why_it_does_not_stand(found) == ("No: the sign-off was revoked, finally.",)


# Plain SQL, as the web role

OPEN = """
insert into deployments_deployment (organization_id, project_id, name, model_version_id, approval_id, state,
                                    opened_by_id, opened_at, stop_reason)
values (%(organization)s, %(project)s, 'forged', %(version)s, %(approval)s, %(state)s, %(by)s, now(), '')
"""


def forge(approval, by, **forged) -> str:
    values = {"organization": approval.organization_id, "project": approval.project_id, "by": by.pk, "state": "serving",
              "version": approval.model_version_id, "approval": approval.pk} | forged  # fmt: skip
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN, values)
    return str(refusal.value)


def attack(sql, *values) -> str:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refusal.value)


def test_the_database_refuses_an_unsigned_model(acme):
    assert "does not stand" in forge(make.asked(acme), acme.builder)


def test_the_database_refuses_a_stale_sign_off(acme):
    approval = make.approved(acme)
    Project.objects.filter(pk=acme.project.pk).update(closed_at=timezone.now())
    assert "does not stand" in forge(approval, acme.builder)


def test_the_database_refuses_another_model(acme):
    approval, other = make.approved(acme), make.reported(acme, number=2)
    assert "for another model" in forge(approval, acme.builder, version=other.pk)


def test_the_database_refuses_anothers_name_and_a_signers(acme):
    approval = make.approved(acme)
    assert "in another's name" in forge(approval, acme.auditor)
    acme.enter(acme.reviewer)
    assert "Whoever signed" in forge(approval, acme.reviewer)


def test_the_database_refuses_a_deployment_that_begins_stopped(acme):
    assert "begins serving" in forge(make.approved(acme), acme.builder, state="stopped")


def test_a_rival_deploys_nothing_of_ours(acme, rival):
    approval = make.approved(acme)
    rival.enter(rival.builder)
    forged = {"organization": rival.organization.pk, "project": rival.project.pk}
    assert "for another model" in forge(approval, rival.builder, **forged)


@pytest.mark.parametrize(
    "sql",
    ["update deployments_deployment set name = 'x'", "update deployments_deployment set state = 'nonsense'",
     "update deployments_deployment set model_version_id = model_version_id + 1", "delete from deployments_deployment"],
)  # fmt: skip
def test_a_deployment_is_only_ever_stopped(acme, sql):
    actions.open_deployment(make.approved(acme), name="screening", by=acme.builder)
    assert "cannot be" in attack(sql)


def test_what_was_stopped_stays_stopped(acme):
    deployment = actions.open_deployment(make.approved(acme), name="screening", by=acme.builder)
    actions.stop(deployment, reason="Moved.", by=acme.builder)
    assert "stays stopped" in attack("update deployments_deployment set state = 'serving' where id = %s", deployment.pk)
