"""The main job by people at browsers, on the 48,842 answers of the Adult census set: owner, builder, two reviewers and
an auditor; at each gate somebody is refused, with the reason on the page. The chapters are told in order."""

import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from portal.demo.client import Refused
from tests.journeys.browser import SLOW

BUILDER, OWNER, FIRST, SECOND, AUDITOR = "Ben Ortiz", "Olivia Grant", "Rita Chen", "Ravi Menon", "Ada Nkemelu"
PROJECT = "/harbor/savings-advice/"
YES = (
    "used in biometrics", "play a part in decisions", "identified or identifiable people", "use it ourselves",
)  # fmt: skip
POLICY = """\
name: savings-advice
summary: Advice on savings plans. Every report is present, and two reviewers sign.
risk_class: high
valid_days: 180
rules:
  - report: performance
    figure: balanced_accuracy
    bound: lower
    at_least: 0.65
  - report: fairness
    figure: equal_opportunity_difference
    of: sex
    bound: upper
    at_most: 0.2
  - report: privacy
    figure: membership_auc
    bound: upper
    at_most: 0.6
  - report: explainability
signers:
  - role: reviewer
    meaning: validated
  - role: reviewer
    meaning: approved
"""


def test_01_the_owner_adopts_a_policy_and_others_may_not(visitor):
    ben = visitor(BUILDER)
    ben.go("/harbor/policies/new/")
    ben.is_shut("Propose", "Only owners of this organization")
    olivia = visitor(OWNER)
    olivia.go("/harbor/policies/")
    for button in olivia.page.get_by_role("button", name="Adopt the built-in one").all()[:1]:
        button.click()
    olivia.go("/harbor/policies/")
    olivia.look()


def test_02_the_builder_opens_a_project_by_its_answers(visitor):
    ada = visitor(AUDITOR)
    ada.go("/harbor/projects/new/")
    ada.is_shut("Open the project", "Only owners and builders of this organization open projects")
    ben = visitor(BUILDER)
    ben.go("/harbor/projects/new/")
    ben.fill("Name", "Savings advice")
    ben.fill("Purpose", "Advise who is offered a savings plan, from answers to the census.")
    for question in ben.page.locator("#questions fieldset").all():
        words = question.locator("legend").inner_text()
        question.get_by_label("Yes" if any(part in words for part in YES) else "No", exact=True).check()
    ben.reads("High, because it is used in an area of Annex III")
    ben.look()
    ben.press("Open the project")
    ben.reads("Where does Savings advice stand?")
    ben.look()


def test_03_data_is_refused_whole_or_kept_whole(visitor, shared_data, tmp_path, said):
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("age,income\n39,<=50K\n50,<=50K,extra\n")
    ada = visitor(AUDITOR)
    ada.go(PROJECT + "datasets/new/")
    ada.is_shut("Add data", "Only builders of this organization upload data")
    ben = visitor(BUILDER)
    ben.go(PROJECT + "datasets/new/")
    ben.fill("Name", "adult")
    ben.page.get_by_label("CSV or Parquet file").set_input_files(ragged)
    ben.press("Add data")
    ben.reads(re.compile("row 3", re.I))
    expect(ben.page.get_by_label("Name")).to_have_value("adult")
    ben.look()
    for name, file in (("adult", "adult-train.csv"), ("adult-test", "adult-test.csv")):
        ben.go(PROJECT + "datasets/new/")
        ben.fill("Name", name)
        ben.page.get_by_label("CSV or Parquet file").set_input_files(shared_data / file)
        ben.press("Add data")
        ben.page.wait_for_url(re.compile(r"/datasets/\d+/$"))
        said[name] = urlsplit(ben.page.url).path
    expect(ben.page.locator(".digest[data-digest^='74f0a89620cd']").first).to_be_visible()
    ben.look()


