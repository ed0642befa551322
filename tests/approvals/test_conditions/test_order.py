"""Who speaks when: in order, and sealed until everybody has spoken."""

import pytest

from apps.approvals import actions
from apps.audits.models import Record
from apps.common.errors import ActionDenied
from tests.approvals import make
from tests.approvals.test_conditions import asked_under, case
from tests.make import PASSWORD


def test_in_order_the_second_waits_for_the_first(acme):
    approval = asked_under(acme, "order: sequence")
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied, match="not the turn of “I approve deployment” yet"):
        make.sign(approval, acme.second_reviewer, "approved")
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_in_order_a_refusal_ends_it_at_once(acme):
    approval = asked_under(acme, "order: sequence")
    acme.enter(acme.reviewer)
    given = {"reason": "No.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    approval.refresh_from_db()
    assert approval.state == "returned"


def test_a_refusal_is_sealed_until_everybody_has_spoken(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    given = {"reason": "Too few Hispanic applicants.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    approval.refresh_from_db()
    assert approval.state == "open"
    mine, theirs = (case(approval, viewer).seen_by(viewer) for viewer in (acme.reviewer, acme.second_reviewer))
    assert (len(mine), theirs) == (1, ())
    told = "".join(map(str, Record.objects.filter(on_type="approval").values_list("event", "facts")))
    assert "Hispanic" not in told and "return" not in told and "validated" not in told
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    approval.refresh_from_db()
    last = Record.objects.filter(on_type="approval").order_by("seq").last()
    assert (approval.state, last.event, last.by_name) == ("returned", "approval.returned", "Assay")
    assert last.facts["reason"] == "Too few Hispanic applicants."
    assert list(last.told["refused_by"].values()) == ["Reviewer"]
    assert len(case(approval, acme.second_reviewer).seen_by(acme.second_reviewer)) == 2


def test_no_page_tells_of_a_refusal_that_is_sealed(client, acme):
    approval = make.asked(acme)
    make.read(approval, acme.reviewer)
    acme.enter(acme.reviewer)
    given = {"reason": "Too few applicants.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    for viewer in (acme.second_reviewer, acme.builder, acme.owner, acme.auditor):
        client.force_login(viewer.user)
        for address in (
            approval.get_absolute_url(),
            "/acme/lending/approvals/",
            "/acme/lending/",
            "/acme/",
            "/acme/records/",
        ):
            page = client.get(address).content.decode()
            assert "Too few" not in page and "sent it back" not in page and "0 of 2" not in page, (viewer, address)


def test_the_page_keeps_a_verdict_from_the_other_reviewer(client, acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer, reason="Splendid work.")
    for viewer, seen in ((acme.second_reviewer, False), (acme.builder, False), (acme.reviewer, True)):
        client.force_login(viewer.user)
        page = client.get(approval.get_absolute_url()).content.decode()
        assert ("Splendid" in page) is seen and "Reviewer" in page
    pdf = client.get(approval.get_absolute_url() + "sign-off.pdf")
    assert pdf.status_code == 200
    records = client.get("/acme/records/").content.decode()
    assert "Splendid" not in records and "validated" not in records
