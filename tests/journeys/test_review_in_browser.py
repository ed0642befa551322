"""A review by three people at browsers: read first, verdicts sealed, sent back once both have spoken."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.journeys import desk

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


def test_01_a_model_is_there_to_be_reviewed(client_of, said):
    ben = client_of(BUILDER)
    policy = client_of("Olivia Grant").post("policies/", source=POLICY)["id"]
    client_of("Omar Haddad").post(f"policies/{policy}/publication/")
    [said["model"]] = desk.made(ben, name="Desk review", model="desk", seeds=[4])


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
    desk.read_all(rita, said["first"])
    desk.decide(rita, "I send it back: it may be asked for again once it is better", "The desk is not said.", "Sign")
    rita.reads("The desk is not said.")
    desk.read_all(ravi, said["first"])
    expect(ravi.page.locator(".signers").first).to_contain_text("given, sealed")
    expect(ravi.page.locator("main")).not_to_contain_text("The desk is not said.")
    ravi.look()
    desk.decide(ravi, "I approve deployment", "Good enough for me.", "Sign")
    ravi.reads(re.compile("No: a reviewer sent it back"))
    expect(ravi.page.locator("main")).to_contain_text("The desk is not said.")
