"""What was refused is remembered: once, at every door, without names, whatever became of the transaction."""

import logging
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO

import pytest
from django.db import OperationalError

from apps.accounts import actions as accounts
from apps.accounts.models import Membership, Role
from apps.audits import actions, refusals
from apps.audits.models import Record, Refusal
from apps.common.afterwards import afterwards, ended
from apps.common.errors import ActionDenied, NotPermitted, NotProved
from apps.projects import actions as projects
from tests.accounts import make
from tests.approvals import make as approvals

pytestmark = pytest.mark.django_db


def refused() -> list[Record]:
    return list(Record.objects.filter(event__startswith="action.").order_by("seq"))


@contextmanager
def written():
    """What the portal's own handler would write to the standard error."""
    handler, *_ = [each for each in logging.getLogger().handlers if each.get_name() == "stderr"]
    before = handler.setStream(lines := StringIO())
    try:
        yield lines
    finally:
        handler.setStream(before)


def test_a_refusal_says_who_was_refused_what_on_which_thing_and_why(acme):
    with pytest.raises(NotPermitted):
        projects.close(acme.project, reason="Enough.", by=acme.builder)
    (record,) = refused()
    assert (record.event, record.outcome, record.by_id) == ("action.refused", "refused", acme.builder.user_id)
    assert (record.by_role, record.on_type, record.on_id) == ("builder", "project", acme.project.pk)
    assert record.project == "lending" and record.deed == "was refused: close"
    assert record.facts == {
        "verb": "projects.close",
        "reason": "Only owners of this organization close projects.",
    }


def test_what_needs_no_thing_is_refused_on_the_organization(acme):
    with pytest.raises(NotPermitted):
        accounts.invite(email="new@people.example", role="builder", by=acme.builder)
    (record,) = refused()
    assert (record.on_type, record.on_id) == ("organization", acme.organization.pk)


def test_an_action_inside_another_is_refused_as_what_was_asked_for(acme):
    """Signing decides; who asked to sign was refused that, once."""
    approval = approvals.asked(acme)
    acme.enter(acme.auditor)
    with pytest.raises(NotPermitted):
        approvals.sign(approval, acme.auditor)
    (record,) = refused()
    assert record.facts["verb"] == "approvals.sign" and record.on_id == approval.pk


def test_who_cannot_prove_who_they_are_is_refused_too(acme):
    approval = approvals.asked(acme)
    acme.enter(acme.reviewer)
    with pytest.raises(NotProved):
        approvals.sign(approval, acme.reviewer, password="wrong")
    (record,) = refused()
    assert record.facts["reason"] == "This is not your password; nothing was signed."


def test_what_was_filled_in_wrongly_is_no_refusal(client, acme):
    client.force_login(acme.owner.user)
    answer = client.post("/api/v1/acme/invitations/", {"email": "none"}, content_type="application/json")
    assert answer.status_code == 400
    acme.enter()
    assert refused() == []


def test_the_portal_is_refused_nothing(acme):
    with pytest.raises(ActionDenied):
        refusals.refusable(_refuse)(acme.project, by=None)
    assert refused() == []


def _refuse(*given, by):
    raise ActionDenied("No.")


# --- no names --------------------------------------------------------------------------------------------------------


def test_the_sentence_holds_no_name_and_no_address(acme):
    make.invitation(acme.owner, email="ina.weiss@people.example")
    for email in ("ina.weiss@people.example", "builder@acme.example"):
        with pytest.raises(ActionDenied, match=email):
            accounts.invite(email=email, role="builder", by=acme.owner)
    assert [record.facts["reason"] for record in refused()] == [
        "Somebody has an open invitation already: take it back first, and the old link stops working.",
        "Somebody is a member already.",
    ]


def test_the_name_of_a_member_the_sentence_speaks_of_is_left_out(acme):
    """Only whom the record has heard of can be named: who joined has, by joining."""
    ina = approvals.member(acme.organization, "ina.weiss", Role.OWNER)
    acme.enter(ina)
    actions.verify(by=ina)
    accounts.remove(ina, by=acme.owner)
    with pytest.raises(ActionDenied, match="Ina Weiss was removed already"):
        accounts.remove(Membership.objects.get(pk=ina.pk), by=acme.owner)
    (record,) = refused()
    assert record.facts["reason"].startswith("Somebody was removed already")
    assert record.on_name == "Ina Weiss (Owner)" and record.thing == ""  # a word that can be erased


# --- the same again --------------------------------------------------------------------------------------------------


def close(acme, by=None):
    with pytest.raises(NotPermitted):
        projects.close(acme.project, reason="Enough.", by=by or acme.builder)


def later(**how) -> None:
    for row in Refusal.objects.all():
        Refusal.objects.filter(pk=row.pk).update(at=row.at - timedelta(**how))


def test_the_same_within_a_minute_is_counted_and_then_told(acme):
    for _ in range(40):
        close(acme)
    close(acme, by=acme.auditor)  # another person's is another
    assert [record.event for record in refused()] == ["action.refused"] * 2
    refusals.tell_repeated()
    assert len(refused()) == 2  # the minute is not over
    later(seconds=61)
    refusals.tell_repeated()
    first, _, told = refused()
    assert told.deed == "refused the same again 39 times" and told.outcome == "refused"
    assert (told.event, told.facts) == ("action.refused-again", {"record": first.seq, "times": 39})
    assert (told.on_type, told.on_id, told.thing, told.by_id) == ("project", acme.project.pk, first.thing, None)
    assert not Refusal.objects.exists()
    refusals.tell_repeated()
    assert len(refused()) == 3


