"""What life does to a sign-off: rows from operation break it, figures from outside do not carry it, a serious incident
takes it down and is closed by others than who reported it. Told by people at browsers, the chapters in order."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from portal.demo.client import Refused
from portal.demo.story import DECLARATION, mortgages
from tests.journeys import desk
from tests.journeys.browser import SLOW
from tests.journeys.desk import FIRST

BUILDER, OWNER, SECOND_OWNER, AUDITOR = "Ben Ortiz", "Olivia Grant", "Omar Haddad", "Ada Nkemelu"
PROJECT, ELSEWHERE = "/harbor/afterwards/", "/harbor/elsewhere/"
POLICY = """\
name: afterwards
risk_class: minimal
valid_days: 30
rules:
  - report: performance
    figure: accuracy
    bound: lower
    at_least: 0.7
    provenance: recomputed
  - report: performance
    figure: roc_auc
    at_least: 0.6
    provenance: submitted
signers:
  - role: reviewer
    meaning: validated
  - role: reviewer
    meaning: approved
"""


def from_operation(edit) -> bytes:
    """The decisions of later days: the same people with a dollar more, each row as `edit` leaves it."""
    table = [edit(row | {"appinc": str(float(row["appinc"]) + 1)}) for row in csv.DictReader(_decisions())]
    written = io.StringIO()
    writer = csv.DictWriter(written, table[0])
    writer.writeheader()
    writer.writerows(table)
    return written.getvalue().encode()


def _decisions() -> io.StringIO:
    return io.StringIO(mortgages().decode())


def turned(row: dict) -> dict:
    """Decided the other way round: whatever the model learned is wrong of it."""
    return row | {"approve": str(1 - int(row["approve"]))}


def signed_and_serving(client_of, people, model_version: int, name: str) -> tuple[dict, int]:
    """The sign-off of a model, and the deployment that answers on it."""
    ben = client_of(BUILDER)
    approval = desk.asked(ben, model_version)
    desk.approved(client_of, people, approval)
    deployment = ben.post("deployments/", approval=approval["id"], name=name)["id"]
    assert desk.status(ben, deployment) == 400
    return approval, deployment


def moment(**ago) -> str:
    return f"{datetime.now(UTC) - timedelta(**ago):%Y-%m-%dT%H:%M:%S}"


def test_01_a_model_is_signed_and_serves(client_of, people, said):
    ben = client_of(BUILDER)
    policy = client_of(OWNER).post("policies/", source=POLICY)["id"]
    client_of(SECOND_OWNER).post(f"policies/{policy}/publication/")
    said["models"] = desk.made(ben, name="Afterwards", model="desk", seeds=(31, 32))
    said["approval"], said["deployment"] = signed_and_serving(client_of, people, said["models"][0], "desk")
    for name, edit, declared in (("june", turned, {}), ("contrary", dict, {"favourable": "0"})):
        data = ben.upload("datasets/", f"{name}.csv", from_operation(edit), project="afterwards", name=name)["id"]
        ben.post(f"dataset-versions/{data}/declaration/", **DECLARATION | declared)


# Figures in operation


def test_02_a_figure_out_of_bounds_in_operation_takes_the_sign_off_down(visitor, client_of, said):
    page = said["approval"]["url"] + "operation/"
    ada, ben = visitor(AUDITOR), visitor(BUILDER)
    ada.go(page)
    ada.is_shut("Measure", "Only builders and reviewers of this organization ask for figures in operation")
    ben.go(said["approval"]["url"])
    ben.follow("Measure it on rows from operation")
    ben.reads("Nobody can tell yet")
    ben.choose("Rows from operation", "contrary v1")
    ben.page.get_by_label("Fairness").uncheck()
    ben.fill("First day of the rows", "2026-06-01")
    ben.press("Measure")
    ben.is_refused("declares the favourable value “0”")
    expect(ben.field("First day of the rows")).to_have_value("2026-06-01")
    ben.look()
    ben.choose("Rows from operation", "june v1")
    ben.press("Measure")
    ben.reads("What broke the sign-off", within=SLOW)  # while it is watched, without a reload
    desk.falls_silent(client_of(BUILDER), said["deployment"])
    with pytest.raises(Refused, match="out of bounds"):
        client_of(BUILDER).get(f"deployments/{said['deployment']}/permit/")


def test_03_page_and_record_say_which_figure_and_nothing_is_asked_on_it_again(visitor, said):
    ben = visitor(BUILDER)
    ben.go(said["approval"]["url"])
    ben.reads("No longer: it was signed, and in operation a required figure is out of bounds.")
    ben.reads(re.compile(r"^Rule 1 fails in operation: Accuracy is at least 0\.7\. Measured: 0\.\d+ \(.*\), n = 1,989"))
    ben.look()
    ben.follow("Every report in operation")
    ben.reads("What broke the sign-off")
    ben.look()
    ben.follow("report in operation 1")
    ben.reads(re.compile("No sign-off rests on it"))
    ben.look()
    ben.go(f"{PROJECT}deployments/{said['deployment']}/")
    ben.reads(re.compile("^No\\. .*out of bounds"))
    ben.go(PROJECT + f"approvals/new/?model_version={said['models'][0]}")
    ben.is_shut("Ask for sign-off", "Rule 1 fails in operation")
    ben.reads_in_time("/harbor/records/?verb=approval.broken", "saw a required figure out of bounds in operation")


# Submitted figures


def test_04_figures_from_outside_are_kept_as_such_and_do_not_pass_for_recomputed_ones(visitor, client_of, said):
    [model] = desk.made(client_of(BUILDER), name="Elsewhere", model="outside", seeds=(33,), kind=None)
    rita, ben = visitor(FIRST), visitor(BUILDER)
    rita.go(ELSEWHERE + "reports/submission/")
    rita.is_shut("Submit figures", "Only builders of this organization submit figures")
    ben.go(ELSEWHERE + "reports/")
    ben.follow("Submit figures measured elsewhere")
    for cell, text in (("value", "0.9"), ("interval from", "0.93"), ("to", "0.95")):
        ben.page.get_by_label(f"Accuracy: {cell}", exact=True).fill(text)
    ben.page.get_by_label("ROC AUC: value", exact=True).fill("0.8")
    for label, text in (
        ("Rows measured on", "500"),
        ("Measured by", "Example Labs"),
        ("By which method", "Hold-out, bootstrap of 1,000."),
        ("On which data", "Decisions of the spring, which the model had not seen."),
    ):
        ben.fill(label, text)
    ben.page.get_by_label("Measured on", exact=True).fill(f"{datetime.now(UTC):%Y-%m-%d}")
    ben.press("Submit figures")
    ben.is_refused("interval")
    expect(ben.field("Measured by")).to_have_value("Example Labs")
    ben.look()
    ben.page.get_by_label("Accuracy: interval from", exact=True).fill("0.87")
    ben.press("Submit figures")
    ben.reads(re.compile("submitted", re.I))
    ben.look()
    ben.go(ELSEWHERE + "reports/")
    expect(ben.page.locator("table.rules .stamp", has_text="submitted")).to_have_count(1)
    ben.go(ELSEWHERE + f"approvals/new/?model_version={model}")
    ben.reads("1 of 2 rules does not pass yet")
    rules = ben.page.locator("table.rules tbody tr")
    expect(rules.filter(has_text="Accuracy is at least")).to_contain_text("missing")
    expect(rules.filter(has_text="ROC AUC")).to_contain_text("submitted from outside")


# Incidents


def test_05_a_serious_incident_takes_the_sign_off_down_and_keeps_the_evidence(visitor, client_of, people, said):
    approval, deployment = signed_and_serving(client_of, people, said["models"][1], "desk-2")
    said["second"] = approval["url"]
    ada, ben = visitor(AUDITOR), visitor(BUILDER)
    ada.go(PROJECT + "incidents/new/")
    ada.is_shut("Report it", "Only owners, builders and reviewers")
    ben.go(PROJECT + "incidents/")
    ben.follow("Report an incident")
    ben.fill("In a line, what happened", "Refusals in the north")
    ben.tick("Which model versions it affects", "desk v2")
    ben.fill("When it happened", moment(days=1))
    ben.fill("When somebody here became aware of it", moment(hours=1))
    for label, text in (
        ("How it became known", "A complaint by telephone."),
        ("What came with the report", "Three letters of refusal."),
        ("What happened", "Applicants of one town were refused without exception."),
        ("What it did to whom or what", "Forty people were refused a loan."),
        ("Who is concerned", "Applicants of the north."),
    ):
        ben.page.get_by_label(label, exact=True).fill(text)
    for question in ben.page.locator("fieldset", has_text="Yes").all():
        yes = any(words in question.inner_text() for words in ("fundamental rights", "Did a person die?"))
        question.get_by_label("Yes" if yes else "No", exact=True).check()
    ben.press("Report it")
    ben.is_refused("A death is harm to a person: answer yes here too.")
    expect(ben.field("In a line, what happened")).to_have_value("Refusals in the north")
    ben.look()
    ben.tick("Did a person die?", "No")
    ben.press("Report it")
    ben.reads(re.compile("the market surveillance authority must be told at once"))
    said["incident"] = urlsplit(ben.page.url).path
    desk.falls_silent(client_of(BUILDER), deployment)
    ben.look()
    ben.go(said["second"])
    ben.reads("No longer: it was signed, and then something it covers changed.")
    ben.reads(re.compile("^Incident 1"))
    ben.go(PROJECT + f"approvals/new/?model_version={said['models'][1]}")
    ben.is_shut("Ask for sign-off", "keeps it as evidence")


def test_06_two_sign_the_release_once_the_authority_is_told(visitor, said):
    ben, rita, olivia = visitor(BUILDER), visitor(FIRST), visitor(OWNER)
    rita.go(said["incident"])
    rita.is_shut("Close it", "Its evidence is still held")
    rita.page.get_by_text("Ask for the evidence to be released").click()
    release = rita.page.locator("details", has_text="Ask for the evidence to be released")
    release.get_by_label("Why it may be released").fill("It is understood.")
    release.get_by_label("Your password").fill("not hers")
    rita.press("Sign and ask")
    rita.is_refused("This is not your password")
    expect(release.get_by_label("Why it may be released")).to_have_value("It is understood.")
    rita.look()
    release.get_by_label("Your password").fill(rita.person["password"])
    rita.press("Sign and ask")
    rita.is_shut("Release the evidence", "The market surveillance authority is told before")
    ben.go(said["incident"])
    ben.page.get_by_text("Say who was told").click()
    ben.choose("With what", "the final report")
    for label, text in (
        ("Name of who was told", "The market surveillance authority"),
        ("Through what", "Its form."),
        ("Their reference", "N 7"),
        ("When", moment(minutes=1)),
    ):
        ben.page.locator("details", has_text="Say who was told").get_by_label(label).fill(text)
    ben.press("Keep it")
    ben.reads("It is kept that they were told.")
    rita.go(said["incident"])
    rita.is_shut("Release the evidence", "You asked for its release; a second person grants it.")
    olivia.go(said["incident"])
    olivia.page.get_by_text("Release the evidence").click()
    olivia.fill("Why it may be released", "Agreed.")
    olivia.fill("Your password", olivia.person["password"])
    olivia.press("Sign and release")
    olivia.reads("You signed: the evidence is released.")


def test_07_it_is_closed_by_another_and_asked_for_anew(visitor, client_of, said):
    ben, rita = visitor(BUILDER), visitor(FIRST)
    ben.go(said["incident"])
    ben.is_shut("Close it", "Only owners and reviewers")
    close(rita, said["incident"])
    rita.is_refused("State the project's impact assessment of risks anew")
    assess(client_of(BUILDER))
    close(rita, said["incident"])
    rita.reads("You signed: the incident is closed.")
    rita.reads(re.compile("^It is closed: Rita Chen signed"))
    rita.look()
    for name in ("PDF", "Signed JSON"):
        with rita.page.expect_download() as taken:
            rita.follow(name)
        assert taken.value.path().stat().st_size > 2000
    rita.go("/harbor/incidents/?state=closed")
    rita.follow("Refusals in the north")
    ben.go(PROJECT + f"approvals/new/?model_version={said['models'][1]}")
    ben.press("Ask for sign-off")
    ben.reads(re.compile("^Not yet: every rule passes"))
    ben.go("/harbor/records/?q=incident")
    for deed in ("reported an incident", "closed an incident"):
        ben.reads(re.compile(deed))


def close(person, incident: str) -> None:
    person.go(incident)
    person.page.get_by_text("Close it", exact=True).click()
    for label, text in (
        ("Root cause", "A column leaked."),
        ("Corrective action", "It was left out."),
        ("How it was verified", "Measured again."),
        ("Which hazards it opened again", "Hazard 3, refusal by place."),
    ):
        person.fill(label, text)
    person.fill("Your password", person.person["password"])
    person.press("Sign and close")


def assess(builder) -> None:
    """The risks of the project, stated anew, by program."""
    kind = next(
        one
        for one in builder.get("statement-kinds/")["results"]
        if (one["kind"], one["subtype"]) == ("impact_assessment", "risk")
    )
    answers = {question["name"]: "Said." for question in kind["questions"] if question["needed"]}
    builder.post("statements/", project="afterwards", kind=kind["kind"], subtype=kind["subtype"], answers=answers)
