"""Emergency access: asked by one, agreed to by a second, over by itself, marked in the record, reviewed by a third."""

import re
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts import actions, queries
from apps.accounts.models import EmergencyAccess, Membership
from apps.accounts.permissions import GRANTS, IN_EMERGENCY, Permission, allows
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.projects import actions as projects
from tests.accounts import make

pytestmark = pytest.mark.django_db


def anew(member) -> Membership:
    """The member as their next request finds them."""
    return Membership.objects.select_related("organization", "user").get(pk=member.pk)


@pytest.fixture
def later(monkeypatch):
    """Put the portal's clock forward."""
    now = timezone.now

    def forward(**by):
        monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(**by))

    return forward


def test_nothing_is_given_before_a_second_person_agrees(acme):
    access = make.emergency(acme, words=["project.close"])
    assert access.state == "asked" and not allows(anew(acme.builder), Permission.PROJECT_CLOSE)
    acme.enter(acme.owner)
    access = actions.emergencies.agree(access, by=acme.owner)
    assert access.state == "active" and access.until - access.agreed_at == timedelta(minutes=60)
    assert allows(anew(acme.builder), Permission.PROJECT_CLOSE)
    assert not allows(anew(acme.builder), Permission.TOKEN_REVOKE)  # only what was asked for
    events = Record.objects.filter(on_type="emergencyaccess").order_by("seq").values_list("event", flat=True)
    assert list(events) == ["emergency.asked", "emergency.agreed"]


def test_what_is_done_under_it_is_marked_in_the_record(acme):
    access = make.given(acme, words=["project.close"])
    acme.enter(acme.builder)
    by = anew(acme.builder)
    projects.close(acme.project, reason="Wrong.", by=by)
    closed = Record.objects.get(event="project.closed")
    assert closed.facts["emergency_access"] == access.pk and queries.done_under(access) == [closed]
    assert "emergency_access" not in Record.objects.get(event="emergency.agreed").facts


def test_it_ends_by_itself_and_what_it_gave_with_it(acme):
    access = make.given(acme, words=["project.close"])
    by = anew(acme.builder)
    assert by.emergency == access
    by.emergency.until = timezone.now()
    assert not allows(by, Permission.PROJECT_CLOSE)  # within one long request even
    with pytest.raises(NotPermitted):
        projects.close(acme.project, reason="Wrong.", by=by)


@pytest.mark.parametrize("who", ["builder", "owner"])
def test_it_is_ended_early_by_who_has_it_or_may_agree(acme, who):
    access, member = make.given(acme), acme.members[who]
    acme.enter(member)
    assert actions.emergencies.end(access, by=member).state == "to be reviewed"
    assert anew(acme.builder).emergency is None
    with pytest.raises(ActionDenied, match="already"):
        actions.emergencies.end(access, by=member)


def test_nobody_agrees_to_their_own(acme):
    access = make.emergency(acme, by=acme.owner)
    with pytest.raises(ActionDenied, match="a second person agrees"):
        actions.emergencies.agree(access, by=acme.owner)
    acme.enter(acme.reviewer)
    assert actions.emergencies.agree(access, by=acme.reviewer).state == "active"


@pytest.mark.parametrize("who", ["builder", "auditor"])
def test_only_owners_and_reviewers_agree(acme, who):
    access = make.emergency(acme, by=acme.reviewer)
    acme.enter(acme.members[who])
    with pytest.raises(NotPermitted):
        actions.emergencies.agree(access, by=acme.members[who])


def test_an_auditor_asks_for_none(acme):
    with pytest.raises(NotPermitted):
        make.emergency(acme, by=acme.auditor)


@pytest.mark.parametrize(
    "wrong",
    [{"words": ["approval.sign"]}, {"words": ["approval.revoke"]}, {"words": ["member.change"]}, {"words": []},
     {"words": ["policy.publish"]}, {"words": ["emergency.agree"]}, {"words": ["nonsense"]},
     {"words": ["access.review"]}, {"words": ["token.create"]}, {"minutes": 0}, {"minutes": 241}],
)  # fmt: skip
def test_it_never_gives_signing_nor_a_say_over_people_nor_lasts_longer(acme, wrong):
    with pytest.raises(BadInput):
        make.emergency(acme, **wrong)
    assert make.emergency(acme)


