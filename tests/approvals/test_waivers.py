"""Waivers: who may, for what, for how long; what they do to a dossier and to a sign-off; and attacks in plain SQL."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Role
from apps.approvals import actions, queries, rules
from apps.approvals.actions import notices
from apps.approvals.gates.defaults import built_in
from apps.approvals.models import Waiver
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from tests.approvals import make
from tests.make import member

pytestmark = pytest.mark.django_db
WEAK = [make.figure("balanced_accuracy", value=0.6, low=0.55, high=0.64)]  # rule 5 of the policy for high risk


def weak(acme, **options):
    """A model version that fails rule 5 and nothing else."""
    version = make.reported(acme, without=("performance",), **options)
    make.report(version, "performance", measured=WEAK)
    return version


def holds(version, policy, with_waivers=True) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select approvals_gates_hold(%s, %s, %s)", [version.pk, policy.pk, with_waivers])
        return cursor.fetchone()[0]


def attack(sql: str, *values) -> str:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refusal.value)


def events() -> list[str]:
    return [name for name in Record.objects.order_by("seq").values_list("event", flat=True) if "waiver" in name]


# What it does


def test_a_waived_rule_is_waived_and_never_passes(acme):
    version = weak(acme)
    waiver = make.waived(acme, version)
    approval = make.asked_for(acme, version)
    case = queries.case(queries.approvals(viewer=acme.builder).get(pk=approval.pk))
    [told] = [outcome for outcome in case.outcomes if outcome["place"] == 5]
    assert (told["verdict"], told["instead_of"], told["waiver"]) == ("waived", "fail", waiver.pk)
    assert case.dossier["gates"]["verdict"] == "waived"
    assert [one["waiver"] for one in case.dossier["waivers"]] == [waiver.pk]
    assert holds(version, approval.policy_version) and not holds(version, approval.policy_version, False)


def test_a_request_alone_waives_nothing(acme):
    version = weak(acme)
    make.waiver(acme, version)
    assert queries.in_force(version) == []
    approval = make.asked_for(acme, version)
    approval.refresh_from_db()
    assert approval.bound["waivers"] == []
    assert not holds(version, make.policy(acme))


def test_it_waives_one_rule_of_one_version_of_one_policy(acme):
    version, other = weak(acme), weak(acme, number=2)
    make.waived(acme, version)
    policy = make.policy(acme)
    assert holds(version, policy) and not holds(other, policy)
    later_policy = make.publish(acme, built_in("high").replace("valid_days: 365", "valid_days: 300"))
    assert not holds(version, later_policy)


def test_a_projects_waiver_covers_its_versions(acme):
    version, other = weak(acme), weak(acme, number=2)
    make.waived(acme, None)
    assert holds(version, make.policy(acme)) and holds(other, make.policy(acme))


@pytest.mark.parametrize("how", ["is revoked", "is closed", "is granted"])
def test_a_sign_off_falls_when_a_waiver(acme, how):
    version = weak(acme)
    waiver = make.waived(acme, version)
    approval = make.asked_for(acme, version)
    with connection.cursor() as cursor:
        cursor.execute("select approvals_unchanged(%s)", [approval.pk])
        assert cursor.fetchone() == (True,)
    if how == "is revoked":
        acme.enter(acme.owner)
        actions.revoke_waiver(waiver, reason="The measure was not taken.", by=acme.owner)
    elif how == "is closed":
        acme.enter(acme.builder)
        actions.close_waiver(waiver, reason="The new model passes.", by=acme.builder)
    else:
        make.waived(acme, version, 6)
    with connection.cursor() as cursor:
        cursor.execute("select approvals_unchanged(%s)", [approval.pk])
        assert cursor.fetchone() == (False,)
    case = queries.case(queries.approvals(viewer=acme.builder).get(pk=approval.pk))
    assert [sentence for sentence in case.changes if sentence.startswith("Waiver")]


# Who, what, how long


def test_the_way_of_a_waiver_is_remembered(acme):
    waiver = make.waived(acme, weak(acme))
    acme.enter(acme.owner)
    actions.revoke_waiver(waiver, reason="Enough.", by=acme.owner)
    assert events() == ["waiver.asked", "waiver.approved", "waiver.revoked"]
    waiver.refresh_from_db()
    assert (waiver.state, waiver.ended_by, waiver.decided_by) == ("revoked", acme.owner, acme.reviewer)


@pytest.mark.parametrize("role", ["owner", "builder", "reviewer", "auditor"])
def test_builders_and_owners_ask(acme, role):
    version = weak(acme)
    make.policy(acme)
    if role in ("owner", "builder"):
        assert make.waiver(acme, version, by=acme.members[role]).state == "requested"
    else:
        with pytest.raises(NotPermitted, match="ask for waivers"):
            make.waiver(acme, version, by=acme.members[role])


@pytest.mark.parametrize("role", ["owner", "builder", "auditor"])
def test_only_a_reviewer_approves(acme, role):
    waiver, who = make.waiver(acme, weak(acme)), acme.members[role]
    acme.enter(who)
    with pytest.raises(NotPermitted, match="approve and reject waivers"):
        actions.approve_waiver(waiver, reason="x", by=who)
    assert "A reviewer decides" in attack(
        "update approvals_waiver set state = 'approved', decided_by_id = %s, decision_reason = 'x'", who.pk
    )


def test_asker_owner_and_approver_are_three_people(acme):
    version = weak(acme)
    with pytest.raises(BadInput, match="three people"):
        make.waiver(acme, version, owner=acme.builder)
    waiver = make.waiver(acme, version)
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied, match="You own it"):
        actions.approve_waiver(waiver, reason="x", by=acme.second_reviewer)
    assert "three people" in attack(
        "update approvals_waiver set state = 'approved', decided_by_id = %s, decision_reason = 'x'",
        acme.second_reviewer.pk,
    )


def test_who_trained_it_does_not_approve_its_waiver(acme):
    version = weak(acme, by=acme.reviewer)
    waiver = make.waiver(acme, version)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="no hand in it"):
        actions.approve_waiver(waiver, reason="x", by=acme.reviewer)
    assert "trained this model does not approve" in attack(
        "update approvals_waiver set state = 'approved', decided_by_id = %s, decision_reason = 'x'", acme.reviewer.pk
    )


def test_an_auditor_owns_nothing(acme):
    with pytest.raises(BadInput, match="auditors only read"):
        make.waiver(acme, weak(acme), owner=acme.auditor)


@pytest.mark.parametrize(("days", "fits"), [(1, True), (90, True), (91, False), (0, False), (-1, False)])
def test_it_ends_within_ninety_days(acme, days, fits):
    now = timezone.now()
    assert (rules.why_not_term(now, now + timedelta(days=days), now) is None) == fits
    if fits:
        return
    with pytest.raises(BadInput):
        make.waiver(acme, weak(acme), ends_at=now + timedelta(days=days))


def test_it_is_renewed_once_and_not_asked_for_anew(acme):
    version = weak(acme)
    waiver = make.waived(acme, version)
    with pytest.raises(ActionDenied, match="only once"):
        make.waiver(acme, version)
    acme.enter(acme.builder)
    renewal = actions.renew_waiver(waiver, ends_at=waiver.ends_at + timedelta(days=90), reason="More.", by=acme.builder)
    assert renewal.starts_at == waiver.ends_at and renewal.renewal_of == waiver
    waiver = queries.waivers(viewer=acme.builder).get(pk=waiver.pk)
    with pytest.raises(ActionDenied, match="renewed already"):
        actions.renew_waiver(waiver, ends_at=waiver.ends_at + timedelta(days=9), reason="x", by=acme.builder)
    acme.enter(acme.reviewer)
    renewal = actions.approve_waiver(renewal, reason="Once more.", by=acme.reviewer)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="a renewal itself"):
        actions.renew_waiver(renewal, ends_at=renewal.ends_at + timedelta(days=9), reason="x", by=acme.builder)


def test_what_was_rejected_may_be_asked_for_again(acme):
    version = weak(acme)
    waiver = make.waiver(acme, version)
    acme.enter(acme.reviewer)
    actions.reject_waiver(waiver, reason="No measure.", by=acme.reviewer)
    assert make.waiver(acme, version).state == "requested"


@pytest.mark.parametrize(("place", "words"), [(0, "no rule 0"), (99, "no rule 99"), (6, "never waived")])
def test_what_is_no_rule_or_never_waived_is_refused(acme, place, words):
    acme.enter(acme.owner)
    text = built_in("high").split("tests:")[0]
    text = text.replace("    at_least: 0.8\n", "    at_least: 0.8\n    waivable: false\n")
    policy = make.publish(acme, text)
    with pytest.raises(ActionDenied, match=words):
        make.waiver(acme, weak(acme), place)
    assert policy.parsed.rules[5].waivable is False


def test_the_age_of_a_bias_audit_is_never_waived(acme):
    text = built_in("high").split("tests:")[0].replace("rules:\n", "rules:\n  - {document: bias_audit}\n", 1)
    policy = make.publish(acme, text)
    version = weak(acme)
    with pytest.raises(ActionDenied, match="never waived"):
        make.waiver(acme, version, 1)
    assert policy.body["rules"][0] == {"document": "bias_audit"}
    made = make.waiver(acme, version, 2)
    same = (
        "organization_id, project_id, policy_version_id, model_version_id, reason, risk, measure, monitoring, plan, "
        "owner_id, requested_by_id, requested_at, starts_at, ends_at, state, decision_reason, ended_reason"
    )
    copy = f"insert into approvals_waiver ({same}, rule) select {same}, 1 from approvals_waiver where id = %s"
    with pytest.raises(DatabaseError, match="bias audit is never"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(copy, [made.pk])


def test_a_policy_for_other_projects_is_not_waived(acme):
    with pytest.raises(ActionDenied, match="not the policy of this project"):
        actions.ask_waiver(
            acme.project, make.policy(acme, "limited"), 1, owner=acme.second_reviewer, reason="x", risk="x",
            measure="x", monitoring="x", plan="x", ends_at=timezone.now() + timedelta(days=3),
            by=acme.enter(acme.owner).owner,
        )  # fmt: skip


def test_the_register_counts_by_owner(acme):
    first = make.waived(acme, weak(acme))
    second = make.waiver(acme, weak(acme, number=2))
    [row] = queries.counted(viewer=acme.auditor)
    assert (row["open"], row["overdue"], row["renewed"], row["all"]) == (2, 0, 0, 2)
    acme.enter(acme.builder)
    actions.close_waiver(second, reason="Not needed.", by=acme.builder)
    [row] = queries.counted(viewer=acme.auditor)
    assert (row["open"], row["overdue"], row["all"]) == (1, 0, 2)
    assert [one.pk for one in queries.with_status(queries.waivers(viewer=acme.auditor), "active")] == [first.pk]
    acme.enter(acme.builder)
    actions.renew_waiver(first, ends_at=first.ends_at + timedelta(days=9), reason="Once more.", by=acme.builder)
    make.waiver(acme, weak(acme, number=3), owner=acme.owner)
    counts = {row["email"]: (row["open"], row["renewed"], row["all"]) for row in queries.counted(viewer=acme.auditor)}
    assert counts == {acme.second_reviewer.user.email: (2, 1, 3), acme.owner.user.email: (1, 0, 1)}


def test_the_register_is_a_page_and_a_list_over_rest_for_whoever_reads(acme, client):
    make.waived(acme, weak(acme))
    client.force_login(acme.auditor.user)
    page = client.get("/acme/waivers/").content.decode()
    assert "By who answers for them" in page and acme.second_reviewer.user.name in page
    [row] = client.get("/api/v1/acme/waivers/register/").json()["results"]
    assert (row["open"], row["overdue"], row["renewed"], row["all"]) == (1, 0, 0, 1)


def test_at_the_doors_a_waiver_says_all_that_it_must(acme, client):
    """What is left out is asked for by name; with everything there, each is kept and shown."""
    version, json = weak(acme), {"content_type": "application/json"}
    whole = {
        "project": acme.project.slug, "policy": make.policy(acme).pk, "rule": 5, "model_version": version.pk,
        "owner": acme.second_reviewer.pk, "reason": "Too few rows.", "risk": "Errors.", "measure": "A person looks.",
        "monitoring": "Counted weekly.", "plan": "Measured anew.",
        "ends_at": (timezone.now() + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    client.force_login(acme.builder.user)
    for name in whole.keys() - {"model_version"}:
        without = {key: value for key, value in whole.items() if key != name}
        answer = client.post("/api/v1/acme/waivers/", without, **json)
        assert answer.status_code == 400 and name in answer.json()["errors"], name
    page = client.post(f"{acme.project.get_absolute_url()}waivers/new/", {"rule": 5}).content.decode()
    assert page.count("This field is required.") == 7 and not Waiver.objects.exists()
    told = client.post("/api/v1/acme/waivers/", whole, **json).json()
    assert (told["state"], told["monitoring"], told["plan"]) == ("requested", "Counted weekly.", "Measured anew.")
    assert "Counted weekly." in client.get(told["url"]).content.decode()


def test_however_much_is_waived_who_built_it_does_not_sign_and_two_others_do(acme):
    """Segregation, signatures and the record are no rules of a policy: nothing waives them."""
    version = make.reported(acme, without=("performance", "fairness", "privacy", "explainability"))
    policy = make.policy(acme)
    for place, rule in enumerate(policy.parsed.rules, start=1):
        assert rule.noun in ("report", "document", "statement")
        make.waived(acme, version, place)
    approval = make.asked_for(acme, version)
    for person, words in ((acme.builder, "Only reviewers"), (acme.owner, "Only reviewers")):
        acme.enter(person)
        with pytest.raises(NotPermitted, match=words):
            make.sign(approval, person)
    acme.enter(acme.reviewer)  # who approved the waivers had no hand in the model
    make.sign(approval, acme.reviewer)
    with pytest.raises(ActionDenied, match="nobody signs twice"):
        make.sign(approval, acme.reviewer, "approved")
    approval.refresh_from_db()
    assert approval.state == "open"
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    approval.refresh_from_db()
    assert approval.state == "approved"
    assert Record.objects.filter(event="approval.signed").count() == 2


def test_an_accepted_risk_is_a_signature_and_waives_nothing(acme):
    """Two different records: one departs from a rule, the other is within all of them."""
    source = make.policy(acme).source.split("tests:")[0].replace("meaning: validated", "meaning: risk accepted")
    make.publish(acme, source)
    failing = make.asked_for(acme, weak(acme))
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="Approval is shut: 1 of"):
        make.sign(failing, acme.reviewer, "risk accepted")
    passing = make.asked_for(acme, make.reported(acme, number=2))
    acme.enter(acme.reviewer)
    accepted = make.sign(passing, acme.reviewer, "risk accepted")
    assert accepted.meaning == "risk accepted" and not Waiver.objects.exists()
    with pytest.raises(DatabaseError), transaction.atomic():  # and no waiver stands in for that word
        type(accepted).objects.filter(pk=accepted.pk).update(meaning="waived")


@pytest.mark.parametrize(
    ("left", "told"), [(40, []), (29, [30]), (6, [7]), (0, ["over"])], ids=["far", "a month", "a week", "over"]
)
def test_its_owner_is_told_before_it_ends_and_when_it_has(acme, monkeypatch, left, told):
    waiver = make.waived(acme, weak(acme), ends_at=timezone.now() + timedelta(days=80))
    monkeypatch.setattr("django.utils.timezone.now", lambda: waiver.ends_at - timedelta(days=left))
    for _ in range(2):  # and once each, however often a worker looks
        list(notices._of_organization(acme.organization.pk))
    found = [*Record.objects.filter(on_type="waiver", event__in=("waiver.ending", "waiver.expired"))]
    assert [each.facts.get("days", "over") for each in found] == told
    assert all(each.told["owner"] == acme.second_reviewer.user.name for each in found)


# Plain SQL, from somebody who means harm

INSERT = """
insert into approvals_waiver (organization_id, project_id, policy_version_id, rule, model_version_id, reason, risk,
    measure, monitoring, plan, owner_id, requested_by_id, requested_at, starts_at, ends_at, state, decision_reason,
    ended_reason, decided_by_id, renewal_of_id)
