"""Order, deadlines and conditions; what falls by itself, and what the record is told of it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts import actions as accounts
from apps.approvals import actions, queries, rules
from apps.approvals.gates.policy import Conditions
from apps.approvals.models import Approval, Signature
from apps.audits.models import Record
from apps.common.errors import ActionDenied, NotPermitted
from apps.datasets.models import DatasetVersion
from apps.deployments import actions as deployments
from tests.approvals import make
from tests.make import PASSWORD, member

UNEXPLAINED = "  - report: explainability\n    max_age_days: 180\n"
STABILITY = {"report": "explainability", "figure": "stability", "bound": "lower", "at_least": 0.9}


def asked_under(tenant, more: str, monkeypatch=None, *, ago=timedelta(0), explained=True):
    """A request under the built-in policy with these lines more, made some time ago."""
    source = make.policy(tenant).source
    if not explained:  # its own tests count the rules
        source = source.split("tests:")[0].replace(UNEXPLAINED, "")
    make.publish(tenant, source + "\n" + more)
    version = make.reported(tenant, without=() if explained else ("explainability",))
    tenant.enter(tenant.builder)
    if monkeypatch:
        then = timezone.now() - ago
        monkeypatch.setattr("django.utils.timezone.now", lambda: then)
    approval = actions.ask(version, note="", by=tenant.builder)
    if monkeypatch:
        monkeypatch.undo()
    return approval


def case(approval, viewer):
    return queries.case(queries.approvals(viewer=viewer).get(pk=approval.pk), viewer=viewer)


def notices():
    """A round of the pulse, in this test's own transaction."""
    from apps.approvals.actions import notices as room

    [organization] = set(Approval.objects.values_list("organization_id", flat=True))
    return sum(1 for _ in room._of_organization(organization))


# In order


def test_in_order_the_second_waits_for_the_first(acme):
    approval = asked_under(acme, "order: sequence")
    acme.enter(acme.second_reviewer)
    with pytest.raises(ActionDenied, match="not the turn of “I approve deployment” yet"):
        make.sign(approval, acme.second_reviewer, "approved")
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    approval.refresh_from_db()
    assert approval.state == "approved"


def test_in_order_a_refusal_ends_it_at_once(acme):
    approval = asked_under(acme, "order: sequence")
    acme.enter(acme.reviewer)
    given = {"reason": "No.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    approval.refresh_from_db()
    assert approval.state == "returned"


# Sealed


def test_a_refusal_is_sealed_until_everybody_has_spoken(acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    given = {"reason": "Too few Hispanic applicants.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    approval.refresh_from_db()
    assert approval.state == "open"
    mine, theirs = (case(approval, viewer).seen_by(viewer) for viewer in (acme.reviewer, acme.second_reviewer))
    assert (len(mine), theirs) == (1, ())
    told = "".join(map(str, Record.objects.filter(on_type="approval").values_list("event", "facts")))
    assert "Hispanic" not in told and "return" not in told and "validated" not in told
    acme.enter(acme.second_reviewer)
    make.sign(approval, acme.second_reviewer, "approved")
    approval.refresh_from_db()
    last = Record.objects.filter(on_type="approval").order_by("seq").last()
    assert (approval.state, last.event, last.by_name) == ("returned", "approval.returned", "Assay")
    assert last.facts["reason"] == "Too few Hispanic applicants."
    assert list(last.told["refused_by"].values()) == ["Reviewer"]
    assert len(case(approval, acme.second_reviewer).seen_by(acme.second_reviewer)) == 2


def test_no_page_tells_of_a_refusal_that_is_sealed(client, acme):
    approval = make.asked(acme)
    make.read(approval, acme.reviewer)
    acme.enter(acme.reviewer)
    given = {"reason": "Too few applicants.", "dossier_digest": approval.dossier_digest, "password": PASSWORD}
    actions.send_back(approval, by=acme.reviewer, **given)
    for viewer in (acme.second_reviewer, acme.builder, acme.owner, acme.auditor):
        client.force_login(viewer.user)
        for address in (
            approval.get_absolute_url(),
            "/acme/lending/approvals/",
            "/acme/lending/",
            "/acme/",
            "/acme/records/",
        ):
            page = client.get(address).content.decode()
            assert "Too few" not in page and "sent it back" not in page and "0 of 2" not in page, (viewer, address)


def test_the_page_keeps_a_verdict_from_the_other_reviewer(client, acme):
    approval = make.asked(acme)
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer, reason="Splendid work.")
    for viewer, seen in ((acme.second_reviewer, False), (acme.builder, False), (acme.reviewer, True)):
        client.force_login(viewer.user)
        page = client.get(approval.get_absolute_url()).content.decode()
        assert ("Splendid" in page) is seen and "Reviewer" in page
    pdf = client.get(approval.get_absolute_url() + "sign-off.pdf")
    assert pdf.status_code == 200
    records = client.get("/acme/records/").content.decode()
    assert "Splendid" not in records and "validated" not in records


# Deadlines


def test_after_the_deadline_it_is_sent_back_by_itself(acme, monkeypatch):
    approval = asked_under(acme, "deadline_days: 7\non_deadline: return", monkeypatch, ago=timedelta(days=8))
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="The 7 days to sign it are over"):
        make.sign(approval, acme.reviewer)
    assert notices() == 1 and notices() == 0
    approval.refresh_from_db()
    last = Record.objects.filter(on_type="approval").order_by("seq").last()
    assert (approval.state, last.event, last.by_name) == ("returned", "approval.returned", "Assay")
    assert "0 of 2 verdicts" in last.facts["reason"]


def test_before_the_deadline_nothing_happens(acme, monkeypatch):
    approval = asked_under(acme, "deadline_days: 7\non_deadline: return", monkeypatch, ago=timedelta(days=6))
    assert notices() == 0
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)


