"""The review of who has access: everybody and every token decided about, by somebody else, and the result signed."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts import actions, queries
from apps.accounts.actions.reviews import PREDICATE
from apps.accounts.models import AccessDecision, AccessReview, Membership
from apps.audits import keys
from apps.audits.models import Record
from apps.common.errors import ActionDenied, NothingThere, NotPermitted
from apps.common.signing import BadSignature
from tests.accounts import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def review(acme):
    acme.enter(acme.owner)
    return actions.reviews.start(by=acme.owner)


def decide(acme, review, by, **removed):
    """Keep everything but one's own; `removed`: lines to take away."""
    acme.enter(by)
    for line in queries.access(review):
        if line.decision is None and line.member.user_id != by.user_id:
            actions.reviews.decide(review, line=line.key, keep=line.key not in removed, by=by)


def test_it_goes_through_every_member_and_every_live_token(acme, review):
    acme.enter(acme.builder)
    token, _ = make.token(acme.builder)
    revoked, _ = make.token(acme.builder, name="old")
    actions.revoke_token(revoked, by=acme.builder)
    keys_of_lines = {line.key for line in queries.access(review)}
    members = {f"member-{pk}" for pk in Membership.objects.values_list("pk", flat=True)}
    assert keys_of_lines == members | {f"token-{token.pk}"}


def test_when_all_is_decided_the_result_is_signed(acme, rival, review):
    decide(acme, review, acme.owner)
    decide(acme, review, acme.reviewer)
    done = actions.reviews.finish(review, by=acme.reviewer)
    said = keys.attested(acme.organization.pk, done.envelope, PREDICATE)["predicate"]
    assert {each["decision"] for each in said["decisions"]} == {"keep"} and len(said["decisions"]) == 5
    assert next(each["by"] for each in said["decisions"] if each["member"] == "Owner") == "Reviewer"
    assert Record.objects.get(event="access-review.finished").facts["kept"] == 5
    rival.enter()
    keys.in_use(rival.organization.pk)
    with pytest.raises(BadSignature):
        keys.attested(rival.organization.pk, done.envelope, PREDICATE)


def test_nothing_is_finished_while_somebody_is_undecided(acme, review):
    decide(acme, review, acme.owner)
    with pytest.raises(ActionDenied, match="1 of the members and tokens is still"):
        actions.reviews.finish(review, by=acme.owner)


def test_who_comes_or_changes_in_between_is_decided_about_too(acme, review):
    decide(acme, review, acme.owner)
    decide(acme, review, acme.reviewer)
    acme.enter(acme.owner)
    actions.change_role(acme.auditor, role="builder", by=acme.owner)
    with pytest.raises(ActionDenied, match="still to be decided"):
        actions.reviews.finish(review, by=acme.owner)
    decide(acme, review, acme.owner)
    assert actions.reviews.finish(review, by=acme.owner).finished_at


def test_removing_removes_at_once_and_stays_in_the_result(acme, review):
    acme.enter(acme.builder)
    token, _ = make.token(acme.builder)
    acme.enter(acme.owner)
    actions.reviews.decide(review, line=f"token-{token.pk}", keep=False, note="Unused.", by=acme.owner)
    actions.reviews.decide(review, line=f"member-{acme.auditor.pk}", keep=False, by=acme.owner)
    token.refresh_from_db()
    assert token.revoked_at and not Membership.objects.get(pk=acme.auditor.pk).is_active
    decide(acme, review, acme.owner)
    decide(acme, review, acme.reviewer)
    said = keys.attested(acme.organization.pk, actions.reviews.finish(review, by=acme.reviewer).envelope, PREDICATE)
    gone = [each for each in said["predicate"]["decisions"] if each["decision"] == "remove"]
    assert {(each["member"], each["token"], each["note"]) for each in gone} == {
        ("Builder", "nightly", "Unused."), ("Auditor", None, "")}  # fmt: skip


def test_nobody_decides_about_themselves_and_a_reviewer_removes_nobody(acme, review):
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="your own access"):
        actions.reviews.decide(review, line=f"member-{acme.reviewer.pk}", keep=True, by=acme.reviewer)
    with pytest.raises(NotPermitted, match="Only owners"), transaction.atomic():
        actions.reviews.decide(review, line=f"member-{acme.auditor.pk}", keep=False, by=acme.reviewer)
    assert Membership.objects.get(pk=acme.auditor.pk).is_active and not AccessDecision.objects.exists()


@pytest.mark.parametrize("role", ["builder", "auditor"])
def test_only_owners_and_reviewers_review(acme, review, role):
    member = acme.members[role]
    acme.enter(member)
    for attempt in (
        lambda: actions.reviews.start(by=member),
        lambda: actions.reviews.decide(review, line=f"member-{acme.owner.pk}", keep=True, by=member),
        lambda: actions.reviews.finish(review, by=member),
    ):
        with pytest.raises(NotPermitted):
            attempt()


def test_one_review_is_open_at_a_time(acme, review):
    with pytest.raises(ActionDenied, match="open already"):
        actions.reviews.start(by=acme.owner)


def test_what_is_not_there_is_not_decided_about(acme, rival, review):
    for line in (f"member-{rival.owner.pk}", "member-0", "token-1", "nonsense", ""):
        with pytest.raises(NothingThere):
            actions.reviews.decide(review, line=line, keep=True, by=acme.owner)


