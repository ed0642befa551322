"""What a bundle tells of serious incidents, and what decide.py says of a sign-off that was given in spite of one."""

import json

import pytest

from apps.approvals import actions
from apps.common.canonical import canonical
from apps.common.errors import ActionDenied
from tests.approvals import make as sign_offs
from tests.bundles import make
from tests.incidents import make as incidents

pytestmark = pytest.mark.django_db


def told(tenant, content, folder) -> str:
    return "\n".join(f"{one['mark']}: {one['what']}" for one in make.right(content, folder)["checks"])


def named(content) -> list[int]:
    return json.loads(make.members(content)["dossier.json"])["incidents"]


def bundle_of(tenant, approval):
    return make.bundle(tenant, make.fetched(tenant, approval.pk))


@pytest.fixture
def version(acme):
    sign_offs.policy(acme)
    return sign_offs.reported(acme)


@pytest.fixture
def after_one(acme, version):
    """(incident, bundle) of a sign-off that was asked for once the evidence of a serious incident was released."""
    incident = incidents.reported(acme, [version], **incidents.SERIOUS)
    with pytest.raises(ActionDenied, match="keeps it as evidence"):
        sign_offs.asked_for(acme, version)
    incidents.done(acme, incident)
    approval = sign_offs.signed_off(acme, sign_offs.asked_for(acme, version))
    assert approval.state == "approved"
    return incident, bundle_of(acme, approval)


def test_a_sign_off_in_the_light_of_an_incident_is_verified(acme, after_one, tmp_path):
    incident, content = after_one
    assert named(content) == [incident.pk]
    said = told(acme, content, tmp_path)
    assert "ok: serious incidents known when it was asked for: 1; the evidence of each was released before" in said


def test_one_that_came_later_is_told_and_takes_nothing_of_the_bundle_away(acme, version, tmp_path):
    approval = sign_offs.signed_off(acme, sign_offs.asked_for(acme, version))
    incident = incidents.reported(acme, [version], **incidents.SERIOUS)
    content = bundle_of(acme, approval)
    assert named(content) == []
    said = told(acme, content, tmp_path)
    assert f"note: incident {incident.pk}, a serious one that the dossier does not name, was reported on" in said
    assert f"Incident {incident.pk}, a serious one, was reported: it is to be signed anew" in said
    members = make.members(content)
    about = make.predicate(members)
    lied = make.signed_again(members, make.key_of(acme), state=about["state"] | {"status": "approved"})
    missed = f"it is said to stand, though incident {incident.pk}, a serious one that the dossier does not name"
    assert missed in make.wrong(lied, tmp_path, by=make.decider)


def test_what_is_not_serious_or_about_another_version_is_nothing_to_it(acme, version, tmp_path):
    approval = sign_offs.signed_off(acme, sign_offs.asked_for(acme, version))
    incidents.reported(acme, [version])
    incidents.reported(acme, **incidents.SERIOUS)
    content = bundle_of(acme, approval)
    assert "serious incidents known when it was asked for: 0;" in told(acme, content, tmp_path)
    assert b"hold.placed" not in make.members(content)["record/records.json"]


def test_an_incident_that_reaches_the_version_by_an_amendment_counts_from_then(acme, version, tmp_path):
    other = incidents.version(acme)
    incident = incidents.reported(acme, [other], **incidents.SERIOUS)
    approval = sign_offs.signed_off(acme, sign_offs.asked_for(acme, version))
    assert "serious incidents known when it was asked for: 0;" in told(acme, bundle_of(acme, approval), tmp_path)
    incidents.amended(acme, incident, versions=[other, version])
    said = told(acme, bundle_of(acme, approval), tmp_path)
    assert f"note: incident {incident.pk}, a serious one that the dossier does not name, was reported on" in said


def test_a_dossier_that_hides_the_incident_is_named(acme, after_one, tmp_path):
    incident, content = after_one
    lied = make.with_dossier(content, make.key_of(acme), lambda dossier: dossier.update(incidents=[]))
    said = make.wrong(lied, tmp_path, by=make.decider)
    for name in ("Reviewer", "Second Reviewer"):
        assert f"{name} signed after incident {incident.pk}, a serious one that the dossier does not name" in said
    missed = f"it is said to stand, though incident {incident.pk}, a serious one that the dossier does not name,"
    assert missed in said


def test_a_dossier_that_names_an_incident_of_which_the_record_does_not_tell_is_named(acme, after_one, tmp_path):
    incident, content = after_one
    key, other = make.key_of(acme), incident.pk + 1
    lied = make.with_dossier(content, key, lambda dossier: dossier["incidents"].append(other))
    missed = f"the dossier names incident {other}, and the record does not tell of it before"
    assert missed in make.wrong(lied, tmp_path, by=make.decider)
    lied = make.with_records(content, key, "hold.placed")
    missed = f"the dossier names incident {incident.pk}, and the record does not tell of it before"
    assert missed in make.wrong(lied, tmp_path, by=make.decider)


def test_one_asked_for_while_the_incident_kept_its_evidence_is_named(acme, after_one, tmp_path):
    incident, content = after_one
    lied = make.with_records(content, make.key_of(acme), "hold.released")
    said = make.wrong(lied, tmp_path, by=make.decider)
    assert f"it was asked for while incident {incident.pk} kept the model as evidence" in said


def test_one_that_came_between_two_names_is_told(acme, version, tmp_path):
    approval = sign_offs.asked_for(acme, version)
    acme.enter(acme.reviewer)
    sign_offs.sign(approval, acme.reviewer)
    incident = incidents.reported(acme, [version], **incidents.SERIOUS)
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied):
        sign_offs.sign(approval, acme.second_reviewer, "approved")
    actions.withdraw(approval, reason="It fell.", by=acme.enter(acme.builder).builder)
    content = bundle_of(acme, approval)
    assert f"note: incident {incident.pk}, a serious one that the dossier does not name, was reported on" in told(
        acme, content, tmp_path
    )


def test_lines_of_the_record_in_another_order_or_told_twice_are_refused(acme, after_one, tmp_path):
    content, key = after_one[1], make.key_of(acme)
    found = make.members(content)
    lines = json.loads(found["record/records.json"])
    for other in (lines[::-1], [*lines, lines[-1]]):
        lied = make.signed_again(found | {"record/records.json": canonical(other)}, key)
        assert "is told out of order, or twice" in make.wrong(lied, tmp_path)


def test_of_a_sign_off_asked_for_before_the_record_told_its_version_nothing_is_claimed(acme, version, tmp_path):
    """Older records stay as they are."""
    decider = make.decider()

    class Old(decider.Case):
        def told(self, kind, number, *events):
            lines = super().told(kind, number, *events)
            return [line._replace(facts={**line.facts, "model_version": None}) for line in lines]

    content = bundle_of(acme, sign_offs.signed_off(acme, sign_offs.asked_for(acme, version)))
    (tmp_path / "bundle.zip").write_bytes(content)
    case = Old(tmp_path / "bundle.zip", type("Options", (), {"key": None, "witness": [], "checkpoint": None})())
    assert all(mark != "WRONG" for mark, *_ in decider.verify.checked(case, decider.verify.CHECKS))
    list(decider.fitting(case))
    ((mark, what),) = decider.incidents(case)
    assert mark == "note" and "incidents are the portal's word" in what


def test_a_record_that_does_not_tell_of_the_asking_is_named(acme, after_one, tmp_path):
    lied = make.with_records(after_one[1], make.key_of(acme), "approval.asked")
    said = make.wrong(lied, tmp_path, by=make.decider)
    assert "incidents: the record does not tell that it was asked for" in said