def test_a_deadline_that_only_reminds_is_told_once(acme, monkeypatch):
    approval = asked_under(acme, "deadline_days: 7", monkeypatch, ago=timedelta(days=8))
    assert notices() == 1 and notices() == 0
    assert Record.objects.filter(event="approval.overdue", on_id=approval.pk).count() == 1
    acme.enter(acme.reviewer)
    make.sign(approval, acme.reviewer)


# Conditions


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


# What falls is told


def test_a_fall_is_told_to_the_record_once_with_its_sentences(acme):
    approval = make.approved(acme)
    assert notices() == 0
    DatasetVersion.objects.update(withdrawn_at=timezone.now())
    assert notices() == 1 and notices() == 0
    [told] = Record.objects.filter(event="approval.stale")
    assert told.on_id == approval.pk and "was withdrawn" in told.facts["reason"] and told.by_id is None


def test_that_the_owner_left_is_told_once_and_nothing_is_asked_for_until_another_is_named(acme):
    leaving = member(acme.organization, "leaving", "builder")
    type(acme.project).objects.update(owner=leaving)
    acme.project.refresh_from_db()
    approval = make.approved(acme)
    assert notices() == 0
    acme.enter(acme.owner)
    accounts.remove(leaving, by=acme.owner)
    assert notices() == 1 and notices() == 0
    [told] = Record.objects.filter(event="approval.ownerless")
    assert told.on_id == approval.pk and told.told["owner"] == leaving.user.name and told.by_id is None
    again = make.reported(acme, number=2)
    acme.enter(acme.builder)
    again.project.refresh_from_db()
    with pytest.raises(ActionDenied, match="who owns this project, left; name another owner first"):
        actions.ask(again, note="", by=acme.builder)
    type(acme.project).objects.update(owner=acme.builder)
    assert make.asked_for(acme, type(again).objects.get(pk=again.pk)).state == "open"


def test_what_was_told_is_not_taken_back(acme):
    make.approved(acme)
    DatasetVersion.objects.update(withdrawn_at=timezone.now())
    notices()
    with pytest.raises(Exception, match=r"permission denied|cannot be changed"), connection.cursor() as cursor:
        cursor.execute("delete from approvals_notice")
