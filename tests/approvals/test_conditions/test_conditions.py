"""Sign-offs that were given under a condition."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from apps.approvals import actions, rules
from apps.approvals.gates.policy import Conditions
from apps.approvals.models import Signature
from apps.audits.models import Record
from apps.common.errors import ActionDenied, NotPermitted
from apps.deployments import actions as deployments
from tests.approvals import make
from tests.approvals.test_conditions import STABILITY, asked_under, case, notices
from tests.make import PASSWORD


def conditional(
    tenant, *, due=timedelta(days=30), consequence="block", more="conditions: {}", monkeypatch=None, **given
):
    """Signed by both, the second on a condition that was due `due` from now (which may be past)."""
    approval = asked_under(tenant, more, explained=not given.get("check"))
    tenant.enter(tenant.reviewer)
    make.sign(approval, tenant.reviewer)
    tenant.enter(tenant.second_reviewer)
    now = timezone.now()
    make.read(approval, tenant.second_reviewer)
    if due < timedelta(0):  # as if it had been signed before that day
        monkeypatch.setattr("django.utils.timezone.now", lambda: now + 2 * due)
    condition = {"text": "Measure robustness.", "owner": tenant.builder.pk, "due_at": now + due,
                 "consequence": consequence} | given  # fmt: skip
    make.sign(approval, tenant.second_reviewer, "approved", conditions=[condition])
    if due < timedelta(0):
        monkeypatch.undo()
    approval.refresh_from_db()
    return approval


def test_a_sign_off_on_conditions_stands_and_says_so(acme):
    approval = conditional(acme)
    signature = Signature.objects.order_by("pk").last()
    assert signature.meaning == "approved with conditions"
    found = case(approval, acme.auditor)
    assert found.stands and [c.status for c in found.conditions] == ["open"]


@pytest.mark.parametrize(("consequence", "stands"), [("block", False), ("suspend", False), ("escalate", True)])
def test_an_overdue_condition_does_what_it_says(acme, monkeypatch, consequence, stands):
    approval = conditional(acme, due=timedelta(days=-1), consequence=consequence, monkeypatch=monkeypatch)
    found = case(approval, acme.auditor)
    assert (found.stands, found.approval.stands) == (stands, stands)
    assert found.conditions[0].status == "overdue"
    if not stands:
        assert "The condition “Measure robustness.” was due on" in " ".join(found.reasons)
        acme.enter(acme.builder)
        with pytest.raises(ActionDenied, match="Measure robustness"):
            deployments.open_deployment(approval, name="screening", by=acme.builder)
    assert notices() == (2 if not stands else 1) and notices() == 0
    assert Record.objects.filter(event="approval.unmet").count() == 1
    fallen = Record.objects.filter(event="approval.stale")
    assert fallen.count() == (not stands) and all("Measure robustness" in each.facts["reason"] for each in fallen)


@pytest.mark.parametrize(("left", "days"), [(40, None), (29, 30), (6, 7)])
def test_its_owner_is_told_before_it_is_due(acme, left, days):
    approval = conditional(acme, due=timedelta(days=left))
    assert notices() == (1 if days else 0) and notices() == 0
    told = [(each.facts["days"], each.facts["condition"], each.told["owner"]) for each in due()]
    assert told == ([(days, "Measure robustness.", acme.builder.user.name)] if days else [])
    assert case(approval, acme.auditor).stands


def test_of_a_condition_that_is_met_nobody_is_warned(acme):
    approval = conditional(acme, due=timedelta(days=6))
    acme.enter(acme.builder)
    actions.fulfil(approval, 1, evidence="Report 12.", by=acme.builder)
    acme.enter(acme.reviewer)
    actions.confirm(approval, 1, by=acme.reviewer)
    assert notices() == 0


def due():
    return Record.objects.filter(event="approval.due")


def test_a_suspended_one_stands_again_once_it_is_met(acme, monkeypatch):
    approval = conditional(acme, due=timedelta(days=-1), consequence="suspend", monkeypatch=monkeypatch)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="Only Builder, who answers for it"):
        actions.fulfil(approval, 1, evidence="I think so.", by=acme.reviewer)
    with pytest.raises(ActionDenied, match="Nothing is fulfilled yet"):
        actions.confirm(approval, 1, by=acme.reviewer)
    acme.enter(acme.builder)
    actions.fulfil(approval, 1, evidence="Report 12.", by=acme.builder)
    with pytest.raises(NotPermitted, match="Only reviewers"):
        actions.confirm(approval, 1, by=acme.builder)
    assert not case(approval, acme.builder).stands
    acme.enter(acme.reviewer)
    actions.confirm(approval, 1, by=acme.reviewer)
    assert case(approval, acme.reviewer).stands
    told = Record.objects.filter(event__startswith="approval.").order_by("-seq")[:2]
    assert [r.event for r in told] == ["approval.confirmed", "approval.fulfilled"]


def test_a_blocking_one_met_too_late_stays_fallen(acme, monkeypatch):
    approval = conditional(acme, due=timedelta(days=-1), consequence="block", monkeypatch=monkeypatch)
    acme.enter(acme.builder)
    actions.fulfil(approval, 1, evidence="Report 12.", by=acme.builder)
    acme.enter(acme.reviewer)
    actions.confirm(approval, 1, by=acme.reviewer)
    assert not case(approval, acme.reviewer).stands


def test_a_figure_is_checked_by_the_database(acme, monkeypatch):
    given = {"owner": None, "check": STABILITY, "consequence": "suspend", "monkeypatch": monkeypatch}
    approval = conditional(acme, due=timedelta(days=-1), **given)
    for low in (0.8, 0.91):
        assert not case(approval, acme.auditor).stands
        stability = make.figure("stability", value=0.95, low=low, high=0.97)
        make.report(approval.model_version, "explainability", measured=[stability])
    found = case(approval, acme.auditor)
    assert found.stands and found.conditions[0].met
    with pytest.raises(ActionDenied, match="nobody declares it met"):
        actions.fulfil(approval, 1, evidence="x", by=acme.builder)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"more": "deadline_days: 9"}, "lets nobody sign on conditions"),
        ({"due": timedelta(days=99)}, "by .* at the latest"),
        ({"owner": None}, "one of them"),
    ],
)
def test_conditions_keep_to_the_policy(acme, given, words):
    with pytest.raises(ActionDenied, match=words):
        conditional(acme, **given)
    assert Signature.objects.count() == 1


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ({"report": "robustness"}, "“report” cannot be “robustness”. Choose from: performance"),
        ({"figure": "steadiness"}, "measures no “steadiness”. Choose from: stability"),
        ({"at_most": 0.9, "at_least": None}, "“at_least” must be a number"),
        ({"at_least": 1.5}, "lies between 0 and 1; 1.5 cannot be its threshold"),
        ({"of": "race"}, "measured once for the whole model"),
        ({"correction": "holm"}, "The check knows no “correction”"),
        ({"figure": 7}, "“figure” must be text"),
        ({"report": "privacy", "figure": "membership_auc", "bound": "value"}, "write at_most"),
        ({"report": "performance", "figure": "accuracy"}, "rests on the performance report; measured again, it would"),
    ],
)
def test_a_figure_that_is_never_measured_is_no_condition(acme, check, words):
    with pytest.raises(ActionDenied, match=words):
        conditional(acme, owner=None, check=STABILITY | check)
    assert Signature.objects.count() == 1


def test_a_figure_by_a_group_that_the_data_does_not_tell_is_no_condition(acme):
    check = {"report": "fairness", "figure": "demographic_parity_ratio", "bound": "lower", "at_least": 0.8, "of": "age"}
    found = SimpleNamespace(measured=frozenset(), dossier={"sensitive": ["race"]}, now=timezone.now(),
                            policy=SimpleNamespace(conditions=Conditions()))  # fmt: skip
    given = {"text": "Old and young.", "owner": None, "due_at": found.now + timedelta(days=1)}
    for of, words in (("age", "declares no sensitive attribute “age”"), ("*", "name one sensitive attribute")):
        assert words in rules.why_not_conditions(found, [given | {"check": check | {"of": of}}])
    assert rules.why_not_conditions(found, [given | {"check": check | {"of": "race"}}]) is None


def test_conditions_over_pages(client, acme):
    approval = asked_under(acme, "conditions: {at_most: 3}", explained=False)
    make.read(approval, acme.reviewer), make.read(approval, acme.second_reviewer)
    typed = {"choice": "approved", "reason": "Yes, if.", "password": PASSWORD,
             "dossier_digest": approval.dossier_digest,
             "condition-1-text": "Measure robustness.", "condition-1-consequence": "suspend",
             "condition-3-text": "It explains itself.", "condition-3-consequence": "escalate",
             "condition-3-figure": "0"}  # fmt: skip
    client.force_login(acme.reviewer.user)
    page = client.post(approval.get_absolute_url(), typed).content.decode()
    assert "names who answers for it, and by when" in page and "A figure and its threshold go together" in page
    assert "Stability of explanations at least" in page and "Accuracy at least" not in page
    assert page.count("On the condition that") == 3 and Signature.objects.count() == 0
    day = (timezone.now() + timedelta(days=5)).date()
    typed |= {"condition-1-owner": acme.builder.pk, "condition-1-due_on": day, "condition-3-due_on": day}
    page = client.post(approval.get_absolute_url(), typed | {"condition-3-limit": "7"}).content.decode()
    assert "“It explains itself.”: The check: Stability of explanations lies between 0 and 1" in page
    typed["condition-3-limit"] = "0.9"
    assert client.post(approval.get_absolute_url(), typed).status_code == 303
    client.force_login(acme.second_reviewer.user)
    typed = {"choice": "validated", "reason": "Yes.", "password": PASSWORD, "dossier_digest": approval.dossier_digest}
    page = client.post(approval.get_absolute_url(), typed, follow=True).content.decode()
    assert "Measure robustness." in page and "It explains itself." in page and "It is fulfilled" not in page
    assert [said["check"] for said in Signature.objects.first().conditions] == [None, STABILITY]
    client.force_login(acme.builder.user)
    address = approval.get_absolute_url()
    page = client.post(address + "fulfil/", {"condition": 1, "evidence": "Report 7."}, follow=True).content.decode()
    assert "a reviewer confirms it now" in page and "Report 7." in page
    client.force_login(acme.reviewer.user)
    assert "The condition is met." in client.post(address + "confirm/", {"condition": 1}, follow=True).content.decode()
