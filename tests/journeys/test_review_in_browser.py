"""A review by three people at browsers: read first, verdicts sealed, sent back once both have spoken; asked again, one
of them signs with a passkey."""

import base64
import json
import re
from urllib.parse import urlsplit

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


def test_03_one_signs_with_a_passkey(visitor, client_of, said):
    ben, device = client_of(BUILDER), {"transport": "internal", "protocol": "ctap2", "hasResidentKey": True}
    again = ben.post("approvals/", model_version=said["model"], note="Is the desk said now?")["id"]
    rita = visitor(FIRST, sign_in=False)
    rita.portal = rita.portal.replace("127.0.0.1", "localhost")  # passkeys belong to a name
    browser = rita.page.context.new_cdp_session(rita.page)
    browser.send("WebAuthn.enable")
    ways = {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": device | ways})

    rita.sign_in().go("/accounts/2fa/")
    rita.look()
    rita.follow("Add a passkey")
    rita.fill("Password", rita.person["password"])  # is it still you?
    rita.press("Go on")
    rita.look()
    rita.fill("Name", "Rita's telephone")
    rita.press("Add this passkey")
    rita.reads("“Rita's telephone” is one of your passkeys.")
    sign_out(rita)

    rita.go("/accounts/login/")
    rita.press("Sign in with a passkey")
    rita.page.wait_for_url(f"**{rita.root}")
    sign_out(rita)
    rita.go("/accounts/login/")
    rita.fill("Email", rita.person["email"])
    rita.fill("Password", rita.person["password"])
    rita.press("Sign in")
    rita.reads("Your password was right.")
    rita.look()
    rita.press("Use a passkey")
    rita.page.wait_for_url(f"**{rita.root}")

    address = f"{PROJECT}approvals/{again}/"
    desk.read_all(rita, address)
    rita.look()
    desk.decide(rita, "I validated the evidence in this dossier", "The desk is said.")
    rita.reads(re.compile("Your signature stands"))
    given = client_of(FIRST).get(f"approvals/{again}/")["signatures"]
    assert components(given[0]["envelope"]) == ["password", "passkey"]

    for address in ("/accounts/devices/", "/accounts/2fa/"):
        rita.go(address)
        rita.look()
    rita.follow("Rita's telephone")
    if rita.page.get_by_role("heading", name="Is it still you?").count():
        rita.fill("Password", rita.person["password"])
        rita.press("Go on")
    rita.look()
    rita.press("Remove this passkey")
    rita.reads("proves nothing any more")


def sign_out(person) -> None:
    person.go("/accounts/logout/")
    person.page.get_by_role("main").get_by_role("button", name="Sign out").click()


def components(envelope: dict) -> list[str]:
    return json.loads(base64.b64decode(envelope["payload"]))["predicate"]["authentication"]["components"]
