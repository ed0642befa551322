"""What is reported, added, told, released and closed: what comes of it, what the record says, and who is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.approvals import actions as approval_actions
from apps.approvals import queries as approval_queries
from apps.audits import holds
from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.incidents import actions, queries
from apps.incidents.models import Incident, Snapshot
from tests.approvals import make as approvals
from tests.incidents import make

pytestmark = pytest.mark.django_db


def case(acme, incident):
    return queries.case(make.found(acme, incident))


def test_a_report_is_kept_with_its_clocks_and_remembered(acme):
    incident = make.reported(acme, **make.SERIOUS, personal_data=True)
    known = case(acme, incident).known
    assert known.authority_due_at - known.aware_at == timedelta(days=15)
    assert known.protection_due_at - known.aware_at == timedelta(hours=72)
    said = Record.objects.get(event="incident.reported")
    assert (said.on_id, said.facts["answered_yes"]) == (incident.pk, ["fundamental_rights", "personal_data"])
    assert "Forty people" not in str(said.facts)  # free text stays in the entry, under its digest
    assert said.facts["digest"] == known.digest


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"description": "  "}, "description"),
        ({"death": True}, "harm_to_people"),
        ({"aware_at": timezone.now() + timedelta(days=1)}, "aware_at"),
        ({"occurred_at": timezone.now()}, "occurred_at"),
    ],
)
def test_a_report_that_says_too_little_is_refused_by_field(acme, wrong, field):
    with pytest.raises(BadInput) as refused:
        make.reported(acme, **wrong)
    assert field in refused.value.problems
    assert not Incident.objects.exists()


def test_auditors_read_and_report_nothing(acme):
    version = make.version(acme)
    with pytest.raises(NotPermitted, match="Only owners, builders and reviewers"):
        make.reported(acme, [version], by=acme.auditor)


def test_an_amendment_is_a_new_entry_and_the_old_one_stays(acme):
    incident = make.reported(acme)
    first = case(acme, incident).known
    make.amended(acme, incident, personal_data=True, description="Letters were sent to the wrong people.")
    entries = case(acme, incident).entries
    assert [(one.number, one.personal_data) for one in entries] == [(1, False), (2, True)]
    assert entries[0].digest == first.digest and entries[0].description == make.WORDS["description"]
    assert Record.objects.filter(event="incident.amended").count() == 1


def test_an_amendment_wins_no_time_and_loses_no_model(acme):
    incident, other = make.reported(acme), make.version(acme, number=2)
    aware_at = case(acme, incident).known.aware_at
    with pytest.raises(BadInput, match="does not move later"):
        make.amended(acme, incident, aware_at=aware_at + timedelta(minutes=1))
    with pytest.raises(BadInput, match="only grows"):
        make.amended(acme, incident, versions=[other])
    make.amended(acme, incident, aware_at=aware_at - timedelta(minutes=30))


def test_a_serious_one_holds_its_evidence_and_takes_a_snapshot(acme):
    approval = approvals.approved(acme)
    version = approval.model_version
    incident = make.reported(acme, [version], **make.SERIOUS)
    hold = holds.of_incident(acme.organization.pk, incident.pk)
    assert hold.versions == [version.pk] and hold.project_id == acme.project.pk
    assert "nothing is disposed of" in holds.why_not_dispose(acme.organization.pk, acme.project.pk)
    assert "nobody is erased" in holds.why_not_erase(acme.organization.pk)
    evidence = Snapshot.objects.get().body
    assert version.artifact_digest in evidence and approval.dossier_digest in evidence
    said = Record.objects.get(event="hold.placed")
    assert (said.facts["incident"], said.facts["versions"]) == (incident.pk, [version.pk])


def test_one_that_is_not_serious_holds_nothing(acme):
    incident = make.reported(acme)
    assert holds.of_incident(acme.organization.pk, incident.pk) is None
    assert not Snapshot.objects.exists()


def test_what_turns_out_serious_is_held_from_then_on_and_a_hold_reaches_further(acme):
    incident = make.reported(acme)
    make.amended(acme, incident, **make.SERIOUS)
    mine, other = case(acme, incident).known.versions, make.version(acme, model="other", number=2)
    make.amended(acme, incident, versions=[*queries.affected(case(acme, incident)), other])
    hold = holds.of_incident(acme.organization.pk, incident.pk)
    assert hold.versions == sorted([*mine, other.pk])
    assert Snapshot.objects.count() == 2
    make.amended(acme, incident, fundamental_rights=False)  # what is not serious after all
    assert case(acme, incident).held  # is held until two have signed


def test_a_sign_off_falls_and_is_asked_for_anew_after_the_release(acme):
    """WF-APP-4: a serious incident is a reason to certify again."""
    approval = approvals.approved(acme)
    version = approval.model_version
    incident = make.reported(acme, [version], **make.SERIOUS)
    fallen = approval_queries.case(approval_queries.approvals(viewer=acme.owner).get(pk=approval.pk))
    assert not fallen.stands and fallen.status == "stale"
    assert any(f"Incident {incident.pk}" in reason for reason in fallen.reasons)
    acme.enter(acme.builder)
    with pytest.raises(ActionDenied, match="keeps it as evidence"):
        approval_actions.ask(version, note="Again.", by=acme.builder)
    make.told(acme, incident)
    make.released(acme, incident)
    again = approvals.asked_for(acme, version)
    again.refresh_from_db()
    assert again.bound["incidents"] == [incident.pk] and f'"incidents":[{incident.pk}]' in again.dossier
    for signer, meaning in ((acme.reviewer, "validated"), (acme.second_reviewer, "approved")):
        acme.enter(signer)
        approvals.sign(again, signer, meaning)
    assert approval_queries.approvals(viewer=acme.owner).get(pk=again.pk).stands
    assert not approval_queries.approvals(viewer=acme.owner).get(pk=approval.pk).stands


def test_one_that_is_not_serious_takes_no_sign_off_down(acme):
    approval = approvals.approved(acme)
    make.reported(acme, [approval.model_version])
    assert approval_queries.approvals(viewer=acme.owner).get(pk=approval.pk).stands


def test_who_reports_may_suspend_at_once(acme):
    approval = approvals.approved(acme)
    incident = make.reported(acme, [approval.model_version], suspend=True, **make.SERIOUS)
    said = Record.objects.get(event="approval.suspended")
    assert said.on_id == approval.pk and said.facts["reason"].startswith(f"Incident {incident.pk}")
    with pytest.raises(ActionDenied, match="left to suspend"):
        actions.suspend(incident, by=acme.builder)


def test_where_it_took_the_sign_off_down_nothing_is_left_to_suspend(acme):
    incident = make.reported(acme, [approvals.approved(acme).model_version], **make.SERIOUS)
    with pytest.raises(ActionDenied, match="left to suspend"):
        actions.suspend(incident, by=acme.builder)


def test_later_one_click_suspends(acme):
    approval = approvals.approved(acme)
    incident = make.reported(acme, [approval.model_version])
    assert actions.suspend(incident, by=acme.builder) == 1


def test_a_first_report_may_be_incomplete_and_the_final_one_follows_it(acme):
    """WF-INC-3."""
    incident = make.reported(acme, **make.SERIOUS)
    first = make.told(acme, incident, stage="incomplete")
    assert case(acme, incident).clock("authority").status == "incomplete"
    final = make.told(acme, incident)
    assert final.follows == first and case(acme, incident).clock("authority").status == "told"
    with pytest.raises(ActionDenied, match="nothing follows"):
        make.told(acme, incident)
    said = Record.objects.filter(event="incident.notified").order_by("seq")
    assert [(one.facts["stage"], one.facts["duty"]) for one in said] == [
        ("incomplete", "authority"), ("final", "authority"),
    ]  # fmt: skip
    assert "The authority" not in str([one.facts for one in said])  # who was told may be a person


def test_a_deployer_tells_the_provider_first_then_the_importer_then_the_authority(acme):
    """WF-INC-5."""
    acme.project.answers = {"role_deployer": True, "role_provider": False}
    acme.project.save()
    incident = make.reported(acme, **make.SERIOUS)
    assert [clock.duty for clock in case(acme, incident).clocks] == ["provider", "importer", "authority"]
    with pytest.raises(ActionDenied, match="First the provider is told"):
        make.told(acme, incident)
    with pytest.raises(BadInput, match="Give the reason"):
        make.told(acme, incident, "provider", "unreached")
    make.told(acme, incident, "provider", "unreached", note="Its line is dead; a letter was sent.")
    with pytest.raises(ActionDenied, match="First the importer or distributor"):
        make.told(acme, incident)
    make.told(acme, incident, "importer", "needless", note="There is none.")
    make.told(acme, incident)
    assert all(clock.final for clock in case(acme, incident).clocks)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"stage": "needless", "note": "x"}, "stage"),  # of a high-risk system
        ({"stage": "unreached", "note": "x"}, "stage"),
        ({"told_at": timezone.now() + timedelta(days=1)}, "told_at"),
        ({"told_at": timezone.now() - timedelta(days=9)}, "told_at"),
        ({"who": " "}, "who"),
    ],
)
def test_a_notice_that_cannot_be_is_refused_by_field(acme, given, field):
    incident = make.reported(acme, **make.SERIOUS)
    with pytest.raises(BadInput) as refused:
        make.told(acme, incident, **given)
    assert field in refused.value.problems


def test_a_late_notice_says_why(acme):
    now = timezone.now()
    long_ago = {"occurred_at": now - timedelta(days=20), "aware_at": now - timedelta(days=19)}
    incident = make.reported(acme, **make.SERIOUS, **long_ago)
    assert case(acme, incident).overdue and make.found(acme, incident).overdue
    with pytest.raises(BadInput, match="It is late"):
        make.told(acme, incident)
    make.told(acme, incident, note="The desk was closed.")
    clock = case(acme, incident).clock("authority")
    assert (clock.status, make.found(acme, incident).overdue) == ("told, late", False)


def test_no_duty_that_the_facts_do_not_bring_is_met(acme):
    incident = make.reported(acme)
    with pytest.raises(ActionDenied, match="brings no such duty"):
        make.told(acme, incident)


def test_two_people_sign_the_release_and_the_authority_was_told_before(acme):
    incident = make.reported(acme, **make.SERIOUS)
    make.asked(acme, incident)
    acme.enter(acme.owner)
    given = {"reason": "Agreed."} | make.proved(incident)
    with pytest.raises(ActionDenied, match="authority is told before"):
        actions.release(incident, by=acme.owner, **given)
    make.told(acme, incident)
    acme.enter(acme.reviewer)
    with pytest.raises(ActionDenied, match="a second person grants it"):
        actions.release(incident, by=acme.reviewer, **given)
    acme.enter(acme.owner)
    with pytest.raises(BadInput, match="not your password"):
        actions.release(incident, by=acme.owner, **given | {"password": "wrong"})
    assert case(acme, incident).held
    actions.release(incident, by=acme.owner, **given)
    assert not case(acme, incident).held
    with pytest.raises(ActionDenied, match="released already"):
        make.asked(acme, incident)
    events = Record.objects.filter(on_type="legalhold").order_by("seq").values_list("event", flat=True)
    assert list(events) == ["hold.placed", "hold.release-asked", "hold.released"]
    assert holds.why_not_dispose(acme.organization.pk, acme.project.pk) is None


def test_builders_sign_no_release(acme):
    incident = make.reported(acme, **make.SERIOUS)
    with pytest.raises(NotPermitted):
        make.asked(acme, incident, by=acme.builder)


def test_an_evidence_hold_is_not_released_as_a_legal_hold(acme):
    incident = make.reported(acme, **make.SERIOUS)
    hold = holds.of_incident(acme.organization.pk, incident.pk)
    acme.enter(acme.owner)
    with pytest.raises(ActionDenied, match="two people sign its release there"):
        holds.release(hold, reason="x", by=acme.owner)


def test_closing_needs_everything_and_somebody_else(acme):
    """WF-INC-6."""
    incident = make.reported(acme, by=acme.reviewer, **make.SERIOUS)
    with pytest.raises(ActionDenied, match="You reported it"):
        make.closed(acme, incident)
    with pytest.raises(ActionDenied, match="still held"):
        make.closed(acme, incident, by=acme.owner)
    make.told(acme, incident, stage="incomplete")
    make.released(acme, incident)
    with pytest.raises(ActionDenied, match="has not been given the final report"):
        make.closed(acme, incident, by=acme.owner)
    make.told(acme, incident)
    with pytest.raises(BadInput, match="Root cause"):
        make.closed(acme, incident, by=acme.owner, root_cause=" ")
    with pytest.raises(BadInput, match="there is none"):
        make.closed(acme, incident, by=acme.owner)
    assessment = make.assessed(acme)
    signature = make.closed(acme, incident, by=acme.owner)
    assert signature.said["assessment"] == assessment.digest
    assert case(acme, incident).answer.startswith("It is closed")
    assert Record.objects.get(event="incident.closed").facts["statement"] == signature.digest


def test_an_assessment_older_than_the_incident_opens_no_hazard(acme):
    make.assessed(acme)
    incident = make.reported(acme, **make.SERIOUS)
    make.told(acme, incident)
    make.released(acme, incident)
    with pytest.raises(BadInput, match="older than this incident"):
        make.closed(acme, incident)


def test_nothing_is_added_to_what_is_closed(acme):
    incident = make.done(acme, make.reported(acme, **make.SERIOUS))
    make.closed(acme, incident)
    with pytest.raises(ActionDenied, match="closed it on"):
        make.amended(acme, incident)
    with pytest.raises(ActionDenied, match="closed it on"):
        make.told(acme, incident)
    with pytest.raises(ActionDenied, match="closed it on"):
        make.closed(acme, incident, by=acme.owner)


def test_a_register_is_confirmed_in_somebodys_name(acme):
    acme.enter(acme.builder)
    made = actions.confirm(acme.project, note="Asked the desk.", by=acme.builder)
    assert made.incidents == 0
    make.reported(acme)
    assert actions.confirm(acme.project, by=acme.builder).incidents == 1
    assert Record.objects.filter(event="register.confirmed").count() == 2
    with pytest.raises(NotPermitted):
        actions.confirm(acme.project, by=acme.enter(acme.auditor).auditor)


def test_near_and_overdue_duties_are_told_to_the_record_once(acme):
    now, of = timezone.now(), actions.notifying.of_organization
    make.reported(acme, personal_data=True, aware_at=now - timedelta(hours=1))
    assert [of(now), of(now)] == [1, 0]
    assert [of(now + timedelta(hours=60)), of(now + timedelta(hours=60))] == [1, 0]
    assert [of(now + timedelta(hours=80)), of(now + timedelta(hours=90))] == [1, 0]
    said = Record.objects.filter(event__in=["incident.due", "incident.overdue"]).order_by("seq")
    assert [(one.event, one.by_id) for one in said] == [
        ("incident.due", None), ("incident.due", None), ("incident.overdue", None),
    ]  # fmt: skip


def test_what_was_told_is_not_told_of(acme):
    now = timezone.now()
    incident = make.reported(acme, personal_data=True, aware_at=now - timedelta(hours=1))
    make.told(acme, incident, "protection", "incomplete")
    assert actions.notifying.of_organization(now + timedelta(days=9)) == 0
