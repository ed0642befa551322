"""The database itself refuses a state that was not earned."""

import pytest
from django.db import connection
from django.utils import timezone

from tests.approvals import make
from tests.approvals.database.attacks import SIGN, attack, rows, signature


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
