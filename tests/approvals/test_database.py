"""The database itself refuses: plain SQL, as the web role, from somebody who means harm."""

import json
import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Reentry
from apps.approvals import queries
from apps.approvals.actions.signing import signed
from apps.approvals.gates.defaults import built_in
from apps.approvals.models import Signature
from apps.common.canonical import canonical, digest
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.projects.models import Project
from tests.approvals import make


def attack(sql: str, *values) -> str:
    """What the database answers; an attack that it lets pass fails the test."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(refusal.value)


def rows(sql: str, *values) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.rowcount


SIGN = """
insert into approvals_signature (id, organization_id, approval_id, signer_id, printed_name, role, decision, meaning,
                                 reason, dossier_digest, signed_at, place, conditions, authentication_id, envelope,
                                 digest, key_id)
values (%(id)s, %(organization)s, %(approval)s, %(signer)s, %(name)s, %(role)s, %(decision)s, %(meaning)s, %(reason)s,
        %(dossier)s, now(), %(place)s, %(conditions)s, %(proof)s, %(envelope)s, %(digest)s, %(key)s)
"""


def signature(approval, signer, meaning="validated", *, read=True, **forged):
    """The columns of an honest signature, but for what is `forged`."""
    if read:
        make.read(approval, signer)
    proof = Reentry.objects.create(user_id=signer.user_id, components=["password"])
    row = queries.approvals(viewer=signer).filter(pk=approval.pk).first() or approval
    case = queries.case(row, viewer=signer)
    honest = signed(case, "sign", meaning, "Because.", proof=proof, by=signer)
    return {
        "id": honest.pk, "organization": approval.organization_id, "approval": approval.pk, "signer": signer.pk,
        "name": signer.user.name, "role": signer.role, "decision": "sign", "meaning": meaning, "reason": "Because.",
        "dossier": approval.dossier_digest, "place": honest.place or 1, "conditions": "[]", "proof": proof.pk,
        "envelope": json.dumps(honest.envelope), "digest": honest.digest, "key": honest.key_id,
    } | forged  # fmt: skip


def forge(approval, signer, meaning="validated", **forged) -> str:
    return insert(signature(approval, signer, meaning, **forged))


def insert(given: dict) -> str:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SIGN, given)
    return str(refusal.value)


def test_the_honest_statement_works(acme):
    """The set-up of every refusal below is right: only the forged part is refused."""
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    with connection.cursor() as cursor:
        cursor.execute(SIGN, signature(approval, acme.reviewer))
    assert Signature.objects.get().signed_at <= timezone.now()


@pytest.mark.parametrize(
    ("forged", "answer"),
    [
        ({"dossier": "0" * 64}, "under another dossier"),
        ({"name": "Somebody Else"}, "printed name is not the signer's"),
        ({"role": "owner"}, "Only a reviewer"),
        ({"reason": "  "}, "gives its reason"),
        ({"meaning": "risk accepted"}, "no further signature of this meaning"),
        ({"meaning": ""}, "names its meaning"),
        ({"decision": "reject"}, "one that refuses has none"),
        ({"organization": 0}, "no open sign-off"),
        ({"place": 2}, "no further signature of this meaning"),
        ({"place": 9}, "no further signature of this meaning"),
        ({"envelope": None}, "carries its envelope"),
        ({"envelope": '{"payload": "e30="}'}, "carries its envelope"),
        ({"reason": "Another reason."}, "does not say what the signature says"),
        ({"digest": "0" * 64}, "not that of the statement"),
        ({"key": "0" * 64}, "does not say what the signature says"),
        ({"proof": 0}, "without proving again who they are"),
        ({"conditions": '[{"text": "x"}]'}, "Conditions belong to"),
    ],
)
def test_a_forged_signature_is_refused(acme, forged, answer):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    assert answer in forge(approval, acme.reviewer, **forged)


def test_nobody_signs_what_they_have_not_opened(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.read(approval, acme.second_reviewer)
    answer = forge(approval, acme.reviewer, read=False)
    assert "Not opened since the request: explainability, fairness, performance, privacy." in answer


def test_a_proof_is_for_one_signature_and_one_person(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    proof = signature(approval, acme.second_reviewer)["proof"]
    assert "without proving again" in forge(approval, acme.reviewer, proof=proof)
    old = Reentry.objects.create(
        user_id=acme.reviewer.user_id, components=["password"], at=timezone.now() - timedelta(minutes=6)
    )
    assert "without proving again" in forge(approval, acme.reviewer, proof=old.pk)
    failed = Reentry.objects.create(user_id=acme.reviewer.user_id)
    assert "without proving again" in forge(approval, acme.reviewer, proof=failed.pk)


def test_who_enrolled_a_second_factor_proves_it_too(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    Authenticator.objects.create(user=acme.reviewer.user, type="totp", data={})
    assert "without proving again" in forge(approval, acme.reviewer)
    both = Reentry.objects.create(user_id=acme.reviewer.user_id, components=["password", "authenticator code"])
    assert "does not say what the signature says" in forge(approval, acme.reviewer, proof=both.pk)


def test_nobody_signs_in_anothers_name(acme):
    approval = make.asked(acme)
    acme.enter(acme.second_reviewer)
    assert "in their own name" in forge(approval, acme.reviewer)


@pytest.mark.parametrize("role", ["owner", "builder", "auditor"])
def test_only_a_reviewer_signs(acme, role):
    approval, member = make.asked(acme), acme.members[role]
    acme.enter(member)
    assert "Only a reviewer" in forge(approval, member)
    assert "Only a reviewer" in forge(approval, member, role="reviewer")


def test_a_reviewer_who_left_does_not_sign(acme):
    approval = make.asked(acme)
    acme.enter(acme.owner)
    rows("update accounts_membership set is_active = false where id = %s", acme.reviewer.pk)
    acme.enter(acme.reviewer)
    assert "Only a reviewer" in forge(approval, acme.reviewer)


@pytest.mark.parametrize("deed", ["trained", "uploaded"])
def test_an_author_does_not_sign(acme, deed):
    make.policy(acme)
    data = make.dataset_version(acme, by=acme.reviewer if deed == "uploaded" else acme.builder)
    version = make.reported(acme, data=data, by=acme.reviewer if deed == "trained" else acme.builder)
    approval = make.asked_for(acme, version)
    acme.enter(acme.reviewer)
    assert "does not sign it" in forge(approval, acme.reviewer)


def test_who_asked_does_not_sign_even_as_a_reviewer(acme):
    approval = make.asked_for_by_second_builder(acme)
    acme.enter(acme.owner)
    rows("update accounts_membership set role = 'reviewer' where id = %s", approval.requested_by_id)
    approval.requested_by.refresh_from_db()
    acme.enter(approval.requested_by)
    assert "Whoever asked" in forge(approval, approval.requested_by)


def test_a_role_gained_after_the_request_does_not_count(acme):
    from apps.accounts import actions as accounts

    approval = make.asked(acme)
    acme.enter(acme.owner)
    accounts.change_role(acme.auditor, role="reviewer", by=acme.owner)
    acme.auditor.refresh_from_db()
    acme.enter(acme.auditor)
    assert "gained after the request" in forge(approval, acme.auditor)


def test_the_same_person_does_not_sign_twice(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    assert "approvals_signature_once" in forge(approval, acme.reviewer, "approved")


def test_a_rivals_reviewer_does_not_sign(acme, rival):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    given = signature(approval, acme.reviewer) | {"signer": rival.reviewer.pk, "name": rival.reviewer.user.name}
    rival.enter(rival.reviewer)
    assert "row-level security" in insert(given) or "Only a reviewer" in insert(given)
    assert "no open sign-off" in insert(given | {"organization": rival.organization.pk})


def test_a_shut_gate_is_not_signed(acme):
    approval = make.asked(acme, without=("privacy",))
    acme.enter(acme.reviewer)
    assert "Not every rule" in forge(approval, acme.reviewer)


@pytest.mark.parametrize("sql", ["update approvals_signature set reason = 'x'", "delete from approvals_signature",
                                 "truncate approvals_signature cascade"])  # fmt: skip
def test_a_signature_is_never_changed(acme, sql):
    make.approved(acme)
    assert "permission denied" in attack(sql) or "cannot be changed" in attack(sql)


@pytest.mark.parametrize(
    "change",
    ["dossier = '{}'", "dossier_digest = repeat('0', 64)", "valid_until = now() + interval '9 years'", "note = 'x'",
     "requested_by_id = requested_by_id + 1", "model_version_id = model_version_id + 1"],
)  # fmt: skip
def test_a_sign_off_is_never_changed(acme, change):
    approval = make.approved(acme)
    assert "only decided" in attack(f"update approvals_approval set {change} where id = %s", approval.pk)


def test_a_sign_off_is_never_deleted(acme):
    approval = make.asked(acme)
    assert "cannot be deleted" in attack("delete from approvals_approval where id = %s", approval.pk)


def test_approval_is_earned(acme):
    approval = make.asked(acme)
    assert "Signatures are missing" in attack(
        "update approvals_approval set state = 'approved' where id = %s", approval.pk
    )
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    assert "Signatures are missing" in attack(
        "update approvals_approval set state = 'approved' where id = %s", approval.pk
    )


def test_the_end_of_validity_is_the_policys(acme):
    approval = make.asked(acme)
    for signer, meaning in ((acme.reviewer, "validated"), (acme.second_reviewer, "approved")):
        acme.enter(signer)
        with connection.cursor() as cursor:
            cursor.execute(SIGN, signature(approval, signer, meaning))
    rows(
        "update approvals_approval set state = 'approved', valid_until = now() + interval '9 years' where id = %s",
        approval.pk,
    )
    approval.refresh_from_db()
    assert (approval.valid_until - timezone.now()).days in (364, 365)


@pytest.mark.parametrize("state", ["returned", "rejected", "withdrawn", "revoked", "nonsense"])
def test_no_state_is_claimed(acme, state):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    answer = attack("update approvals_approval set state = %s, ended_by_id = %s, ended_reason = 'x' where id = %s",
                    state, acme.reviewer.pk, approval.pk)  # fmt: skip
    assert "Nobody signed" in answer or "Only who asked" in answer or "does not go from" in answer


@pytest.mark.parametrize("role", ["owner", "builder", "auditor"])
def test_only_a_reviewer_revokes(acme, role):
    approval, member = make.approved(acme), acme.members[role]
    acme.enter(member)
    sql = "update approvals_approval set state = 'revoked', ended_reason = 'x', ended_by_id = %s where id = %s"
    assert "A reviewer revokes" in attack(sql, member.pk, approval.pk)
    assert "A reviewer revokes" in attack(sql, acme.reviewer.pk, approval.pk)


ASK = """
insert into approvals_approval (organization_id, project_id, model_version_id, policy_version_id, state, note, dossier,
                                dossier_digest, requested_by_id, requested_at, ended_reason)