def test_after_ninety_days_the_next_is_overdue_and_shown(client, acme, settings):
    from datetime import timedelta

    from apps.accounts import rules
    from apps.accounts.models import Organization

    client.force_login(acme.auditor.user)
    assert "overdue" not in client.get("/acme/members/").content.decode()
    founded = acme.organization.founded_at - timedelta(days=91)
    Organization.objects.filter(pk=acme.organization.pk).update(founded_at=founded)
    assert queries.review_due(viewer=acme.owner) == founded + rules.REVIEW_EVERY
    assert "overdue" in client.get("/acme/members/").content.decode()
    assert "Not in time" in client.get("/acme/access-reviews/").content.decode()


# Plain SQL, as the web role


def attack(sql, *values) -> str:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refusal.value)


DECIDE = """insert into accounts_accessdecision (organization_id, review_id, member_id, held, keep, note, decided_by_id,
            decided_at) values (%s, %s, %s, 'owner', true, '', %s, now())"""


def test_the_database_lets_nobody_decide_about_themselves_or_as_another(acme, rival, review):
    ours = acme.organization.pk
    assert "their own access" in attack(DECIDE, ours, review.pk, acme.owner.pk, acme.owner.pk)
    assert "in another's name" in attack(DECIDE, ours, review.pk, acme.builder.pk, acme.reviewer.pk)
    assert "no such access" in attack(DECIDE, ours, review.pk, rival.builder.pk, acme.owner.pk)
    acme.enter(acme.builder)
    assert "in another's name" in attack(DECIDE, ours, review.pk, acme.owner.pk, acme.builder.pk)


def test_the_database_refuses_a_result_with_gaps_or_without_a_signature(acme, review):
    finish = "update accounts_accessreview set finished_at = now(), finished_by_id = %s, envelope = %s::jsonb"
    assert "still to be decided" in attack(finish, acme.owner.pk, "{}")
    assert "signed result" in attack(finish, acme.owner.pk, None)
    assert "own name" in attack(finish, acme.reviewer.pk, "{}")


def test_what_was_decided_and_signed_stays(acme, review):
    decide(acme, review, acme.owner)
    decide(acme, review, acme.reviewer)
    assert attack("update accounts_accessdecision set keep = false")
    assert attack("delete from accounts_accessdecision")
    actions.reviews.finish(review, by=acme.reviewer)
    assert "cannot be changed" in attack("update accounts_accessreview set envelope = '{}'")
    assert "no open review" in attack(DECIDE, acme.organization.pk, review.pk, acme.owner.pk, acme.reviewer.pk)
    assert attack("delete from accounts_accessreview")


# Pages and REST


def test_the_whole_way_on_pages(client, acme):
    client.force_login(acme.owner.user)
    began = client.post("/acme/access-reviews/")
    assert began.status_code == 303
    page = client.get(began.url).content.decode()
    assert "5 of 5 still to be decided" in page and "your own access" in page
    acme.enter(acme.owner)
    review = AccessReview.objects.get()
    for member in (acme.builder, acme.reviewer, acme.second_reviewer, acme.auditor):
        client.post(f"{began.url}decide/", {"line": f"member-{member.pk}", "decision": "keep"})
    assert "still to be decided about" in client.post(f"{began.url}finish/", follow=True).content.decode()
    assert "nothing is signed yet" in client.get(f"{began.url}attestation", follow=True).content.decode()
    client.force_login(acme.reviewer.user)
    client.post(f"{began.url}decide/", {"line": f"member-{acme.owner.pk}", "decision": "keep"})
    assert "finished and signed" in client.post(f"{began.url}finish/", follow=True).content.decode()
    taken = client.get(f"{began.url}attestation")
    assert (
        taken.json()["payloadType"] == "application/vnd.in-toto+json" and "attachment" in taken["Content-Disposition"]
    )
    acme.enter(acme.owner)
    assert keys.attested(acme.organization.pk, taken.json(), PREDICATE) and review.decisions.count() == 5


def test_the_whole_way_over_rest(client, acme, rival):
    def post(member, path, **body):
        client.force_login(member.user)
        return client.post(f"/api/v1/acme/access-reviews/{path}", body, content_type="application/json")

    assert post(acme.builder, "").status_code == 403
    made = post(acme.owner, "").json()
    assert len(made["lines"]) == 5 and {line["keep"] for line in made["lines"]} == {None}
    pk = made["id"]
    assert post(rival.owner, f"{pk}/decisions/", line="member-1", keep=True).status_code == 404
    assert post(acme.owner, f"{pk}/decisions/", line=f"member-{rival.builder.pk}", keep=True).status_code == 404
    for line in made["lines"]:
        by = acme.reviewer if line["member"] == "Owner" else acme.owner
        assert post(by, f"{pk}/decisions/", line=line["line"], keep=True).status_code == 200
    early = client.get(f"/api/v1/acme/access-reviews/{pk}/attestation/")
    assert early.status_code == 409 and "nothing is signed yet" in early.json()["detail"]
    assert post(acme.owner, f"{pk}/attestation/").json()["finished_by"] == "Owner"
    assert client.get(f"/api/v1/acme/access-reviews/{pk}/attestation/").json()["signatures"]
    assert client.get(f"/api/v1/acme/access-reviews/{pk}/").json()["lines"][0]["keep"] is True
