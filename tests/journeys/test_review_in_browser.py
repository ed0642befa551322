"""A review by three people at browsers: read first, verdicts sealed, sent back once both have spoken."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from portal.demo.story import DECLARATION, OVER, mortgages

BUILDER, FIRST, SECOND = "Ben Ortiz", "Rita Chen", "Ravi Menon"
PROJECT = "/harbor/desk-review/"
POLICY = """\
name: desk-review
risk_class: minimal
valid_days: 30
rules:
  - report: performance
signers:
  - role: reviewer
    meaning: validated
  - role: reviewer
    meaning: approved
"""


@pytest.fixture(scope="module")
def said():
    """What earlier chapters learned: addresses and ids."""
    return {}


def read_all(reviewer, address):
    """Open each piece of evidence from the sign-off's own list, and come back."""
    reviewer.go(address)
    for link in [link.get_attribute("href") for link in reviewer.page.locator("#reading a").all()]:
        reviewer.go(link)
    reviewer.go(address)


def decide(reviewer, choice, reason, button):
    reviewer.tick("What your name is to mean", choice)
    reviewer.fill("Reason", reason)
    reviewer.fill("Your password", reviewer.person["password"])
    reviewer.press(button)


def test_01_a_model_is_there_to_be_reviewed(client_of, said):
    ben = client_of(BUILDER)
    said["policy"] = client_of("Olivia Grant").post("policies/", source=POLICY)["id"]
    answers = {question["name"]: False for question in ben.get("risk-questions/")["results"]}
    ben.post("projects/", name="Desk review", purpose="Sort the desk.", answers=answers)
    data = ben.upload("datasets/", "loanapp.csv", mortgages(), project="desk-review", name="desk")["id"]
    ben.post(f"dataset-versions/{data}/declaration/", **DECLARATION)
    recipe = {"estimator": "logistic"}
    run = ben.post("runs/", project="desk-review", model="desk", dataset_version=data, recipe=recipe, gpu=False)
    run = ben.wait(f"runs/{run['id']}/", lambda r: r["state"] in OVER)
    said["model"] = run["model_version"]
    [report] = ben.post("reports/", model_version=said["model"], kinds=["performance"])["results"]
    ben.wait(f"reports/{report['id']}/", lambda r: r["state"] in OVER)


def test_02_a_refusal_is_sealed_until_both_have_spoken(visitor, said):
    ben = visitor(BUILDER)
    ben.go(PROJECT + "approvals/new/")
    ben.follow("desk v1")
    ben.press("Ask for sign-off")
    said["first"] = urlsplit(ben.page.url).path
    rita, ravi = visitor(FIRST), visitor(SECOND)
    rita.go(said["first"])
    rita.is_refused("You have not opened the performance report")
    rita.look()
    read_all(rita, said["first"])
    decide(rita, "I send it back: it may be asked for again once it is better", "The desk is not said.", "Sign")
    rita.reads("The desk is not said.")
    read_all(ravi, said["first"])
    expect(ravi.page.locator(".signers").first).to_contain_text("given, sealed")
    expect(ravi.page.locator("main")).not_to_contain_text("The desk is not said.")
    ravi.look()
    decide(ravi, "I approve deployment", "Good enough for me.", "Sign")
    ravi.reads(re.compile("No: a reviewer sent it back"))
    expect(ravi.page.locator("main")).to_contain_text("The desk is not said.")