def test_04_data_is_declared_once(visitor, said):
    ben = visitor(BUILDER)
    for name, favourable in (("adult", ">50K"), ("adult-test", ">50K.")):
        ben.go(said[name])
        ben.reads("the gravest first", within=SLOW)
        ben.go(said[name] + "declaration/")
        ben.choose("Target: the column to predict", "income")
        ben.fill("Favourable value", "more than 50K")
        ben.fill("Other marks of missing values", "?")
        for column, role in (("sex", "Sensitive"), ("race", "Sensitive"), ("fnlwgt", "Leave out")):
            ben.page.get_by_label(f"Role of {column}").select_option(label=role)
        ben.press("Declare")
        ben.is_refused("more than 50K")
        expect(ben.page.get_by_label("Role of race")).to_have_value("sensitive")
        ben.fill("Favourable value", favourable)
        ben.press("Declare")
        ben.reads("A model learns to predict income")
    ben.go(said["adult"] + "declaration/")
    ben.is_shut("Declare", "declared")
    ben.go(said["adult"])
    ben.reads("gives away the sensitive attribute", within=SLOW)
    ben.look()


def test_05_a_worker_trains_and_the_page_tells_how_far_it_is(visitor, said):
    rita = visitor(FIRST)
    rita.go(PROJECT + "runs/new/")
    rita.is_shut("Launch the run", "Only builders of this organization launch training runs")
    ben = visitor(BUILDER)
    ben.go(PROJECT + "runs/new/")
    ben.fill("Model", "savings")
    for label, data in (("Learns from", "adult v1"), ("Tested on", "adult-test v1")):
        options = ben.field(label).locator("option").all_inner_texts()
        ben.choose(label, next(option for option in options if option.startswith(data)))
    ben.look()
    ben.press("Launch the run")
    ben.reads("It finished as savings v1", within=SLOW)
    ben.look()
    ben.follow("See the model")
    said["model"] = urlsplit(ben.page.url).path
    ben.reads("What is savings v1?")
    ben.look()


def test_06_without_reports_the_gate_is_shut(visitor):
    ben = visitor(BUILDER)
    ben.go(PROJECT + "approvals/new/")
    ben.follow("savings v1")
    ben.reads(re.compile(r"rules do not pass yet"))
    expect(ben.page.locator(".stamp", has_text="missing").first).to_be_visible()
    ben.look()


def test_07_reports_are_measured_by_the_portal(visitor, said):
    ada = visitor(AUDITOR)
    ada.go(PROJECT + "reports/")
    ada.is_shut("Measure", "Only builders and reviewers of this organization ask for reports")
    ben = visitor(BUILDER)
    ben.go(PROJECT + "reports/")
    ben.press("Measure")
    ben.page.goto(ben.portal + PROJECT + "reports/")
    expect(ben.page.locator("#list .stamp", has_text=re.compile("running|queued"))).to_have_count(0, timeout=SLOW)
    ben.go(PROJECT + "reports/")
    ben.look()
    for kind, answer in (
        ("Fairness", "is selected at 0.319 of the rate of Male"),
        ("Performance", "accuracy"),
        ("Privacy", "no guarantee"),
        ("Explainability", "SHAP"),
    ):
        ben.go(PROJECT + "reports/")
        ben.follow(kind)
        ben.reads(re.compile(re.escape(answer), re.I))
        ben.reads("recomputed by the portal")
        ben.look()
        with ben.page.expect_download() as pdf:
            ben.follow("PDF")
        assert pdf.value.path().read_bytes().startswith(b"%PDF-")


def test_08_under_the_built_in_policy_the_model_is_sent_back(visitor, said):
    ben = visitor(BUILDER)
    ben.go(PROJECT + "approvals/new/")
    ben.follow("savings v1")
    ben.fill("To the reviewers", "Sexes differ in the census, and so they do in the model.")
    ben.press("Ask for sign-off")
    said["first"] = urlsplit(ben.page.url).path
    ben.reads("It cannot be signed like this.")
    ben.is_shut("Sign", "reviewers of this organization sign")
    rita = visitor(FIRST)
    rita.go("/harbor/")
    rita.follow("savings v1 waits for a signature")
    rita.is_refused("Approval is shut")
    rita.tick("What your name is to mean", "I send it back: it may be asked for again once it is better")
    rita.fill("Reason", "Four fifths is the wrong yardstick here; the policy has to say which one is right.")
    rita.fill("Your password", "not hers")
    rita.press("Send back or reject")
    rita.is_refused("password")
    expect(rita.page.get_by_label("Reason")).to_have_value(re.compile("wrong yardstick"))
    rita.tick("What your name is to mean", "I send it back: it may be asked for again once it is better")
    rita.fill("Your password", rita.person["password"])
    rita.press("Send back or reject")
    rita.reads(re.compile("Rita Chen sent it back"))
    rita.look()


