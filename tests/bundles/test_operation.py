"""A bundle tells what was measured in operation, and what broke its sign-off is decided again offline."""

import json

import pytest

from apps.audits.actions import record
from apps.audits.events import Event
from apps.common.canonical import canonical
from tests.approvals import make as sign_offs
from tests.bundles import make

pytestmark = pytest.mark.django_db


def bundle_of(tenant, approval):
    return make.bundle(tenant, make.fetched(tenant, approval.pk))


def notes(content, folder):
    told = make.right(content, folder)
    return " ".join(one["what"] for one in told["checks"])


def test_a_sign_off_that_fell_shows_the_report_and_the_rule_it_broke(acme, tmp_path):
    approval = sign_offs.approved(acme)
    report = sign_offs.operated(approval.model_version, measured=sign_offs.unfair())
    content = bundle_of(acme, approval)
    members = make.members(content)
    name = f"operation/fairness-{report.digest[:12]}.json"
    assert members[name] == report.result.encode()
    [broken] = json.loads(members["operation/broken.json"])
    assert (broken["rule"], broken["of"], broken["digest"]) == (6, "race", report.digest)
    said = notes(content, tmp_path)
    assert (
        "rule 6 of race was broken in operation on" in said
        and "Rule 6 fails in operation: Impact ratio by race" in said
    )


def test_a_sign_off_that_stands_shows_nothing_that_did_not_concern_it(acme, tmp_path):
    approval = sign_offs.approved(acme)
    sign_offs.operated(approval.model_version)
    content = bundle_of(acme, approval)
    assert not [name for name in make.members(content) if name.startswith("operation/")]
    make.right(content, tmp_path)


def test_the_next_ones_bundle_holds_every_report_of_its_dossier(acme, tmp_path):
    first = sign_offs.approved(acme)
    sign_offs.operated(first.model_version, measured=sign_offs.unfair())
    sign_offs.operated(first.model_version)
    again = sign_offs.signed_off(acme, sign_offs.asked_for(acme, first.model_version))
    content = bundle_of(acme, again)
    assert len([name for name in make.members(content) if name.startswith("operation/")]) == 2
    assert "2 reports in operation decided again, of which the dossier tells 2" in notes(content, tmp_path)


def test_two_measurements_that_gave_the_same_bytes_are_one_file(acme, tmp_path):
    first = sign_offs.approved(acme)
    sign_offs.operated(first.model_version, measured=sign_offs.unfair())
    one, two = (sign_offs.operated(first.model_version) for _ in range(2))
    assert one.digest == two.digest
    content = bundle_of(acme, sign_offs.signed_off(acme, sign_offs.asked_for(acme, first.model_version)))
    assert "2 reports in operation decided again, of which the dossier tells 3" in notes(content, tmp_path)


def test_what_the_holder_of_the_key_could_lie_about_is_named(acme, tmp_path):
    approval = sign_offs.approved(acme)
    sign_offs.operated(approval.model_version, measured=sign_offs.unfair())
    content, key = bundle_of(acme, approval), make.key_of(acme)
    found = make.members(content)
    [broken] = json.loads(found["operation/broken.json"])
    for lie in ({"rule": 5}, {"of": "sex"}, {"digest": "0" * 64}):
        lied = make.signed_again(found | {"operation/broken.json": canonical([broken | lie])}, key)
        assert "is said to be broken in operation, and no report here shows it" in make.wrong(
            lied, tmp_path, by=make.decider
        )


def test_a_dossier_that_leaves_out_its_report_or_was_asked_for_too_early_is_named(acme, tmp_path):
    first = sign_offs.approved(acme)
    bad = sign_offs.operated(first.model_version, measured=sign_offs.unfair())
    sign_offs.operated(first.model_version)
    again = sign_offs.signed_off(acme, sign_offs.asked_for(acme, first.model_version))
    content, key = bundle_of(acme, again), make.key_of(acme)

    def only_the_bad(dossier):
        dossier["operation"] = [one for one in dossier["operation"] if one["report"] == bad.pk]

    lied = make.with_dossier(content, key, only_the_bad)
    assert "asked for while rule 6 was out of bounds in operation" in make.wrong(lied, tmp_path, by=make.decider)
    found = {name: held for name, held in make.members(content).items() if bad.digest[:12] not in name}
    lost = make.wrong(make.signed_again(found, key), tmp_path, by=make.decider)
    assert f"the fairness report in operation {bad.pk} of the dossier is not in the bundle" in lost


def test_one_that_fell_and_is_said_to_stand_is_named(acme, tmp_path):
    approval = sign_offs.approved(acme)
    sign_offs.operated(approval.model_version, measured=sign_offs.unfair())
    members = make.members(bundle_of(acme, approval))
    state = make.predicate(members)["state"] | {"status": "approved"}
    lied = make.signed_again(members, make.key_of(acme), state=state)
    missed = "it is said to stand, though a required figure was out of bounds in operation"
    assert missed in make.wrong(lied, tmp_path, by=make.decider)


def test_a_report_of_which_the_record_tells_otherwise_is_named(acme, tmp_path):
    first = sign_offs.approved(acme)
    bad = sign_offs.operated(first.model_version, measured=sign_offs.unfair())
    good = sign_offs.operated(first.model_version)
    record(Event.OPERATION_REPORT_FINISHED, on=bad, by=None, digest=good.digest)
    record(Event.OPERATION_REPORT_FINISHED, on=good, by=None, digest=good.digest)
    again = sign_offs.signed_off(acme, sign_offs.asked_for(acme, first.model_version))
    said = make.wrong(bundle_of(acme, again), tmp_path, by=make.decider)
    assert f"the record tells otherwise of report in operation {bad.pk}" in said
    assert f"the record tells otherwise of report in operation {good.pk}" not in said
