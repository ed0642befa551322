"""The register's pages: what is overdue first, each step offered to who may take it, and nothing typed is lost."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.approvals import make as approvals
from tests.incidents import make

pytestmark = pytest.mark.django_db
ROOT = "/acme/lending/incidents/"


def page(client, member, where) -> str:
    client.force_login(member.user)
    answer = client.get(where)
    assert answer.status_code == 200
    return answer.content.decode()


def typed(version, **more) -> dict:
    now = timezone.now()
    moments = {"occurred_at": now - timedelta(days=2), "aware_at": now - timedelta(hours=2)}
    flags = {name: "yes" if more.get(name) else "no" for name in make.NO}
    given = {"title": "Refusals", "severity": "major", "model_versions": [version.pk]} | make.WORDS
    return given | {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in moments.items()} | more | flags


def test_the_register_shows_what_is_overdue_first_and_counts(client, acme):
    now = timezone.now()
    late = {"occurred_at": now - timedelta(days=20), "aware_at": now - timedelta(days=19)}
    version = make.version(acme)
    make.reported(acme, [version], title="Long overdue", **make.SERIOUS, **late)
    make.reported(acme, [version], title="A small thing")
    shown = page(client, acme.auditor, "/acme/incidents/")
    assert shown.index("Overdue: somebody was to be told") < shown.index("A small thing")
    assert "Of 2 open incidents, 1 has a duty to tell whose time is over." in shown
    assert "A small thing" not in page(client, acme.auditor, "/acme/incidents/?state=overdue")
    assert "No incident is in this state" in page(client, acme.auditor, "/acme/incidents/?state=closed")


def test_an_incident_is_reported_and_what_follows_stands_on_its_page(client, acme):
    approval = approvals.approved(acme)
    client.force_login(acme.builder.user)
    given = typed(approval.model_version, fundamental_rights=True, personal_data=True, suspend="on")
    answer = client.post(ROOT + "new/", given)
    assert answer.status_code == 303, answer.content.decode()
    shown = page(client, acme.builder, answer["Location"])
    assert "the data protection authority must be told at once" in shown
    assert "The market surveillance authority" in shown and "held" in shown and "suspended" in shown


def test_what_was_typed_is_kept_beside_what_is_missing(client, acme):
    version = make.version(acme)
    client.force_login(acme.builder.user)
    given = typed(version, death=True) | {"description": ""}
    answer = client.post(ROOT + "new/", {name: value for name, value in given.items() if name != "widespread"})
    shown = answer.content.decode()
    assert answer.status_code == 400
    assert "Forty people were refused a loan." in shown and "no answer is assumed" in shown
    answer = client.post(ROOT + "new/", typed(version, death=True))
    assert "A death is harm to a person" in answer.content.decode()


def test_a_project_without_a_model_says_so(client, acme):
    assert "There is no model yet" in page(client, acme.builder, ROOT + "new/")


def test_each_step_is_offered_to_who_may_take_it(client, acme):
    incident = make.reported(acme, **make.SERIOUS)
    where = incident.get_absolute_url()
    assert "Say who was told" in page(client, acme.builder, where)
    assert "Say who was told" not in page(client, acme.auditor, where)
    assert "Ask for the evidence to be released" in page(client, acme.reviewer, where)
    assert "Only owners and reviewers" in page(client, acme.builder, where)

    client.force_login(acme.builder.user)
    told = {"duty": "authority", "stage": "final", "who": "The authority", "how": "Its form", "told_at": ""}
    answer = client.post(where + "notify/", told)
    assert answer.status_code == 400 and "The authority" in answer.content.decode()
    told["told_at"] = f"{timezone.now():%Y-%m-%dT%H:%M:%S}"
    assert client.post(where + "notify/", told).status_code == 303

    signed = make.proved(incident)
    client.force_login(acme.reviewer.user)
    assert f'name="entry_digest" value="{signed["entry_digest"]}"' in page(client, acme.reviewer, where)
    wrong = client.post(where + "ask/", signed | {"reason": "Understood.", "password": "wrong"})
    assert wrong.status_code == 400 and "This is not your password" in wrong.content.decode()
    assert client.post(where + "ask/", signed | {"reason": "Understood."}).status_code == 303
    assert "a second person grants it" in page(client, acme.reviewer, where)
    client.force_login(acme.owner.user)
    assert client.post(where + "release/", signed | {"reason": "Agreed."}).status_code == 303

    make.assessed(acme)
    client.force_login(acme.owner.user)
    answer = client.post(where + "close/", make.CLOSING | signed, follow=True)
    assert "the incident is closed" in answer.content.decode()
    shown = page(client, acme.auditor, where)
    assert "A column leaked." in shown and "Close it" not in shown and "Add what is new" not in shown


def test_an_amendment_begins_with_what_was_known(client, acme):
    incident = make.reported(acme)
    where = incident.get_absolute_url()
    shown = page(client, acme.builder, where + "amend/")
    assert make.WORDS["description"] in shown
    given = typed(make.version(acme, number=9), personal_data=True) | {"reason": "A second complaint."}
    given["entry_digest"] = incident.entries.get().digest
    answer = client.post(where + "amend/", given)
    assert answer.status_code == 400 and "only grows" in answer.content.decode()
    given["model_versions"] += incident.entries.get().versions
    given["aware_at"] = f"{incident.aware_at - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    assert client.post(where + "amend/", given).status_code == 303
    assert "A second complaint." in page(client, acme.auditor, where)


def test_an_amendment_from_a_stale_page_passes_nobodys_entry_over(client, acme):
    incident = make.reported(acme)
    where, began_with = incident.get_absolute_url(), incident.entries.get()
    make.amended(acme, incident, personal_data=True, reason="A second complaint.")
    given = typed(began_with, reason="A third.") | {"model_versions": began_with.versions}
    given |= {"aware_at": f"{incident.aware_at:%Y-%m-%dT%H:%M}", "entry_digest": began_with.digest}
    client.force_login(acme.owner.user)
    answer = client.post(where + "amend/", given)
    shown = answer.content.decode()
    assert answer.status_code == 400 and "Entry 2 counts by now, and it is not the one that you were shown" in shown
    assert "A third." in shown and incident.entries.count() == 2
    newest = re.search(r'name="entry_digest" value="(\w+)"', shown).group(1)  # who has read it adds to it
    assert client.post(where + "amend/", given | {"entry_digest": newest}).status_code == 303


def test_nobody_signs_about_an_entry_that_they_were_not_shown(client, acme):
    incident = make.reported(acme, **make.SERIOUS)
    stale = make.proved(incident) | {"reason": "Understood."}
    make.amended(acme, incident, personal_data=True)
    client.force_login(acme.reviewer.user)
    answer = client.post(incident.get_absolute_url() + "ask/", stale)
    assert answer.status_code == 400 and "not the one that you were shown" in answer.content.decode()
    acme.enter()
    assert not incident.signatures.exists()
    assert client.post(incident.get_absolute_url() + "ask/", stale | make.proved(incident)).status_code == 303


def test_a_register_is_confirmed_on_its_page(client, acme):
    assert "Nobody has looked through this register yet." in page(client, acme.builder, ROOT)
    assert client.post(ROOT + "confirm/", {"note": "Asked the desk."}).status_code == 303
    assert "looked through it" in page(client, acme.auditor, ROOT)


def test_one_click_suspends(client, acme):
    incident = make.reported(acme, [approvals.approved(acme).model_version])
    client.force_login(acme.builder.user)
    answer = client.post(incident.get_absolute_url() + "suspend/", follow=True)
    assert "1 sign-off is suspended" in answer.content.decode()


def test_ids_of_another_organization_are_nothing(client, acme, rival):
    foreign = make.reported(rival)
    acme.enter()
    client.force_login(acme.builder.user)
    assert client.get(f"{ROOT}{foreign.pk}/").status_code == 404
    assert client.get(f"{ROOT}{foreign.pk}/pack.pdf").status_code == 404
    assert client.post(f"{ROOT}{foreign.pk}/notify/", {}).status_code == 404


def test_a_page_asks_as_many_statements_for_many_incidents_as_for_one(client, acme):
    version = make.version(acme)

    def asked(where) -> int:
        client.force_login(acme.owner.user)
        with CaptureQueriesContext(connection) as found:
            assert client.get(where).status_code == 200
        return len(found)

    incident = make.reported(acme, [version], **make.SERIOUS)
    where = incident.get_absolute_url()
    asked("/acme/incidents/")  # what is read once is read by now
    before = asked("/acme/incidents/"), asked(where)
    for number in range(6):
        make.reported(acme, [version], title=f"Another {number}", personal_data=True)
        make.amended(acme, incident)
    make.told(acme, incident, stage="incomplete")
    make.told(acme, incident)
    assert (asked("/acme/incidents/"), asked(where)) == before
