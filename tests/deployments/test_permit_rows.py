"""Permits in the database: issued on a sign-off that stands and on nothing else, renewed, revoked, read over REST."""

import json
import time
import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.approvals import actions as approvals
from apps.audits import keys
from apps.audits.models import Record
from apps.common.errors import ActionDenied, NotPermitted
from apps.common.signing import KeyUnusable
from apps.deployments import actions, permits, queries
from apps.deployments.models import Deployment, Permit
from apps.deployments.offline import main
from apps.projects.models import Project
from tests.approvals import make
from tests.deployments import make as real


@pytest.fixture
def serving(acme):
    return actions.open_deployment(make.approved(acme), name="screening", by=acme.builder)


def events(deployment) -> list[str]:
    found = Record.objects.filter(on_type="deployment", on_id=deployment.pk).order_by("seq")
    return list(found.values_list("event", flat=True))


def keep(tenant) -> None:
    """One round of the worker, and back to this test's tenant."""
    actions.keep_permits()
    tenant.enter(tenant.builder)


def test_opening_a_deployment_issues_a_permit_for_exactly_what_was_signed(acme, serving):
    permit = queries.permit(serving)
    assert permit.stands and permit.environment == "production"
    read = permits.check(
        permit.token, keys=keys.trusted(acme.organization.pk), organization="acme", environment="production",
        model=serving.model_version.artifact_digest, deployment=serving.pk, now=time.time(),
    )  # fmt: skip
    assert (read.id, read.dossier, read.approval) == (
        str(permit.number), serving.approval.dossier_digest, serving.approval_id)  # fmt: skip
    assert read.expires - read.not_before == 600 and read.limits == {"rows": 10_000}
    facts = Record.objects.get(event="permit.issued").facts
    assert facts["token"] == permit.token_digest == permits.digest(permit.token)


def test_it_is_renewed_before_its_end_and_not_too_soon(acme, serving, settings):
    keep(acme)
    assert serving.permits.count() == 1
    settings.PERMIT_SECONDS = 1300  # now less than half of it is left
    keep(acme)
    keep(acme)
    first, second = serving.permits.order_by("pk")
    assert second.expires_at > first.expires_at and first.revoked_at is None
    assert events(serving) == ["deployment.opened", "permit.issued"]  # a renewal is a row of its table, no record


def test_a_permit_never_outlives_its_sign_off(acme, settings):
    settings.PERMIT_SECONDS = 3500
    approval = make.approved(acme)
    approval.valid_until = timezone.now() + timedelta(seconds=100)
    deployment = Deployment.objects.create(
        organization=acme.organization, project=acme.project, name="short", model_version=approval.model_version,
        approval=approval, opened_by=acme.builder,
    )  # fmt: skip
    assert actions._permit(deployment).expires_at <= approval.valid_until


def test_when_the_sign_off_falls_the_permit_falls_and_the_record_says_why(acme, serving):
    Project.objects.filter(pk=acme.project.pk).update(risk_class="limited")
    permit = queries.permit(serving)
    assert not permit.stands and permit.revoked_at is None  # the truth is computed; no worker need come by
    keep(acme)
    keep(acme)
    permit = queries.permit(serving)
    assert "risk class was high and is now limited" in permit.revoked_reason
    assert events(serving) == ["deployment.opened", "permit.issued", "permit.revoked"]
    Project.objects.filter(pk=acme.project.pk).update(risk_class="high")
    keep(acme)
    assert queries.permit(serving).stands and events(serving)[-1] == "permit.issued"


def test_stopping_revokes_every_permit(acme, serving, settings):
    settings.PERMIT_SECONDS = 1300
    keep(acme)
    actions.stop(serving, reason="Moved.", by=acme.builder)
    assert serving.permits.filter(revoked_at=None).count() == 0 and serving.permits.count() == 2
    keep(acme)
    assert serving.permits.count() == 2


def test_without_the_key_nothing_is_deployed_and_nothing_renewed(acme, serving, settings):
    approval = make.approved(acme, number=2)
    settings.KEY_SECRET = "another"
    with pytest.raises(ActionDenied, match="ASSAY_KEY_SECRET"):
        actions.open_deployment(approval, name="other", by=acme.builder)
    assert Deployment.objects.count() == 1
    settings.PERMIT_SECONDS = 1300
    keep(acme)
    assert serving.permits.count() == 1


def test_one_organizations_trouble_is_not_anothers(acme, rival, serving, settings, monkeypatch):
    rival.enter(rival.builder)
    theirs = actions.open_deployment(make.approved(rival), name="screening", by=rival.builder)
    sound = keys.in_use

    def broken(organization_id):
        if organization_id == acme.organization.pk:
            raise KeyUnusable("The key cannot be opened.")
        return sound(organization_id)

    monkeypatch.setattr(keys, "in_use", broken)
    settings.PERMIT_SECONDS = 1300
    keep(acme)
    assert serving.permits.count() == 1
    rival.enter(rival.builder)
    assert theirs.permits.count() == 2


