"""Plain SQL against the register: nothing said is changed, no clock is moved, nobody alone releases or closes."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import Reentry
from apps.audits import keys
from apps.incidents import queries
from apps.incidents.actions.signing import TYPE
from tests.approvals.database.attacks import attack
from tests.incidents import make

pytestmark = pytest.mark.django_db
TABLES = ("incident", "entry", "notice", "snapshot", "signature", "confirmation", "reminder")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "deed", ["update incidents_{} set id = id", "delete from incidents_{}", "truncate incidents_{}"]
)
def test_nothing_is_changed_or_deleted(acme, table, deed):
    assert "permission denied" in attack(deed.format(table))


@pytest.mark.parametrize("table", TABLES)
def test_not_even_by_the_owner_of_the_tables(table):
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_trigger where tgname = %s", [f"incidents_{table}_frozen"])
        assert cursor.fetchone() == (1,)


def copied(incident, **forged) -> str:
    """What the database answers to a second entry like the last one, but for what is forged."""
    given = {"number": 2, "reason": "More."} | forged
    return attack(
        "insert into incidents_entry select (jsonb_populate_record(e, jsonb_build_object('id', nextval("
        "'incidents_entry_id_seq')) || %s::jsonb)).* from incidents_entry e where e.incident_id = %s"
        " order by number desc limit 1", json.dumps(given), incident.pk,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("forged", "sentence"),
    [
        ({"number": 7}, "follow one another"),
        ({"reason": ""}, "says why"),
        ({"description": " "}, "says everything"),
        ({"versions": []}, "model versions of its own project"),
        ({"versions": [0]}, "model versions of its own project"),
        ({"aware_at": "2999-01-01T00:00:00Z"}, "never begin later"),
        ({"authority_due_at": "2999-01-01T00:00:00Z"}, "not those of the law"),
        ({"authority_due_at": None}, "not those of the law"),
        ({"protection_due_at": "2999-01-01T00:00:00Z"}, "not those of the law"),
        ({"personal_data": True}, "not those of the law"),
        ({"death": True}, "not those of the law|harm to a person"),
    ],
)
def test_no_entry_is_forged(acme, forged, sentence):
    incident = make.reported(acme, **make.SERIOUS)
    assert any(part in copied(incident, **forged) for part in sentence.split("|"))


def test_nobody_speaks_in_anothers_name(acme):
    incident = make.reported(acme)
    acme.enter(acme.reviewer)
    assert "in their own name" in copied(incident)
    acme.enter(acme.auditor)
    assert "in their own name" in copied(incident, by_id=acme.auditor.pk)
    report = "insert into incidents_incident (organization_id, project_id, title, reported_by_id, reported_at)"
    own = (acme.organization.pk, acme.project.pk, acme.builder.pk)
    assert "in their own name" in attack(f"{report} values (%s, %s, 'x', %s, now())", *own)
    confirm = "insert into incidents_confirmation (organization_id, project_id, note, incidents, by_id, at)"
    assert "in their own name" in attack(f"{confirm} values (%s, %s, '', 0, %s, now())", *own)


def test_a_serious_one_without_its_hold_is_not_committed(acme):
    incident = make.reported(acme)
    flags = {"fundamental_rights": True, "number": 2, "reason": "More."}
    with pytest.raises(DatabaseError, match="holds the evidence"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "insert into incidents_entry select (jsonb_populate_record(e, jsonb_build_object('id', nextval("
            "'incidents_entry_id_seq'), 'authority_due_at', e.aware_at + interval '360 hours') || %s::jsonb)).*"
            " from incidents_entry e where e.incident_id = %s", [json.dumps(flags), incident.pk],
        )  # fmt: skip
        cursor.execute("set constraints all immediate")


NOTICE = (
    "insert into incidents_notice (organization_id, incident_id, duty, stage, who, how, reference, note, told_at,"
    " follows_id, by_id, at) values (%s, %s, %s, %s, 'x', 'y', '', %s, now(), %s, %s, now())"
)


def notice(acme, incident, duty="authority", stage="final", note="", follows=None, by=None):
    return attack(NOTICE, acme.organization.pk, incident.pk, duty, stage, note, follows, (by or acme.builder).pk)


def test_no_notice_is_forged(acme):
    incident = make.reported(acme, **make.SERIOUS)
    assert "brings no such duty" in notice(acme, incident, "protection")
    assert "not without a reason" in notice(acme, incident, "authority", "unreached", "x")
    assert "always told" in notice(acme, incident, "authority", "needless", "x")
    assert "in their own name" in notice(acme, incident, by=acme.reviewer)
    first = make.told(acme, incident, stage="incomplete")
    assert "follows the one before" in notice(acme, incident)
    final = make.told(acme, incident)
    assert "follows the one before" in notice(acme, incident, follows=first.pk)
    assert "nothing follows the final" in notice(acme, incident, follows=final.pk)


def test_the_order_of_a_deployers_notices_is_held(acme):
    acme.project.answers = {"role_deployer": True}
    acme.project.save()
    incident = make.reported(acme, **make.SERIOUS)
    assert "First the" in notice(acme, incident, "authority")
    assert "First the provider" in notice(acme, incident, "importer")


SIGN = (
    "insert into incidents_signature (organization_id, incident_id, purpose, signer_id, printed_name, said,"
    " entry_digest, authentication_id, envelope, digest, signed_at)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, now())"
)


def signature(incident, by, purpose="close", **forged) -> str:
    """What the database answers to a signature that is honest but for who gives it and what is forged."""
    import base64
    import hashlib

    proof = Reentry.objects.create(user_id=by.user_id, components=["password"])
    entry = queries.case(incident).known
    said = make.CLOSING if purpose == "close" else {"reason": "x"}
    given = {"said": said, "proof": proof.pk, "purpose": purpose} | forged
    stated = {
        "incident": incident.pk, "purpose": purpose, "said": said, "entry": entry.digest,
        "signer": {"id": by.user_id, "printed_name": by.user.name, "role": by.role},
        "authentication": {"id": proof.pk},
    }  # fmt: skip
    envelope = keys.attest(incident.organization_id, TYPE, stated, {"entry": entry.digest})
    statement = base64.b64decode(envelope["payload"])
    return attack(
        SIGN, incident.organization_id, incident.pk, given["purpose"], by.pk, by.user.name, json.dumps(given["said"]),
        entry.digest, given["proof"], json.dumps(envelope), hashlib.sha256(statement).hexdigest(),
    )  # fmt: skip


def test_who_reported_does_not_close(acme):
    incident = make.done(acme, make.reported(acme, by=acme.reviewer, **make.SERIOUS))
    acme.enter(acme.reviewer)
    assert "Whoever reported an incident does not close it" in signature(incident, acme.reviewer)
    acme.enter(acme.second_reviewer)
    assert "does not say what the signature says" in signature(
        incident, acme.second_reviewer, said=make.CLOSING | {"root_cause": "Another."}
    )
    assert "says the cause" in signature(incident, acme.second_reviewer, said=make.CLOSING | {"hazards": " "})
    assert "proving again" in signature(incident, acme.second_reviewer, proof=0)
    acme.enter(acme.builder)
    assert "An owner or a reviewer signs" in signature(incident, acme.builder)


def test_nothing_is_closed_while_evidence_is_held_or_somebody_is_to_be_told(acme):
    incident = make.reported(acme, **make.SERIOUS)
    acme.enter(acme.reviewer)
    assert "still held" in signature(incident, acme.reviewer)
    other = make.reported(acme, personal_data=True, versions=[make.version(acme, model="other", number=2)])
    acme.enter(acme.reviewer)
    assert "still to be told" in signature(other, acme.reviewer)


def test_nobody_releases_evidence_alone_or_without_signing(acme):
    incident = make.reported(acme, **make.SERIOUS)
    acme.enter(acme.reviewer)
    ask = "update audits_legalhold set asked_by_id = %s, asked_at = now(), asked_reason = 'x' where incident_id = %s"
    assert "signs for it" in attack(ask, acme.reviewer.user_id, incident.pk)
    assert "a second grants it" in signature(incident, acme.reviewer, "release")
    make.told(acme, incident)
    make.asked(acme, incident)
    assert "a second grants it" in signature(incident, acme.reviewer, "release")
    acme.enter(acme.owner)
    release = "update audits_legalhold set released_by_id = %s, released_at = now() where incident_id = %s"
    assert "signs for it" in attack(release, acme.owner.user_id, incident.pk)
    assert "cannot be changed" in attack("update audits_legalhold set reason = 'x'")
    assert "further" in attack("update audits_legalhold set versions = '{}'")


def test_the_authority_is_told_before_the_release_is_signed(acme):
    incident = make.reported(acme, **make.SERIOUS)
    make.asked(acme, incident)
    acme.enter(acme.owner)
    assert "told before anything is altered" in signature(incident, acme.owner, "release")


def test_an_evidence_hold_is_of_an_incident_and_its_models(acme, rival):
    incident = make.reported(acme)
    place = (
        "insert into audits_legalhold (organization_id, project_id, incident_id, versions, reason, placed_by_id,"
        " placed_at, asked_reason) values (%s, %s, %s, %s, 'x', %s, now(), '')"
    )
    own = (acme.organization.pk, acme.project.pk)
    assert "of its own project" in attack(place, *own, 0, [1], acme.builder.user_id)
    assert "of its own project" in attack(place, *own, incident.pk, [0], acme.builder.user_id)
    assert "of its own project" in attack(place, *own, incident.pk, [], acme.builder.user_id)
    acme.enter(acme.auditor)
    assert "Owners and reviewers" in attack(place, *own, incident.pk, [1], acme.auditor.user_id)
