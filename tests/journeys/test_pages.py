"""Every page that can be reached by a link, looked at critically; forms by keyboard alone and without JavaScript."""

import re
from urllib.parse import urljoin, urlsplit

from playwright.sync_api import expect

LOADS = re.compile(
    r"\.(pdf|json|csv|jsonl)$|/(pdf|json|file|dossier|export|download)/|/files/|^/api/|^/static/|format="
)


def test_it_says_no_at_the_door_and_keeps_what_was_typed(visitor):
    ben = visitor("Ben Ortiz", sign_in=False)
    ben.go("/harbor/")
    ben.look()
    ben.fill("Email", ben.person["email"])
    ben.fill("Password", "not the password")
    ben.press("Sign in")
    ben.is_refused("not correct")
    expect(ben.page.get_by_label("Email")).to_have_value(ben.person["email"])
    ben.look()
    ben.fill("Password", ben.person["password"])
    ben.press("Sign in")
    assert urlsplit(ben.page.url).path == "/harbor/"


def test_it_shows_a_stranger_nothing(visitor):
    noah = visitor("Noah Adeyemi")
    for address in ("/harbor/", "/harbor/members/", "/harbor/records/", "/nowhere/at/all/"):
        assert noah.go(address) == 404
        noah.reads("There is nothing at this address")
        assert "Harbor" not in noah.page.content()
    noah.look()


def test_a_project_is_opened_by_keyboard_alone(visitor):
    ben = visitor("Ben Ortiz", sign_in=False)
    ben.go("/accounts/login/")
    ben.tab_to("Email")
    ben.page.keyboard.type(ben.person["email"])
    ben.tab_to("Password")
    ben.page.keyboard.type(ben.person["password"])
    ben.page.keyboard.press("Enter")
    ben.page.wait_for_url("**/harbor/")
    ben.tab_to("Open a project")
    ben.page.keyboard.press("Enter")
    ben.page.wait_for_url("**/projects/new/")
    ben.page.keyboard.press("Tab")
    ben.page.keyboard.press("Enter")  # the skip link
    ben.tab_to("Name")
    ben.page.keyboard.type("By keyboard")
    ben.tab_to("Purpose")
    ben.page.keyboard.type("Show that no mouse is needed.")
    for _ in ben.page.locator("#questions fieldset").all():
        ben.tab_to("Yes")
        ben.page.keyboard.press("ArrowDown")
    ben.tab_to("Open the project")
    ben.page.keyboard.press("Enter")
    ben.page.wait_for_url("**/harbor/by-keyboard/**")
    ben.reads("Where does By keyboard stand?")


def test_forms_work_without_javascript(visitor):
    ben = visitor("Ben Ortiz", java_script_enabled=False)
    ben.go("/harbor/projects/new/")
    ben.fill("Name", "Members")
    ben.fill("Purpose", "Show that a form is enough.")
    for question in ben.page.locator("#questions fieldset").all():
        question.get_by_label("No", exact=True).check()
    ben.press("Open the project")
    ben.is_refused("Choose another name")
    expect(ben.page.get_by_label("Purpose")).to_have_value("Show that a form is enough.")
    ben.fill("Name", "Without script")
    ben.press("Open the project")
    assert urlsplit(ben.page.url).path == "/harbor/without-script/"
    ben.go("/harbor/tokens/new/")
    ben.fill("Name", "A script of mine")
    ben.page.get_by_label("read everything").first.check()
    ben.press("Make the token")
    secret = ben.page.locator(".secret").inner_text()
    assert len(secret) > 30
    ben.go("/harbor/tokens/")
    assert secret not in ben.page.content()


def test_a_page_prints_as_a_document(visitor):
    ada = visitor("Ada Nkemelu")
    ada.go("/harbor/records/")
    ada.page.emulate_media(media="print")
    for only_for_pressing in (".house", ".person", ".filters", "main button"):
        for each in ada.page.locator(only_for_pressing).all():
            expect(each).not_to_be_visible()
    expect(ada.page.get_by_role("heading", level=1)).to_be_visible()


def test_nothing_is_drawn_for_a_stranger_to_the_address(browser, portal):
    page = browser.new_page()
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(urljoin(portal.address, "/accounts/login/"))
    page.close()
    assert {urlsplit(url).netloc for url in urls} == {urlsplit(portal.address).netloc}