values (%(organization)s, %(project)s, %(policy)s, %(rule)s, %(version)s, %(reason)s, 'r', 'm', %(watch)s, 'p',
    %(owner)s, %(by)s,
    now(), now() + %(start)s::interval, now() + %(end)s::interval, %(state)s, '', '', %(decided)s, %(renewal)s)
"""


def forged(acme, version, /, **changed):
    return {
        "organization": acme.organization.pk, "project": acme.project.pk, "policy": make.policy(acme).pk, "rule": 5,
        "version": version.pk, "reason": "r", "owner": acme.second_reviewer.pk, "by": acme.builder.pk,
        "watch": "w", "start": "0 days", "end": "30 days", "state": "requested", "decided": None, "renewal": None,
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"state": "approved"}, "begins as a request"),
        ({"decided": "reviewer"}, "begins as a request"),
        ({"by": "reviewer"}, "in their own name"),
        ({"owner": "builder"}, "is not its owner"),
        ({"owner": "auditor"}, "may act"),
        ({"end": "91 days"}, "within 90 days"),
        ({"start": "-80 days", "end": "11 days"}, "within 90 days"),
        ({"start": "-3 days", "end": "-1 days"}, "within 90 days"),
        ({"start": "400 days", "end": "401 days"}, "within 90 days"),
        ({"rule": 0}, "of a rule"),
        ({"rule": 77}, "of a rule"),
        ({"reason": "  "}, "says its reason"),
        ({"watch": " "}, "says how it is watched"),
        ({"end": None}, "null value"),
        ({"version": 0}, "of a rule"),
        ({"policy": "limited"}, "of a rule"),
        ({"renewal": 0}, "renewed once"),
    ],
)
def test_a_forged_waiver_is_refused(acme, changed, words):
    version = weak(acme)
    stand_ins = {
        "reviewer": acme.reviewer.pk, "builder": acme.builder.pk, "auditor": acme.auditor.pk,
        "limited": make.policy(acme, "limited").pk, 0: 0,
    }  # fmt: skip
    values = forged(acme, version, **changed)
    values = {
        key: stand_ins.get(value, value) if key in changed and key != "rule" else value for key, value in values.items()
    }
    honest = forged(acme, version)
    acme.enter(acme.builder)
    with pytest.raises(DatabaseError, match=words), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, values)
    with connection.cursor() as cursor:  # the honest one is let in, so that each refusal is refused for its own reason
        cursor.execute(INSERT, honest)
    assert Waiver.objects.get().state == "requested"


@pytest.mark.parametrize(
    "change",
    ["ends_at = ends_at + interval '1 day'", "rule = 6", "reason = 'x'", "owner_id = requested_by_id",
     "requested_by_id = owner_id", "model_version_id = null", "renewal_of_id = id"],
)  # fmt: skip
@pytest.mark.parametrize("state", ["requested", "approved"])
def test_a_waiver_is_never_changed(acme, state, change):
    (make.waiver if state == "requested" else make.waived)(acme, weak(acme))
    assert "A waiver" in attack(f"update approvals_waiver set {change}")


def test_a_waiver_is_never_deleted(acme):
    make.waived(acme, weak(acme))
    assert "cannot be changed or deleted" in attack("delete from approvals_waiver")


@pytest.mark.parametrize(
    ("before", "state"),
    [("requested", "revoked"), ("approved", "requested"), ("approved", "rejected"), ("rejected", "approved"),
     ("revoked", "approved"), ("closed", "approved")],
)  # fmt: skip
def test_no_state_is_claimed(acme, before, state):
    version = weak(acme)
    waiver = (make.waiver if before in ("requested", "rejected") else make.waived)(acme, version)
    acme.enter(acme.reviewer)
    if before == "rejected":
        actions.reject_waiver(waiver, reason="x", by=acme.reviewer)
    if before == "revoked":
        actions.revoke_waiver(waiver, reason="x", by=acme.reviewer)
    if before == "closed":
        acme.enter(acme.builder)
        actions.close_waiver(waiver, reason="x", by=acme.builder)
        acme.enter(acme.reviewer)
    assert "does not go from" in attack(
        "update approvals_waiver set state = %s, decided_by_id = %s, decision_reason = 'x', ended_by_id = %s,"
        " ended_reason = 'x'", state, acme.reviewer.pk, acme.reviewer.pk,
    )  # fmt: skip


def test_who_approves_is_kept_when_it_ends(acme):
    waiver = make.waived(acme, weak(acme))
    acme.enter(acme.owner)
    assert "stays decided" in attack(
        "update approvals_waiver set state = 'revoked', ended_by_id = %s, ended_reason = 'x', decided_by_id = %s",
        acme.owner.pk, acme.second_reviewer.pk,
    )  # fmt: skip
    assert waiver.state == "approved"


def test_a_dossier_cannot_claim_a_pass_where_a_rule_is_waived(acme):
    from tests.approvals.database.attacks import ask, question

    version = weak(acme)
    make.waived(acme, version)
    policy = make.policy(acme)
    with pytest.raises(DatabaseError, match="claims a pass"), transaction.atomic():
        ask(question(acme, version, policy, edit=lambda text: text.replace('"verdict":"waived"', '"verdict":"pass"')))
    with pytest.raises(DatabaseError, match="does not say what is so"), transaction.atomic():
        ask(question(acme, version, policy, edit=lambda text: text.replace("Too few rows", "Plenty of rows")))
    ask(question(acme, version, policy))


def test_a_dossier_cannot_claim_a_waiver_that_is_not(acme):
    from tests.approvals.database.attacks import ask, question

    version, policy = weak(acme), make.policy(acme)
    with pytest.raises(DatabaseError, match="claims a pass"), transaction.atomic():
        ask(question(acme, version, policy, edit=lambda text: text.replace('"verdict":"fail"', '"verdict":"waived"')))


def test_a_rival_sees_no_waiver(acme, rival):
    waiver = make.waived(acme, weak(acme))
    rival.enter(rival.reviewer)
    assert not Waiver.objects.filter(pk=waiver.pk).exists()
    with connection.cursor() as cursor:
        cursor.execute("update approvals_waiver set state = 'closed' where id = %s", [waiver.pk])
        assert cursor.rowcount == 0


def test_a_waiver_asked_for_by_two_at_once_is_one(acme):
    version = weak(acme)
    make.waiver(acme, version)
    other = member(acme.organization, "another.builder", Role.BUILDER)
    with pytest.raises(ActionDenied, match="only once"):
        make.waiver(acme, version, by=other)