def test_09_two_owners_publish_a_policy_of_their_own(visitor):
    olivia = visitor(OWNER)
    olivia.go("/harbor/policies/new/")
    olivia.fill("Policy, in YAML", POLICY.replace("at_most: 0.6", "at_most: many"))
    olivia.press("Propose")
    olivia.is_refused("line 18")
    expect(olivia.page.get_by_label("Policy, in YAML")).to_have_value(re.compile("at_most: many"))
    olivia.look()
    olivia.fill("Policy, in YAML", POLICY)
    olivia.press("Propose")
    olivia.is_shut("Publish it", "You proposed it; a second person publishes it")
    olivia.look()
    omar = visitor("Omar Haddad")
    omar.go(urlsplit(olivia.page.url).path)
    omar.press("Publish it")
    omar.reads("in force for what is asked from now on")
    omar.look()


def test_10_two_reviewers_sign_and_nobody_else(visitor, said):
    ben = visitor(BUILDER)
    ben.go(PROJECT + "approvals/new/")
    ben.follow("savings v1")
    ben.press("Ask for sign-off")
    said["sign-off"] = urlsplit(ben.page.url).path
    for name, meaning in ((FIRST, "I validated the evidence in this dossier"), (SECOND, "I approve deployment")):
        ben.go(PROJECT + "deployments/new/")
        ben.reads("No sign-off stands")
        reviewer = visitor(name)
        reviewer.go(said["sign-off"])
        reviewer.is_refused("You have not opened")
        for link in [link.get_attribute("href") for link in reviewer.page.locator("#reading a").all()]:
            reviewer.go(link)
        reviewer.go(said["sign-off"])
        reviewer.tick("What your name is to mean", meaning)
        reviewer.fill("Reason", "I read every report and hold the limits to be met.")
        reviewer.fill("Your password", reviewer.person["password"])
        reviewer.look()
        reviewer.press("Sign")
        reviewer.reads(name)
        expect(reviewer.page.locator(".signers")).to_contain_text(name)
    rita = visitor(FIRST)
    rita.go(said["sign-off"])
    expect(rita.page.get_by_label("Your password")).to_have_count(0)
    rita.reads("Signatures")
    rita.look()


def test_11_what_is_signed_serves_until_the_sign_off_falls(visitor, client_of, said):
    ben = visitor(BUILDER)
    ben.go(PROJECT + "deployments/new/")
    ben.follow("savings v1")
    ben.fill("Name", "savings")
    ben.look()
    ben.press("Deploy")
    ben.reads("Does savings answer?")
    ben.reads(re.compile("^Yes: savings v1 serves"))
    ben.look()
    address = ben.page.url
    number = re.search(r"/deployments/(\d+)/", address).group(1)
    ask = {"rows": [{}]}
    with pytest.raises(Refused) as refused:
        client_of(BUILDER).post(f"deployments/{number}/predict", **ask)
    assert refused.value.status == 400  # it answers, and says what is missing
    rita = visitor(FIRST)
    rita.go(said["sign-off"])
    rita.page.get_by_text("Revoke the sign-off").click()
    rita.page.get_by_label("Reason").last.fill("The census of 1994 no longer describes our customers.")
    rita.press("Revoke")
    rita.reads("Rita Chen revoked the sign-off")
    revoked_at = time.monotonic()
    while _status(client_of(BUILDER), number, ask) != 409:
        assert time.monotonic() - revoked_at < 10, "it still answers"
    ben.go(address)
    ben.reads(re.compile("^No\\."))
    ben.look()
    ben.go(PROJECT + "deployments/new/")
    ben.reads("No sign-off stands")


def test_12_the_auditor_takes_the_record_away(visitor):
    ada = visitor(AUDITOR)
    ada.go("/harbor/records/verify/")
    ada.press("Verify now")
    ada.reads(re.compile(r"Yes\. All"))
    ada.look()
    ada.go("/harbor/records/")
    for deed in ("verified the record", "revoked a sign-off", "opened a deployment"):
        ada.reads(re.compile(deed))
    ada.look()
    with ada.page.expect_download() as taken:
        ada.page.get_by_role("button", name=re.compile("CSV")).click()
    assert "Savings advice" in taken.value.path().read_text("utf-8-sig")


def _status(client, number, ask):
    try:
        client.post(f"deployments/{number}/predict", **ask)
    except Refused as refused:
        return refused.status
    return 200