def test_what_it_may_give_is_nothing_that_signs_or_decides_about_people():
    kinds = {word.value.split(".")[0] for word in IN_EMERGENCY}
    assert not kinds & {"approval", "member", "emergency", "access", "policy", "waiver"}
    assert Permission.TOKEN_CREATE not in IN_EMERGENCY and set(IN_EMERGENCY) <= set(Permission)
    assert "emergency.ask" not in GRANTS["auditor"]


def test_a_token_has_none_and_takes_none_along(acme):
    make.given(acme, words=["project.close", "record.export"])
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="no more than who makes it"):
        actions.create_token(name="stolen", scopes=["record.export"], by=anew(acme.builder))
    by = anew(acme.builder)
    by.token = make.token(by)[0]
    assert not allows(by, Permission.PROJECT_CLOSE) and by.emergency is None
    with pytest.raises(ActionDenied):
        actions.emergencies.ask(words=["predict"], minutes=5, reason="x", by=by)


def test_it_opens_nothing_in_another_organization(client, acme, rival):
    make.given(acme, words=["project.close"])
    client.force_login(acme.builder.user)
    assert client.get("/rival/emergencies/").status_code == 404
    rival.enter(rival.builder)
    assert not EmergencyAccess.objects.exists() and not allows(anew(rival.builder), Permission.PROJECT_CLOSE)


def test_a_request_that_nobody_agreed_to_lapses(acme, later):
    access = make.emergency(acme)
    later(minutes=61)
    acme.enter(acme.owner)
    assert access.state == "lapsed"
    with pytest.raises(ActionDenied, match="nothing to agree to"):
        actions.emergencies.agree(access, by=acme.owner)


@pytest.fixture
def over(acme):
    access = make.given(acme)
    acme.enter(acme.builder)
    return actions.emergencies.end(access, by=acme.builder)


def test_somebody_else_reviews_it_afterwards(acme, over):
    acme.enter(acme.reviewer)
    reviewed = actions.emergencies.review(over, finding="It was needed.", by=acme.reviewer)
    assert (reviewed.state, reviewed.finding) == ("reviewed", "It was needed.")
    assert Record.objects.get(event="emergency.reviewed").facts["late"] is False
    with pytest.raises(ActionDenied):
        actions.emergencies.review(over, finding="Again.", by=acme.reviewer)


def test_neither_who_used_it_nor_who_agreed_reviews_it(acme):
    access = make.given(acme, by=acme.reviewer, agreed_by=acme.owner)
    for member in (acme.reviewer, acme.owner):
        acme.enter(member)
        with pytest.raises(ActionDenied, match="It is active"):
            actions.emergencies.review(access, finding="Fine.", by=member)
    access = actions.emergencies.end(access, by=acme.owner)
    for member, words in ((acme.reviewer, "You used it"), (acme.owner, "You agreed to it")):
        acme.enter(member)
        with pytest.raises(ActionDenied, match=words):
            actions.emergencies.review(access, finding="Fine.", by=member)
    acme.enter(acme.second_reviewer)
    assert actions.emergencies.review(access, finding="Fine.", by=acme.second_reviewer).state == "reviewed"


def test_a_review_that_is_not_made_in_three_days_is_overdue_and_shown(client, acme, over, later):
    later(hours=71)
    assert over.state == "to be reviewed"
    later(hours=73)
    acme.enter(acme.owner)
    assert over.state == "overdue" and queries.emergencies_overdue(viewer=acme.owner) == [over]
    client.force_login(acme.auditor.user)
    assert "review overdue" in client.get("/acme/members/").content.decode()
    assert "should have been reviewed by now" in client.get("/acme/emergencies/").content.decode()


# Plain SQL, as the web role


def attack(sql, *values) -> str:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refusal.value)


ASK = """insert into accounts_emergencyaccess (organization_id, asked_by_id, words, minutes, reason, asked_at, finding)
         values (%s, %s, %s::jsonb, %s, %s, now(), '')"""


@pytest.mark.parametrize(
    ("words", "minutes", "reason", "said"),
    [('["approval.sign"]', 60, "x", "never gives that right"), ("[]", 60, "x", "never gives that right"),
     ('"predict"', 60, "x", "never gives that right"), ('["predict"]', 241, "x", "four hours at most"),
     ('["predict"]', 60, " ", "has a reason")],
)  # fmt: skip
def test_the_database_refuses_what_no_emergency_gives(acme, words, minutes, reason, said):
    acme.enter(acme.builder)
    assert said in attack(ASK, acme.organization.pk, acme.builder.pk, words, minutes, reason)


def test_the_database_knows_every_right_that_an_emergency_may_give(acme):
    assert make.emergency(acme, words=[word.value for word in IN_EMERGENCY]).pk


