"""What becomes of a sign-off: a policy written, a rule waived, conditions met and missed, evidence superseded, a place
handed on, a link for an auditor, a revocation. Each is told by people at browsers; the chapters are told in order."""

import re
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.journeys import desk
from tests.journeys.browser import Visitor

BUILDER, OWNER, FIRST, SECOND = "Ben Ortiz", "Olivia Grant", "Rita Chen", "Ravi Menon"
SECOND_OWNER = "Omar Haddad"
PROJECT = "/harbor/gate/"
PLAIN = """\
name: gate
risk_class: limited
valid_days: 30
rules:
  - report: performance
signers:
  - role: reviewer
    meaning: validated
  - role: reviewer
    meaning: approved
"""
STRICT = """\
name: gate
summary: Both outcomes are told apart almost without error.
risk_class: limited
valid_days: 30
rules:
  - report: performance
  - report: performance
    figure: balanced_accuracy
    bound: lower
    at_least: 0.98
signers:
  - role: reviewer
    meaning: validated
  - role: reviewer
    meaning: approved
conditions:
  at_most: 3
tests:
  - name: nine in ten are not enough
    evidence:
      - report: performance
        figures: [{figure: balanced_accuracy, value: 0.92, low: 0.9, high: 0.94}]
    expect: fail
"""


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def wait_until(moment: str) -> None:
    time.sleep(max(0.0, (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds() + 0.5))


def verified(bundle, folder) -> str:
    """What the program in a bundle says of it."""
    with zipfile.ZipFile(bundle) as archive:
        program = archive.extract("verify.py", folder)
    done = subprocess.run([sys.executable, program, bundle], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_01_three_models_wait_and_one_is_signed_under_a_plain_policy(client_of, people, said):
    ben = client_of(BUILDER)
    plain = client_of(OWNER).post("policies/", source=PLAIN)["id"]
    client_of(SECOND_OWNER).post(f"policies/{plain}/publication/")
    said["models"] = desk.made(ben, name="Gate", model="gate", seeds=(1, 2, 3), yes={"personal_data"})
    desk.approved(client_of, people, desk.asked(ben, said["models"][0]))


def test_02_a_policy_is_refused_until_it_can_be_kept_and_keeps_its_own_tests(visitor):
    olivia = visitor(OWNER)
    olivia.go("/harbor/policies/new/")
    for text, objection in (
        (STRICT.replace("bound: lower", "bound: lowest"), "Line 9 Rule 2, “bound” cannot be “lowest”"),
        (STRICT.replace("at_least: 0.98", "at_least: 0.98\n    at_most: 0.5"), "nothing is at least 0.98 and at most"),
        (
            STRICT.replace("meaning: approved", "meaning: approved\n    count: 2"),
            "Nobody could satisfy it: it asks for 3",
        ),
        (STRICT.replace("expect: fail", "expect: pass"), "pass is expected, and it is fail"),
    ):
        olivia.fill("Policy, in YAML", text)
        olivia.press("Propose")
        olivia.is_refused(objection)
        expect(olivia.page.get_by_label("Policy, in YAML")).to_have_value(text)
    olivia.look()
    olivia.fill("Policy, in YAML", STRICT)
    olivia.press("Try it on past decisions")
    olivia.reads("1 of 1 past decisions would turn")
    olivia.reads(re.compile("Balanced accuracy is at least 0.98: was not asked, would be fail"))
    olivia.look()
    olivia.press("Propose")
    olivia.is_shut("Publish it", "You proposed it; a second person publishes it")
    olivia.look()
    omar = visitor(SECOND_OWNER)
    omar.go(urlsplit(olivia.page.url).path)
    omar.press("Publish it")
    omar.reads("gate v2 is published, and in force for what is asked from now on.")
    omar.look()


def test_03_a_rule_is_waived_by_three_people(visitor, said):
    ben = visitor(BUILDER)
    ben.go(PROJECT + f"approvals/new/?model_version={said['models'][0]}")
    ben.follow("Ask to waive it")
    for label, text in (
        ("Why it cannot be kept now", "Too few refusals were kept back."),
        ("What may go wrong", "Good applicants are refused."),
        ("What is done instead", "A person looks at every refusal."),
        ("How it is watched meanwhile", "Rita reads the refusals of each week."),
        ("How the rule will be kept again", "Measured again on the spring data."),
    ):
        ben.fill(label, text)
    owner = next(each for each in ben.field("Owner").locator("option").all_inner_texts() if SECOND in each)
    ben.choose("Owner", owner)
    ben.look()
    ben.press("Ask for a waiver")
    ben.is_shut("Approve", "Only reviewers of this organization approve")
    said["waiver"] = urlsplit(ben.page.url).path
    ravi, rita = visitor(SECOND), visitor(FIRST)
    ravi.go(said["waiver"])
    ravi.is_shut("Approve", "You own it; somebody else must decide.")
    rita.go(said["waiver"])
    rita.fill("Reason", "A month is bearable.")
    rita.press("Approve")
    rita.reads(re.compile("^Yes, until"))
    rita.look()


def test_04_what_is_waived_is_signed_as_waived_and_on_conditions(visitor, said):
    ben, rita, ravi = visitor(BUILDER), visitor(FIRST), visitor(SECOND)
    ben.go(PROJECT + f"approvals/new/?model_version={said['models'][0]}")
    ben.press("Ask for sign-off")
    said["sign-off"] = urlsplit(ben.page.url).path
    ben.reads(re.compile("every rule passes but 1 that is waived"))
    ben.reads("The policy was gate version 1 and is now gate version 2.")  # what is different from the last request
    ben.reads(re.compile(r"Waiver \d+ of rule 2 came into force"))
    ben.look()
    desk.read_all(rita, said["sign-off"])
    desk.decide(rita, "I validated the evidence in this dossier", "The waiver says what is missing.")
    desk.read_all(ravi, said["sign-off"])
    ravi.page.get_by_text("Approve on a condition").click()
    ravi.fill("On the condition that", "Every refusal is read by a person.")
    desk.decide(ravi, "I approve deployment", "On conditions.")
    ravi.is_refused("A condition is not whole")
    first, second = ravi.page.locator("details", has_text="On the condition that").all()[:2]
    ravi.page.get_by_text("Condition 2", exact=True).click()
    second.get_by_label("On the condition that").fill("The explanations hold still.")
    second.get_by_label("Or a figure the portal checks").select_option("Stability of explanations at least")
    second.get_by_label("Its threshold").fill("0.2")
    first.get_by_label("Who answers for it").select_option(BUILDER)
    for condition in (first, second):
        condition.get_by_label("By the end of").fill(f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}")
    ravi.look()
    desk.decide(ravi, "I approve deployment", "On conditions.")
    ravi.reads("Every refusal is read by a person.")
    ravi.reads(re.compile("^Yes, until"))
    ravi.look()
    ben.go(said["sign-off"])
    ben.fill("What shows it", "The log of the loan desk, week 12.")
    ben.press("It is fulfilled")
    ben.reads("It is fulfilled; a reviewer confirms it now.")
    rita.go(said["sign-off"])
    rita.press("Confirm it")
    expect(rita.page.locator("#signing .stamp", has_text="met")).to_have_count(1)
    rita.look()


def test_05_clocks_are_set(client_of, people, said):
    """By programs: a condition that is due in a moment, and a waiver that ends in one; later chapters look at them."""
    ben, rita = client_of(BUILDER), client_of(FIRST)
    [first] = ben.get("waivers/?project=gate")["results"]
    members = {member["name"]: member["id"] for member in ben.get("members/")["results"]}
    given = {
        "project": "gate", "policy": first["policy"], "rule": 2, "owner": members[SECOND], "reason": "For a moment.",
        "risk": "None.", "measure": "None.", "monitoring": "None.", "plan": "It ends.",
    }  # fmt: skip
    for place, (name, waived, due) in enumerate((("condition", 3600, 40), ("waiver", 60, 3600)), start=1):
        said[name] = soon(min(waived, due))
        version = said["models"][place]
        waiver = ben.post("waivers/", model_version=version, ends_at=soon(waived), **given)
        rita.post(f"waivers/{waiver['id']}/approval/", reason="For a moment.")
        approval = desk.asked(ben, version)
        condition = {"text": "It is told to the board.", "owner": members[BUILDER], "due_at": soon(due)}
        desk.approved(client_of, people, approval, conditions=[condition | {"consequence": "suspend"}])
        said[f"{name}’s sign-off"] = ben.get(f"approvals/{approval['id']}/")["url"]
    deployment = ben.post("deployments/", approval=approval["id"], name="gate-for-a-moment")
    said["for a moment"] = deployment["id"]
    assert desk.status(ben, deployment["id"]) == 400


def test_06_measured_again_alike_it_stands_and_falls_with_new_evidence(visitor, client_of, said):
    ben, program = visitor(BUILDER), client_of(BUILDER)
    ben.go(said["sign-off"])
    ben.follow("Deploy it")
    ben.fill("Name", "gate")
    ben.press("Deploy")
    ben.reads(re.compile("^Yes: gate v1 serves"))
    deployment = int(re.search(r"/deployments/(\d+)/", ben.page.url).group(1))
    desk.measured(program, said["models"][0])  # the same bytes again: nothing it covers changed
    assert desk.status(program, deployment) == 400
    desk.measured(program, said["models"][0], "privacy")
    desk.falls_silent(program, deployment)
    ben.go(said["sign-off"])
    ben.reads("No longer: it was signed, and then something it covers changed.")
    ben.reads("A new privacy report was finished.")
    ben.look()
    ben.go(PROJECT + f"deployments/{deployment}/")
    ben.reads(re.compile("^No\\."))
    ben.look()


def test_07_an_overdue_condition_suspends_until_it_is_met(visitor, said):
    wait_until(said["condition"])
    ben, rita = visitor(BUILDER), visitor(FIRST)
    ben.go(said["condition’s sign-off"])
    ben.reads("No longer: it was signed on a condition that was not met in time.")
    ben.reads(re.compile("The condition “It is told to the board.” was due on"))
    ben.look()
    ben.fill("What shows it", "Minutes of the board, no. 7.")
    ben.press("It is fulfilled")
    rita.go(said["condition’s sign-off"])
    rita.press("Confirm it")
    rita.reads(re.compile("^Yes, until"))


def test_08_a_waiver_ends_by_itself_and_what_was_signed_with_it_falls(visitor, client_of, said):
    wait_until(said["waiver"])
    desk.falls_silent(client_of(BUILDER), said["for a moment"])
    ben = visitor(BUILDER)
    ben.go(said["waiver’s sign-off"])
    ben.reads(re.compile(r"Waiver \d+ of rule 2 is no longer in force\."))
    ben.look()
    ben.go(PROJECT + "waivers/?state=expired")
    expect(ben.page.locator("table.list tbody tr")).to_have_count(1)
    ben.look()


def test_09_who_takes_a_place_takes_its_conflicts_too(visitor, said):
    rita, ben = visitor(FIRST), visitor(BUILDER)
    rita.go("/harbor/delegations/")
    rita.choose("Who stands in for you", f"{BUILDER} (Builder)")
    rita.choose("In which project", "Gate")
    for label, days in (("From", 0), ("To the end of", 2)):
        rita.fill(label, f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}")
    rita.fill("Reason", "At the sea.")
    rita.fill("Your password", rita.person["password"])
    rita.press("Hand it on")
    rita.reads("Your place is handed on.")
    rita.look()
    ben.go(said["sign-off"])
    ben.follow("Ask again")
    ben.press("Ask for sign-off")
    ben.page.wait_for_url(re.compile(r"/approvals/\d+/$"))
    again = urlsplit(ben.page.url).path
    ben.reads("A new privacy report was finished.")  # what is different from the last request
    ben.is_shut("Sign", "You asked for this sign-off; somebody else must sign it.")
    rita.go(again)
    rita.is_shut("Sign", f"A delegation joins you with {BUILDER}, who asked for")
    rita.look()
    rita.go("/harbor/delegations/")
    rita.press("Take it back")
    rita.reads("Your place is yours again.")
    ben.page.get_by_text("Withdraw the request").click()
    ben.page.get_by_label("Reason").last.fill("A reviewer was joined with who asked.")
    ben.press("Withdraw")
    ben.reads("The request is withdrawn.")


def test_10_an_auditor_outside_sees_by_link_what_was_chosen_until_it_is_taken_back(
    visitor, browser, people, said, tmp_path
):
    olivia = visitor(OWNER)
    olivia.go(said["sign-off"])
    olivia.follow("Bundle to check without us")
    olivia.look()
    olivia.follow("share it")
    olivia.fill("For whom", "Kerr & Daughters, auditors")
    olivia.look()
    olivia.press("Make the link")
    link = olivia.page.locator("#link").inner_text()
    olivia.look()
    olivia.follow("To the share and its log")
    window = browser.new_context(locale="en-GB")
    outsider = Visitor(window.new_page(), olivia.portal, people[OWNER])
    assert outsider.go(link) == 200
    outsider.look()
    outsider.follow("gate v1")
    outsider.reads("On conditions.")
    outsider.look()
    with outsider.page.expect_download() as taken:
        outsider.follow("Download the bundle")
    assert "VERIFIED: this is the whole evidence of the sign-off of gate v1" in verified(taken.value.path(), tmp_path)
    other = re.search(r"/approvals/(\d+)/", said["condition’s sign-off"]).group(1)
    for shut in (f"{link}{other}/", "/harbor/", said["sign-off"]):
        outsider.go(shut)
        expect(outsider.page.locator("main")).not_to_contain_text("gate v")
    olivia.page.reload()
    olivia.reads(re.compile("Somebody with the link read"))
    olivia.look()
    olivia.press("Take it back")
    olivia.reads("opens nothing any more")
    assert outsider.go(link) == 404
    outsider.reads("This link opens nothing")
    outsider.look()
    window.close()
    olivia.go("/harbor/records/?q=share")
    olivia.reads(re.compile("share", re.I))


def test_11_a_revoked_sign_off_stops_what_rests_on_it_and_says_why(visitor, client_of, people, said):
    program, rita, ben = client_of(BUILDER), visitor(FIRST), visitor(BUILDER)
    approval = desk.asked(program, said["models"][0])
    desk.approved(client_of, people, approval)
    deployment = program.post("deployments/", approval=approval["id"], name="gate-again")
    assert desk.status(program, deployment["id"]) == 400
    rita.go(approval["url"])
    rita.page.get_by_text("Revoke the sign-off").click()
    rita.page.get_by_label("Reason").last.fill("The loan desk changed its rules.")
    rita.press("Revoke")
    desk.falls_silent(program, deployment["id"])
    ben.go(deployment["url"])
    ben.reads(re.compile("^No\\. .*revoked"))
    ben.go(approval["url"])
    ben.reads(f"{FIRST} revoked the sign-off")
    ben.reads("“The loan desk changed its rules.”")
    ben.look()
