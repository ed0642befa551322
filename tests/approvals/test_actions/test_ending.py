"""Withdrawing, revoking and taking away: state and record together, or neither."""

import pytest

from apps.approvals import actions
from apps.approvals.models import Approval
from apps.audits.models import Record
from apps.common.errors import ActionDenied, NotPermitted
from tests.approvals import make
from tests.approvals.test_actions import events


def test_who_asked_withdraws(acme):
    approval = make.asked(acme)
    actions.withdraw(approval, reason="Wrong version.", by=acme.builder)
    approval.refresh_from_db()
    assert (approval.state, approval.ended_by, events(approval)[-1]) == (
        "withdrawn",
        acme.builder,
        "approval.withdrawn",
    )
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="Builder has withdrawn it"):
        make.sign(approval, acme.reviewer)


def test_a_reviewer_revokes_finally(acme):
    approval = make.approved(acme)
    acme.enter(acme.reviewer)
    actions.revoke(approval, reason="Complaints.", by=acme.reviewer)
    approval.refresh_from_db()
    assert (approval.state, approval.ended_reason, events(approval)[-1]) == (
        "revoked",
        "Complaints.",
        "approval.revoked",
    )
    with pytest.raises(ActionDenied, match="You revoked this sign-off already"):
        actions.revoke(approval, reason="Again.", by=acme.reviewer)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="that is final"):
        actions.ask(approval.model_version, note="", by=acme.builder)


@pytest.mark.parametrize("role", ["owner", "builder", "auditor"])
def test_only_reviewers_revoke(acme, role):
    approval, member = make.approved(acme), acme.members[role]
    acme.enter(member)
    with pytest.raises(NotPermitted, match="Only reviewers"):
        actions.revoke(approval, reason="No.", by=member)


def test_a_download_is_remembered(acme):
    approval = make.asked(acme)
    acme.enter(acme.auditor)
    actions.download(approval, form="json", by=acme.auditor)
    assert events(approval)[-1] == "approval.downloaded"


def test_a_refusal_leaves_nothing_but_its_record(acme):
    make.policy(acme)
    version = make.reported(acme)
    acme.enter(acme.auditor)
    before = Record.objects.count()
    with pytest.raises(NotPermitted):
        actions.ask(version, note="", by=acme.auditor)
    left = Record.objects.order_by("seq").values_list("event", flat=True)[before:]
    assert not Approval.objects.exists() and list(left) == ["action.refused"]