def test_the_database_lets_nobody_ask_in_anothers_name(acme):
    acme.enter(acme.builder)
    sound = (acme.organization.pk, acme.reviewer.pk, '["predict"]', 60, "x")
    assert "in another's name" in attack(ASK, *sound)
    acme.enter(acme.reviewer)
    connection.cursor().execute(ASK, sound)


def test_the_database_lets_nobody_agree_to_their_own_or_in_anothers_name(acme):
    access = make.emergency(acme, by=acme.owner)
    agree = "update accounts_emergencyaccess set agreed_by_id = %s where id = %s"
    assert "second person" in attack(agree, acme.owner.pk, access.pk)
    assert "second person" in attack(agree, acme.reviewer.pk, access.pk)  # owner acts, reviewer is named
    acme.enter(acme.builder)
    assert "second person" in attack(agree, acme.builder.pk, access.pk)  # no authority
    forged = "update accounts_emergencyaccess set agreed_at = now(), until = now() + interval '9 days'"
    assert "not prolonged" in attack(forged)


@pytest.mark.parametrize(
    ("change", "said"),
    [("until = until + interval '1 hour'", "not prolonged"), ("words = '[\"predict\"]'", "cannot be changed"),
     ("minutes = 240", "cannot be changed"), ("asked_by_id = agreed_by_id", "cannot be changed"),
     ("agreed_by_id = null", "nothing to agree"), ("finding = 'fine'", "given and is over"),
     ("reviewed_by_id = agreed_by_id, finding = 'fine'", "given and is over")],
)  # fmt: skip
def test_the_database_keeps_what_was_agreed(acme, change, said):
    make.given(acme)
    assert said in attack(f"update accounts_emergencyaccess set {change}")


def test_the_database_lets_only_a_third_person_review(acme, over):
    sql = "update accounts_emergencyaccess set reviewed_by_id = %s, finding = %s"
    acme.enter(acme.owner)
    assert "Somebody else reviews" in attack(sql, acme.owner.pk, "Fine.")
    assert "Somebody else reviews" in attack(sql, acme.reviewer.pk, "Fine.")
    acme.enter(acme.reviewer)
    assert "in words" in attack(sql, acme.reviewer.pk, " ")
    connection.cursor().execute(sql, [acme.reviewer.pk, "Fine."])
    assert "once" in attack("update accounts_emergencyaccess set finding = 'Better.'")
    assert re.search("cannot be deleted|denied", attack("delete from accounts_emergencyaccess"))


# Pages and REST


def test_the_whole_way_on_pages(client, acme):
    client.force_login(acme.builder.user)
    body = {"reason": "Production is wrong.", "words": ["project.close"], "minutes": 30}
    asked = client.post("/acme/emergencies/new/", body)
    assert asked.status_code == 303
    assert "Only owners and reviewers" in client.get(asked.url).content.decode()
    client.post(f"{asked.url}agree/")
    assert "A second person decides" in client.get(asked.url).content.decode()
    client.force_login(acme.owner.user)
    assert "it ends by itself" in client.post(f"{asked.url}agree/", follow=True).content.decode()
    client.post(f"{asked.url}end/")
    client.force_login(acme.reviewer.user)
    assert "write what you found" in client.post(f"{asked.url}review/", follow=True).content.decode()
    done = client.post(f"{asked.url}review/", {"finding": "It was needed."}, follow=True).content.decode()
    assert "reviewed it" in done and "It was needed." in done


def test_the_whole_way_over_rest(client, acme, rival):
    def post(member, path, **body):
        client.force_login(member.user)
        return client.post(f"/api/v1/acme/emergencies/{path}", body, content_type="application/json")

    asked = post(acme.builder, "", words=["predict"], minutes=30, reason="Wrong.")
    assert asked.status_code == 201 and asked.json()["state"] == "asked"
    assert post(acme.builder, "", words=["approval.sign"], minutes=30, reason="Wrong.").status_code == 400
    pk = asked.json()["id"]
    assert post(acme.builder, f"{pk}/agreement/").status_code == 403
    assert post(rival.owner, f"{pk}/agreement/").status_code == 404
    assert post(acme.owner, f"{pk}/agreement/").json()["state"] == "active"
    assert post(acme.builder, f"{pk}/end/").json()["state"] == "to be reviewed"
    assert post(acme.owner, f"{pk}/review/", finding="Fine.").status_code == 409
    assert post(acme.reviewer, f"{pk}/review/", finding="Fine.").json()["state"] == "reviewed"
