"""WF-INC-4: what is kept as evidence is not altered until two people have signed; taking it out of service is allowed.
Said by the rules, held by the database."""

import pytest

from apps.approvals.actions import suspensions
from apps.audits.models import LegalHold
from apps.common.errors import ActionDenied, WorkProblem
from apps.controls import actions as controls
from apps.deployments import actions as deployments
from apps.models import actions as models
from apps.training import actions as training
from apps.training.models import TrainingRun
from tests.approvals import make as approvals
from tests.approvals.database.attacks import attack
from tests.incidents import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(acme):
    """(deployment, incident): what serves has led to a serious incident."""
    approval = approvals.approved(acme)
    deployment = deployments.open_deployment(approval, name="screening", by=acme.builder)
    incident = make.reported(acme, [approval.model_version], **make.SERIOUS)
    acme.enter(acme.builder)
    return deployment, incident


def launch(acme, deployment, model="screening"):
    data = deployment.model_version.dataset_version
    return training.launch(
        acme.project, model=model, dataset_version=data, recipe={"estimator": "logistic"}, by=acme.builder
    )


def test_it_is_not_trained_anew_and_other_models_are(acme, held):
    deployment, incident = held
    with pytest.raises(ActionDenied, match=f"Incident {incident.pk} keeps it as evidence"):
        launch(acme, deployment)
    assert launch(acme, deployment, model="another").model.name == "another"
    forged = (
        "insert into training_trainingrun select (jsonb_populate_record(r, jsonb_build_object('id', 10 ^ 9, 'model_id',"
        " %s::bigint))).* from training_trainingrun r"
    )
    assert "kept as evidence" in attack(forged, deployment.model_version.model_id)


def test_a_run_that_was_under_way_adds_no_version(acme, held):
    version = held[0].model_version
    run = TrainingRun(
        organization=acme.organization, project=acme.project, model=version.model, started_by=acme.builder,
        dataset_version=version.dataset_version, recipe={"estimator": "logistic"},
    )  # fmt: skip
    with pytest.raises(WorkProblem, match="keeps it as evidence"):
        training.keep(run, history=[], privacy=None)
    with pytest.raises(ActionDenied, match="keeps it as evidence"):
        models.register(
            version.model, files={}, recipe={"seed": 0}, dataset_version=version.dataset_version,
            trained_by=acme.builder, run_id=77,
        )  # fmt: skip


def test_it_is_not_retired(acme, held):
    deployment, _ = held
    with pytest.raises(ActionDenied, match="keeps it as evidence"):
        models.retire(deployment.model_version, reason="Old.", by=acme.builder)
    retire = "update models_modelversion set retired_at = now(), retired_by_id = %s, retired_reason = 'x' where id = %s"
    assert "kept as evidence" in attack(retire, acme.builder.pk, deployment.model_version_id)
    assert "kept as evidence" in attack(
        "insert into models_modelversion select (jsonb_populate_record(v, jsonb_build_object('id', 10 ^ 9, 'number',"
        " 99, 'run_id', 10 ^ 9))).* from models_modelversion v where v.id = %s", deployment.model_version_id
    )  # fmt: skip


def test_what_serves_may_be_stopped_and_is_not_replaced(acme, held):
    deployment, _ = held
    suspensions.suspend(deployment.approval, reason="It is looked into.", by=acme.builder)
    assert deployments.stop(deployment, reason="It is looked into.", by=acme.builder).state == "stopped"
    with pytest.raises(ActionDenied, match="may not be deployed"):  # its sign-off fell with the incident
        deployments.open_deployment(deployment.approval, name="again", by=acme.builder)


def test_another_version_of_the_model_takes_no_ones_place(acme):
    first = approvals.approved(acme)
    second = approvals.approved(acme, number=2)
    incident = make.reported(acme, [first.model_version], **make.SERIOUS)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match=f"Incident {incident.pk} keeps it as evidence"):
        deployments.open_deployment(second, name="in-its-place", by=acme.builder)
    forged = (
        "insert into deployments_deployment (organization_id, project_id, name, model_version_id, approval_id, state,"
        " limits, opened_by_id, opened_at, stop_reason) values (%s, %s, 'x', %s, %s, 'serving', '{}', %s, now(), '')"
    )
    where = (acme.organization.pk, acme.project.pk, second.model_version_id, second.pk, acme.builder.pk)
    assert "kept as evidence" in attack(forged, *where)
    make.told(acme, incident)
    make.released(acme, incident)
    acme.enter(acme.builder)
    assert deployments.open_deployment(second, name="in-its-place", by=acme.builder).state == "serving"


def test_nothing_of_the_project_is_disposed_of(acme, held):
    acme.enter(acme.owner)
    version = held[0].model_version.dataset_version
    version.withdrawn_at = version.uploaded_at
    reason = controls.disposal.why_not_dispose(version, None, list(LegalHold.objects.all()), None)
    assert f"serious incident {held[1].pk}" in reason and "nothing is disposed of" in reason


def test_no_sign_off_is_planted_while_it_is_held(acme, held):
    from tests.approvals.database.attacks import ask, question

    version = held[0].model_version
    with pytest.raises(Exception, match="kept as evidence"):
        ask(question(acme, version, approvals.policy(acme)))


def test_after_the_release_it_is_altered_as_usual(acme, held):
    deployment, incident = held
    make.told(acme, incident)
    make.released(acme, incident)
    acme.enter(acme.builder)
    assert launch(acme, deployment).state == "queued"
    assert models.retire(deployment.model_version, reason="Replaced.", by=acme.builder).retired_at