def test_after_a_rotation_of_keys_old_and_new_permits_verify(acme, serving, settings):
    before = queries.permit(serving).token
    keys.rotate(acme.organization.pk)
    settings.PERMIT_SECONDS = 1300
    keep(acme)
    after = queries.permit(serving).token
    assert before.split(".")[0] != after.split(".")[0]
    for token in (before, after):
        assert permits.read(token, permits.PERMIT, keys.trusted(acme.organization.pk))


# Plain SQL, as the web role


def forge(serving, **changed) -> str:
    """The database's answer to a permit that is like the newest, but for what was changed."""
    permit = queries.permit(serving)
    permit.pk, permit.number = None, changed.pop("number", permit.number)
    claims = changed.pop("claims", {})
    for name, value in changed.items():
        setattr(permit, name, value)
    if "token" not in changed:
        permit.number = uuid.uuid4()
        permit.token = actions._signed(permits.PERMIT, actions._claims(permit) | claims, serving.organization_id)
    if "token_digest" not in changed:
        permit.token_digest = permits.digest(permit.token)
    try:
        with transaction.atomic():
            permit.save(force_insert=True)
    except DatabaseError as refused:
        return str(refused)
    return "taken"


def test_the_database_takes_one_that_is_right(serving):
    assert forge(serving) == "taken"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"artifact_digest": "0" * 64}, "exactly what was signed"),
        ({"dossier_digest": "0" * 64}, "exactly what was signed"),
        ({"limits": {"rows": 1_000_000}}, "exactly what was signed"),
        ({"environment": ""}, "short-lived"),
        ({"expires_at": timezone.now().replace(microsecond=0) + timedelta(hours=30)}, "short-lived"),
        ({"not_before": timezone.now().replace(microsecond=0) + timedelta(hours=2)}, "short-lived"),
        ({"revoked_at": timezone.now()}, "short-lived"),
        ({"claims": {"sub": "sha256:" + "0" * 64}}, "says something else"),
        ({"claims": {"aud": "staging"}}, "says something else"),
        ({"claims": {"iss": "rival"}}, "says something else"),
        ({"claims": {"exp": 4_000_000_000}}, "says something else"),
        ({"claims": {"admin": True}}, "says something else"),
        ({"token": "a.b.c"}, ""),
        ({"token": "nonsense"}, ""),
        ({"token_digest": "0" * 64}, "says something else"),
    ],
)
def test_the_database_refuses_a_permit_that_says_otherwise(serving, changed, words):
    answer = forge(serving, **changed)
    assert answer != "taken" and words in answer


def test_the_database_refuses_a_permit_without_a_standing_sign_off(acme, serving):
    Project.objects.filter(pk=acme.project.pk).update(risk_class="limited")
    assert "does not stand" in forge(serving)
    Project.objects.filter(pk=acme.project.pk).update(risk_class="high")
    acme.enter(acme.reviewer)
    approvals.revoke(serving.approval, reason="Complaints.", by=acme.reviewer)
    assert "does not stand" in forge(serving)


def test_the_database_refuses_a_permit_for_what_was_stopped_or_is_anothers(acme, serving):
    other = actions.open_deployment(make.approved(acme, number=2), name="other", by=acme.builder)
    assert "on its own sign-off" in forge(serving, deployment=other)
    assert "on its own sign-off" in forge(serving, approval=other.approval)
    actions.stop(serving, reason="Moved.", by=acme.builder)
    assert "gets no permit" in forge(serving)


@pytest.mark.parametrize(
    "attack",
    ["update deployments_permit set expires_at = expires_at + interval '1 minute'",
     "update deployments_permit set token = 'x'", "update deployments_permit set revoked_reason = 'x'",
     "update deployments_permit set artifact_digest = 'x'", "delete from deployments_permit",
     "truncate deployments_permit"],
)  # fmt: skip
def test_a_permit_can_only_be_revoked(serving, attack):
    with pytest.raises(DatabaseError, match=r"only revoked|cannot be|permission denied"), transaction.atomic():
        connection.cursor().execute(attack)


def test_what_was_revoked_stays_revoked(acme, serving):
    actions.stop(serving, reason="Moved.", by=acme.builder)
    with pytest.raises(DatabaseError, match="only revoked"), transaction.atomic():
        Permit.objects.update(revoked_at=None)


def test_the_limits_of_a_deployment_cannot_be_raised(serving):
    with pytest.raises(DatabaseError, match="only stopped"), transaction.atomic():
        Deployment.objects.update(limits={"rows": 10_000, "requests_per_minute": 9})


# Over REST, and on with the command


def get(client, member, path):
    client.force_login(member.user)
    return client.get(f"/api/v1/{member.organization.slug}/{path}")


