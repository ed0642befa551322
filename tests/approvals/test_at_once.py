"""Several at the same moment, on real connections: one result, and the other gets a clear answer."""

from threading import Barrier

import pytest
from django.db import transaction

from apps.approvals import actions, queries
from apps.approvals.models import Approval, PolicyVersion, Signature
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput
from apps.common.tenancy import become
from apps.datasets.models import DatasetVersion
from tests.accounts.test_idempotency import at_once
from tests.approvals import make
from tests.make import PASSWORD


def attempt(by, act) -> str:
    """What came of an action in a transaction of its own: "done", or the refusal."""
    try:
        with transaction.atomic():
            become(by.organization_id, by.user_id)
            act()
    except (ActionDenied, BadInput) as refusal:
        return str(refusal)
    return "done"


def together(*attempts) -> list[str]:
    """Each attempt in a thread of its own, let go at the same moment."""
    waiting, gate = list(attempts), Barrier(len(attempts))

    def one():
        act = waiting.pop()
        gate.wait()
        return act()

    return at_once(one, len(attempts))


@pytest.fixture
def approval(standing):
    with transaction.atomic():
        return make.asked(standing)


def signing(approval, by, meaning):
    return lambda: attempt(by, lambda: make.sign(approval, by, meaning))


def test_two_reviewers_with_the_same_meaning(standing, approval):
    found = together(*(signing(approval, by, "validated") for by in (standing.reviewer, standing.second_reviewer)))
    assert found.count("done") == 1, found
    assert any("took this place already; still open: “I approve deployment”" in answer for answer in found), found
    with transaction.atomic():
        standing.enter()
        assert Signature.objects.count() == 1


def test_two_reviewers_complete_it_together(standing, approval):
    found = together(
        signing(approval, standing.reviewer, "validated"), signing(approval, standing.second_reviewer, "approved")
    )
    assert found == ["done", "done"]
    with transaction.atomic():
        standing.enter()
        assert queries.approvals(viewer=standing.owner).get().stands
        assert Record.objects.filter(event="approval.approved").count() == 1


def test_one_reviewer_presses_twice(standing, approval):
    found = together(*[signing(approval, standing.reviewer, "validated")] * 3)
    assert found.count("done") == 1 and sum("nobody signs twice" in answer for answer in found) == 2, found
    with transaction.atomic():
        standing.enter()
        assert Record.objects.filter(event="approval.signed").count() == 1


def test_one_signs_while_the_other_rejects(standing, approval):
    given = {"reason": "No.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    by = standing.second_reviewer
    rejecting = lambda: attempt(by, lambda: actions.reject(approval, by=by, **given))  # noqa: E731
    found = together(signing(approval, standing.reviewer, "validated"), rejecting)
    assert set(found) <= {"done"} or any("took this place already" in answer for answer in found), found
    with transaction.atomic():
        standing.enter()
        assert Approval.objects.get().state == ("rejected" if set(found) == {"done"} else "open")


def test_who_asked_withdraws_while_a_reviewer_signs(standing, approval):
    by = standing.builder
    withdrawing = lambda: attempt(by, lambda: actions.withdraw(approval, reason="Wait.", by=by))  # noqa: E731
    found = together(withdrawing, signing(approval, standing.reviewer, "validated"))
    assert set(found) <= {"done"} or any("Builder has withdrawn it" in answer for answer in found), found
    with transaction.atomic():
        standing.enter()
        assert Approval.objects.get().state == "withdrawn"


def test_the_last_signature_meets_a_change_of_the_data(standing, approval):
    """Whichever comes first, nothing stands afterwards that does not say what is so."""
    with transaction.atomic():
        standing.enter(standing.reviewer)
        make.sign(approval, standing.reviewer)

    def withdraw():
        return attempt(standing.owner, lambda: DatasetVersion.objects.update(withdrawn_at=approval.requested_at))

    together(withdraw, signing(approval, standing.second_reviewer, "approved"))
    with transaction.atomic():
        standing.enter()
        assert not queries.approvals(viewer=standing.owner).get().stands


def test_one_version_is_asked_for_once(standing):
    with transaction.atomic():
        make.policy(standing)
        version = make.reported(standing)
    by = standing.builder
    found = together(*[lambda: attempt(by, lambda: actions.ask(version, note="", by=by))] * 3)
    assert found.count("done") == 1, found
    assert all("in review already" in answer or "at this moment" in answer for answer in found if answer != "done")
    with transaction.atomic():
        standing.enter()
        assert Approval.objects.count() == Record.objects.filter(event="approval.asked").count() == 1


def test_the_built_in_policy_comes_into_force_once(standing):
    with transaction.atomic():
        standing.enter(standing.builder)
        versions = [make.reported(standing, number=number) for number in (1, 2, 3)]
    by = standing.builder
    found = together(*(lambda v=v: attempt(by, lambda: actions.ask(v, note="", by=by)) for v in versions))
    assert found == ["done"] * 3
    with transaction.atomic():
        standing.enter()
        assert PolicyVersion.objects.count() == Record.objects.filter(event="policy.adopted").count() == 1


def test_policies_are_numbered_one_after_the_other(standing):
    with transaction.atomic():
        source = make.policy(standing).source
    by = standing.owner
    texts = [source.replace("365", str(days)) for days in (100, 200, 300)]
    found = together(*(lambda t=t: attempt(by, lambda: actions.propose(t, by=by)) for t in texts))
    assert found == ["done"] * 3
    with transaction.atomic():
        standing.enter()
        assert sorted(PolicyVersion.objects.values_list("number", flat=True)) == [1, 2, 3, 4]
