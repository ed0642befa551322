"""The database itself refuses a name that has no right to stand under a sign-off."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Reentry
from apps.approvals.models import Signature
from tests.approvals import make
from tests.approvals.database.attacks import SIGN, attack, forge, insert, rows, signature


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