@pytest.fixture
def verify(client, acme, tmp_path, capsys):
    """What a CI job does: fetch permit, keys and list over REST; ask the command about a folder of files."""
    deployment = real.deployed(acme)
    model = tmp_path / "model"
    model.mkdir()
    for name, content in real.trained()[0].items():
        (model / name).write_bytes(content)
    taken = get(client, acme.builder, f"deployments/{deployment.pk}/permit/")
    (tmp_path / "permit").write_text(taken.json()["token"])
    (tmp_path / "keys").write_bytes(get(client, acme.builder, "permits/keys").content)

    def ask(*more, clock=time.time) -> tuple[int, str]:
        (tmp_path / "revoked").write_bytes(get(client, acme.builder, "permits/revoked").content)
        acme.enter(acme.builder)
        words = ["verify", str(tmp_path / "permit"), "--model", str(model), "--keys", str(tmp_path / "keys"),
                 "--revoked", str(tmp_path / "revoked"), "--environment", "production", "--organization", "acme",
                 *more]  # fmt: skip
        code, said = main(words, clock=clock), capsys.readouterr()
        return code, said.out + said.err

    ask.deployment, ask.model = deployment, model
    return ask


def test_a_ci_job_is_told_yes_and_after_a_stop_no(acme, verify):
    code, said = verify()
    assert code == 0 and f"may run as deployment {verify.deployment.pk} of acme in production" in said
    actions.stop(verify.deployment, reason="Moved.", by=acme.builder)
    assert verify() == (1, "Refused. The permit was revoked.\n")


def test_a_ci_job_is_told_no_when_the_sign_off_falls_before_any_worker_came_by(acme, verify):
    Project.objects.filter(pk=acme.project.pk).update(risk_class="limited")
    assert verify() == (1, "Refused. The permit was revoked.\n")


def test_a_ci_job_is_told_no_of_other_bytes(verify):
    path = verify.model / "model.json"
    path.write_bytes(path.read_bytes() + b" ")
    code, said = verify()
    assert code == 1 and "these bytes are" in said


def test_a_permit_of_an_older_version_does_not_open_a_newer_one(acme, verify):
    actions.open_deployment(real.signed(acme, seed=1, number=2), name="newer", by=acme.builder)
    for name, content in real.trained(1)[0].items():
        (verify.model / name).write_bytes(content)
    code, said = verify()
    assert code == 1 and "these bytes are" in said


def test_only_who_may_takes_a_permit_and_it_is_remembered(client, acme, rival, serving):
    assert get(client, acme.auditor, f"deployments/{serving.pk}/permit/").status_code == 403
    assert get(client, rival.builder, f"deployments/{serving.pk}/permit/").status_code == 404
    assert get(client, acme.builder, f"deployments/{serving.pk}/permit/").json()["stands"] is True
    acme.enter(acme.builder)
    assert events(serving)[-1] == "permit.taken"
    with pytest.raises(NotPermitted):
        actions.take_permit(serving, by=acme.owner)


def test_a_permit_is_downloaded_from_the_page(client, acme, serving):
    client.force_login(acme.builder.user)
    where = f"{serving.get_absolute_url()}permit"
    taken = client.get(where)
    assert taken.content.decode() == queries.permit(serving).token and taken["Content-Type"] == "application/jwt"
    client.force_login(acme.auditor.user)
    assert "Only builders" in client.get(where, follow=True).content.decode()


def test_what_does_not_stand_gives_no_permit_away(client, acme, serving):
    actions.stop(serving, reason="Moved.", by=acme.builder)
    refused = get(client, acme.builder, f"deployments/{serving.pk}/permit/")
    assert refused.status_code == 409 and "was stopped" in refused.json()["detail"]


def test_the_list_of_permits_holds_no_token(client, acme, rival, serving):
    answer = get(client, acme.auditor, f"permits/?deployment={serving.pk}")
    (row,) = answer.json()["results"]
    assert row["stands"] and row["token_digest"] and "token" not in row
    assert get(client, rival.auditor, "permits/").json()["results"] == []


def test_a_list_of_another_organization_says_nothing_here(client, acme, rival, serving):
    with pytest.raises(permits.Refused, match="not trusted"):
        rival.enter()
        keys.in_use(rival.organization.pk)
        theirs = permits.keys_from(json.dumps(get(client, rival.auditor, "permits/keys").json()))
        ours = get(client, acme.auditor, "permits/revoked").content.decode()
        permits.revocations(ours, now=time.time(), organization="rival", environment="production", keys=theirs)


def test_limits_are_chosen_when_it_is_opened(client, acme):
    approval = make.approved(acme)
    client.force_login(acme.builder.user)
    body = {"approval": approval.pk, "name": "small", "rows": 5, "requests_per_minute": 60}
    made = client.post("/api/v1/acme/deployments/", body, content_type="application/json")
    assert made.json()["limits"] == {"rows": 5, "requests_per_minute": 60}
    acme.enter(acme.builder)
    assert Permit.objects.get().limits == {"rows": 5, "requests_per_minute": 60}
    for wrong in ({"rows": 0}, {"rows": 10_001}, {"requests_per_minute": 0}):
        body = {"approval": approval.pk, "name": "wrong", **wrong}
        assert client.post("/api/v1/acme/deployments/", body, content_type="application/json").status_code == 400