values (%(organization)s, %(project)s, %(version)s, %(policy)s, %(state)s, '', %(dossier)s, %(digest)s, %(by)s,
        now(), '')
"""


def question(acme, version, policy, /, **forged):
    acme.enter(acme.builder)
    dossier = canonical(queries.draft(version, policy, by=acme.builder, note="", at=timezone.now())).decode()
    dossier = forged.pop("edit", lambda text: text)(dossier)
    return {
        "organization": acme.organization.pk, "project": version.project_id, "version": version.pk, "policy": policy.pk,
        "state": "open", "dossier": dossier, "digest": digest(dossier.encode()), "by": acme.builder.pk,
    } | forged  # fmt: skip


def ask(values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ASK, values)


def better(dossier: str) -> str:
    """The same dossier about other bytes."""
    body = json.loads(dossier)
    body["model"]["artifact_digest"] = "0" * 64
    return canonical(body).decode()


@pytest.mark.parametrize(
    ("forged", "answer"),
    [
        ({"digest": "0" * 64}, "not that of the dossier"),
        ({"edit": better}, "does not say what is so"),
        ({"edit": lambda text: "{}"}, "does not say what is so"),
        ({"state": "approved"}, "begins open"),
        ({"by": "reviewer"}, "in another's name"),
        ({"policy": "limited"}, "for its risk class"),
        ({"version": 0}, "of its own organization"),
    ],
)
def test_a_forged_dossier_is_refused(acme, forged, answer):
    policy, other = make.policy(acme), make.policy(acme, "limited")
    values = question(acme, make.reported(acme), policy, **forged)
    ask({**question(acme, make.reported(acme, number=2), policy), "state": "open"})  # the honest one works
    stand_ins = {"reviewer": acme.reviewer.pk, "limited": other.pk}
    with pytest.raises(DatabaseError, match=answer):
        ask({name: stand_ins.get(value, value) for name, value in values.items()})


def without(kind, changed):
    """The figures that pass, with some of them changed: {(name, of): fields, or None to leave it out}."""
    said = ((figure, changed.get((figure["name"], figure["of"]), {})) for figure in make.figures(kind))
    return [figure | fields for figure, fields in said if fields is not None]


RATIO, OPPORTUNITY = ("demographic_parity_ratio", "race"), ("equal_opportunity_difference", "sex")


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("performance", {("balanced_accuracy", ""): {"low": 0.6499}}),
        ("performance", {("balanced_accuracy", ""): {"low": None}}),
        ("performance", {("balanced_accuracy", ""): {"n": 0}}),
        ("performance", {("balanced_accuracy", ""): {"value": "0.9"}}),
        ("performance", {("balanced_accuracy", ""): None}),
        ("fairness", {RATIO: {"value": 0.79}}),
        ("fairness", {RATIO: {"smallest_group": 19}}),
        ("fairness", {RATIO: {"smallest_group": None}}),
        ("fairness", {RATIO: {"of": "age"}}),
        ("fairness", {OPPORTUNITY: {"high": 0.21}}),
        ("fairness", {OPPORTUNITY: None}),
        ("privacy", {("membership_auc", ""): {"high": 0.61}}),
    ],
)
def test_a_pass_that_the_reports_do_not_give_cannot_be_claimed(acme, kind, changed):
    policy = make.policy(acme)
    version = make.reported(acme, without=(kind,))
    make.report(version, kind, measured=without(kind, changed))
    values = question(acme, version, policy)
    assert json.loads(values["dossier"])["gates"]["verdict"] != "pass"
    with connection.cursor() as cursor:
        cursor.execute("select approvals_gates_hold(%s, %s)", [version.pk, policy.pk])
        assert cursor.fetchone() == (False,)
    with pytest.raises(DatabaseError, match="claims a pass that the reports do not give"):
        ask(question(acme, version, policy, edit=all_pass))
    ask(values)  # as it is, it may be asked for


def all_pass(dossier: str) -> str:
    body = json.loads(dossier)
    body["gates"] = {"verdict": "pass", "outcomes": [one | {"verdict": "pass"} for one in body["gates"]["outcomes"]]}
    return canonical(body).decode()


def test_a_pass_without_a_report_or_with_an_old_one_cannot_be_claimed(acme):
    policy = make.policy(acme)
    version = make.reported(acme, without=("explainability",))
    with pytest.raises(DatabaseError, match="claims a pass"):
        ask(question(acme, version, policy, edit=all_pass))
    make.report(version, "explainability", finished_at=timezone.now() - timedelta(days=181))
    with pytest.raises(DatabaseError, match="claims a pass"):
        ask(question(acme, version, policy, edit=all_pass))


def test_a_laxer_policy_cannot_be_quoted(acme):
    policy = make.policy(acme)

    def laxer(dossier: str) -> str:
        body = json.loads(dossier)
        body["policy_body"]["rules"] = body["policy_body"]["rules"][:1]
        return canonical(body).decode()

    with pytest.raises(DatabaseError, match="quotes another policy"):
        ask(question(acme, make.reported(acme), policy, edit=laxer))


def test_pairs_are_asked_for_by_the_database_too(acme):
    text = "name: pairs\nrisk_class: high\nvalid_days: 30\nsigners: [{role: reviewer, meaning: approved}]\nrules:\n"
    rule = '  - {report: fairness, figure: demographic_parity_ratio, of: "* & *", at_least: 0.8}\n'
    acme.enter(acme.owner)
    policy = make.publish(acme, text + rule)
    for number, (of, expected) in enumerate([("race & sex", True), ("sex & race", True), ("race", False)], start=1):
        version = make.model_version(acme, number=number)
        make.report(version, "fairness", measured=[make.figure("demographic_parity_ratio", of)])
        verdict = json.loads(question(acme, version, policy)["dossier"])["gates"]["verdict"]
        with connection.cursor() as cursor:
            cursor.execute("select approvals_gates_hold(%s, %s)", [version.pk, policy.pk])
            assert (cursor.fetchone()[0], verdict == "pass") == (expected, expected)


def test_a_rejected_or_revoked_version_is_not_asked_for_again(acme):
    approval = make.approved(acme)
    acme.enter(acme.reviewer)
    rows("update approvals_approval set state = 'revoked', ended_reason = 'x', ended_by_id = %s where id = %s",
         acme.reviewer.pk, approval.pk)  # fmt: skip
    with pytest.raises(DatabaseError, match="that is final"):
        ask(question(acme, approval.model_version, approval.policy_version))


@pytest.mark.parametrize(
    "sql",
    [
        "update approvals_policyversion set body = '{}'",
        "update approvals_policyversion set source = ''",
        "delete from approvals_policyversion",
        "update approvals_policy set risk_class = 'minimal'",
        "delete from approvals_policy",
    ],
)
def test_a_published_policy_is_never_changed(acme, sql):
    make.policy(acme)
    assert "cannot be changed" in attack(sql)


def test_a_policy_is_proposed_in_ones_own_name_and_stays_withdrawn(acme):
    version = make.policy(acme)
    copy = """insert into approvals_policyversion (organization_id, policy_id, number, source, body, digest,
                  proposed_at, proposed_by_id, published_at, published_by_id)
              select organization_id, policy_id, 2, source, body, digest, %s, %s, %s, %s from approvals_policyversion"""
    now = timezone.now()
    acme.enter(acme.builder)
    assert "in their own name" in attack(copy, now, acme.owner.pk, None, None)
    assert "An owner proposes" in attack(copy, now, acme.builder.pk, None, None)
    assert "only where there is no other" in attack(copy, None, None, now, None)
    acme.enter(acme.owner)
    assert "a second person publishes it" in attack(copy, now, acme.owner.pk, now, acme.owner.pk)
    assert "An owner proposes" in attack(copy, None, None, now, acme.owner.pk)
    rows("update approvals_policyversion set withdrawn_at = now() where id = %s", version.pk)
    assert "stays withdrawn" in attack(
        "update approvals_policyversion set withdrawn_at = null where id = %s", version.pk
    )


@pytest.mark.parametrize(
    ("who", "answer"),
    [
        (lambda acme: acme.owner, "Who proposed a policy does not publish it"),
        (lambda acme: acme.builder, "An owner or a reviewer publishes"),
        (lambda acme: acme.auditor, "An owner or a reviewer publishes"),
        (lambda acme: None, "An owner or a reviewer publishes"),
    ],
)
def test_nobody_publishes_a_policy_alone(acme, who, answer):
    proposed = make.propose(acme, built_in("high"))
    by = who(acme)
    acme.enter(by or acme.reviewer)
    publish = "update approvals_policyversion set published_at = now(), published_by_id = %s where id = %s"
    assert answer in attack(publish, by and by.pk, proposed.pk)
    rows(publish.replace("%s where", "%s where"), acme.enter(acme.reviewer).reviewer.pk, proposed.pk)
    assert "published once" in attack(publish, acme.reviewer.pk, proposed.pk)


def test_nothing_is_asked_for_under_a_proposal_or_an_older_version(acme):
    first, version = make.policy(acme), make.reported(acme)
    second = make.propose(acme, first.source.replace("365", "30"))
    acme.enter(acme.builder)
    with pytest.raises(DatabaseError, match="a policy for its risk class"):
        ask(question(acme, version, first, policy=second.pk))
    acme.enter(acme.reviewer)
    rows("update approvals_policyversion set published_at = now(), published_by_id = %s where id = %s",
         acme.reviewer.pk, second.pk)  # fmt: skip
    acme.enter(acme.builder)
    with pytest.raises(DatabaseError, match="A newer version of this policy"):
        ask(question(acme, version, first))


# Stale by itself: whatever it binds moves, the sign-off stops standing, in the database and in words alike.


def change_project(approval, **fields):
    Project.objects.filter(pk=approval.project_id).update(**fields)


def change_data(approval, **fields):
    DatasetVersion.objects.filter(pk=approval.model_version.dataset_version_id).update(**fields)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: change_project(a, risk_class="limited"), "risk class was high and is now limited"),
        (lambda a: change_project(a, answers={"minors": True}), "answer to “minors”"),
        (lambda a: change_project(a, purpose="Something else."), "purpose was rewritten"),
        (lambda a: change_project(a, closed_at=timezone.now()), "project was closed"),
        (lambda a: change_data(a, withdrawn_at=timezone.now()), "loanapp version 1 was withdrawn"),
        (lambda a: ModelVersion.objects.filter(pk=a.model_version_id).update(retired_at=timezone.now()), "was retired"),
        (
            lambda a: make.report(a.model_version, "fairness", measured=[make.figure("x")]),
            "fairness report .* was superseded",
        ),
        (
            lambda a: rows("update approvals_policyversion set withdrawn_at = now()"),
            "policy high-risk version 1 was withdrawn",
        ),
    ],
)
def test_a_sign_off_goes_stale_by_itself(acme, change, sentence):
    approval = make.approved(acme)
    assert queries.case(queries.approvals(viewer=acme.builder).get()).stands
    change(approval)
    case = queries.case(queries.approvals(viewer=acme.builder).get())
    assert not case.stands and not case.approval.stands and case.status == "stale"
    assert any(re.search(sentence, said) for said in case.changes), case.changes


def test_a_newer_policy_leaves_what_was_signed_under_the_older(acme):
    approval = make.approved(acme)
    acme.enter(acme.owner)
    make.publish(acme, approval.policy_version.source.replace("365", "30"))
    assert queries.case(queries.approvals(viewer=acme.owner).get()).stands


def test_a_report_of_the_same_figures_changes_nothing(acme):
    approval = make.approved(acme)
    make.report(approval.model_version, "fairness")
    assert queries.case(queries.approvals(viewer=acme.builder).get()).stands


def test_a_rival_learns_nothing(acme, rival):
    approval = make.approved(acme)
    rival.enter(rival.owner)
    assert not queries.approvals(viewer=rival.owner).exists()
    assert queries.hands(approval.model_version_id) == {}
    with connection.cursor() as cursor:
        cursor.execute("select approvals_bound(%s, %s), approvals_stands(%s)",
                       [approval.model_version_id, approval.policy_version_id, approval.pk])  # fmt: skip
        assert cursor.fetchone() == (None, False)