def test_after_a_minute_it_is_written_anew_and_the_count_before_it(acme):
    for seconds in (61, 61, 0):
        close(acme)
        close(acme)
        later(seconds=seconds)
    assert [record.event for record in refused()] == [
        "action.refused", "action.refused-again", "action.refused", "action.refused-again", "action.refused",
    ]  # fmt: skip
    later(seconds=61)
    refusals.tell_repeated()
    assert sum(record.facts.get("times", 1) for record in refused()) == 6


# --- whatever becomes of it ---------------------------------------------------------------------------------------


def test_a_record_that_cannot_be_written_is_in_the_log_and_the_answer_stays(client, acme, monkeypatch, caplog):
    def away(*given, **more):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(refusals, "record", away)
    client.force_login(acme.builder.user)
    answer = client.post("/api/v1/acme/projects/lending/close/", {"reason": "E."}, content_type="application/json")
    assert answer.status_code == 403
    assert f"projects.close by person {acme.builder.user_id} on project {acme.project.pk}" in caplog.text
    assert "Builder" not in caplog.text and "the disk is full" in caplog.text


def test_what_is_put_off_waits_for_the_outermost_end_and_breaks_nothing(caplog):
    done = []
    with ended():
        with ended():
            afterwards(lambda: done.append(1))
            afterwards(lambda: 1 / 0)
        assert done == []
    assert done == [1] and "ZeroDivisionError" in caplog.text


# --- found again -----------------------------------------------------------------------------------------------------


def test_refusals_are_found_by_their_outcome_and_a_request_by_its_number(client, acme):
    client.force_login(acme.builder.user)
    answer = client.post("/api/v1/acme/projects/lending/close/", {"reason": "E."}, content_type="application/json")
    number = answer.json()["request"]
    client.force_login(acme.auditor.user)
    for question in ("outcome=refused", f"request={number}"):
        found = client.get(f"/api/v1/acme/records/?{question}").json()["results"]
        assert [(one["deed"], one["outcome"]) for one in found] == [("was refused: close", "refused")]
        assert found[0]["origin"] == {"door": "rest", "request": number}
        page = client.get(f"/acme/records/?{question}").content.decode()
        assert "was refused: close" in page and "/acme/records/1/" not in page
    assert client.get("/api/v1/acme/records/?outcome=done").json()["results"][-1]["verb"] == "organization.founded"
    assert client.get("/api/v1/acme/records/?request=0123456789abcdef").json()["results"] == []
    assert client.get("/api/v1/acme/records/?request=mine").status_code == 400


def test_a_clients_own_number_is_not_taken(client, acme):
    client.force_login(acme.builder.user)
    answer = client.get("/acme/", headers={"X-Request-ID": "0123456789abcdef"})
    assert answer.headers["X-Request-ID"] != "0123456789abcdef" and len(answer.headers["X-Request-ID"]) == 16
    assert client.get("/acme/").headers["X-Request-ID"] != answer.headers["X-Request-ID"]


def test_the_log_names_the_request(client, acme, monkeypatch):
    from apps.common.origin import Named, coming_from

    line = logging.makeLogRecord({"msg": "something"})
    assert Named().filter(line) and line.origin == "-"
    with coming_from("rest", request="0123456789abcdef"):
        Named().filter(line)
    assert line.origin == "0123456789abcdef"


def test_a_page_that_fails_says_its_number(client, acme, monkeypatch):
    from apps.audits.views import records

    monkeypatch.setattr(records.queries, "records", lambda **asked: 1 / 0)
    client.raise_request_exception = False
    client.force_login(acme.auditor.user)
    answer = client.get("/acme/records/")
    assert answer.status_code == 500 and answer.headers["X-Request-ID"] in answer.content.decode()


def test_the_log_tells_of_a_page_that_failed_without_the_words_in_its_address(client, acme, monkeypatch):
    from apps.audits.views import records

    monkeypatch.setattr(records.queries, "records", lambda **asked: 1 / 0)
    client.raise_request_exception = False
    client.force_login(acme.auditor.user)
    with written() as lines:
        number = client.get("/acme/records/?q=loans").headers["X-Request-ID"]
    told = lines.getvalue()
    assert f"[{number}] Internal Server Error: /<organization:organization>/records/\n" in told
    assert "ZeroDivisionError" in told and "acme" not in told and "loans" not in told


def test_the_log_names_the_request_of_an_answer_that_says_the_database_is_away(client, acme, monkeypatch):
    from apps.audits.views import records

    def away(**asked):
        raise OperationalError("The server closed the connection.")

    monkeypatch.setattr(records.queries, "records", away)
    client.raise_request_exception = False
    client.force_login(acme.auditor.user)
    with written() as lines:
        answer = client.get("/acme/records/")
    assert answer.status_code == 503
    assert f"[{answer.headers['X-Request-ID']}] Service Unavailable: /<organization" in lines.getvalue()
