"""The database itself refuses a policy that one person put in force."""

import pytest
from django.db import DatabaseError
from django.utils import timezone

from apps.approvals.gates.defaults import built_in
from tests.approvals import make
from tests.approvals.database.attacks import ask, attack, question, rows


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
