"""A person at a browser: presses, fills and reads as people do, and looks at each page critically."""

import os
import re
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
LOOKS, ACROSS = (("light", 1440), ("dark", 360)), (("dark", 1440), ("light", 360))  # each theme, each width
WIDE = {"width": 1440, "height": 900}
QUICK, SLOW = 20_000, 240_000  # milliseconds: a page, a worker


def chromium() -> str | None:
    names = (os.environ.get("ASSAY_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def browsing():
    """A browser, or a loud line that there is none."""
    if not (found := chromium()):
        pytest.skip("THE BROWSER JOURNEYS DID NOT RUN: no Chromium (see tests/journeys/browser.sh)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """One person with a browser window of their own."""

    page: Page
    portal: str
    person: dict
    complaints: list = field(default_factory=list)

    def __post_init__(self):
        self.page.set_default_timeout(QUICK)
        expect.set_options(timeout=QUICK)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message):
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.complaints.append(message.text)

    @property
    def root(self) -> str:
        return f"/{self.person['organization']}/"

    def sign_in(self) -> "Visitor":
        self.go("/accounts/login/")
        self.fill("Email", self.person["email"])
        self.fill("Password", self.person["password"])
        self.press("Sign in")
        self.page.wait_for_url(lambda address: "/accounts/login/" not in address)
        return self

    def go(self, address: str) -> int:
        return self.page.goto(address if address.startswith("http") else self.portal + address).status

    def field(self, label: str):
        """What is typed into or chosen from, by its label."""
        return self.page.get_by_label(label).and_(self.page.locator("input, textarea, select")).first

    def fill(self, label: str, text: str) -> None:
        self.field(label).fill(text)

    def choose(self, label: str, option: str) -> None:
        self.field(label).select_option(label=option)
        self.settle()

    def settle(self) -> None:
        """Wait until no part of the page is being replaced."""
        self.page.wait_for_timeout(50)
        expect(self.page.locator(".htmx-request")).to_have_count(0)

    def tick(self, group: str, *labels: str) -> None:
        """Tick or pick `labels` within the set of choices that `group` names."""
        for label in labels:
            self.page.get_by_role("group", name=group).get_by_label(label, exact=True).check()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()

    def reads(self, words: str, within: int = QUICK) -> None:
        """The page says this, at the latest after `within` milliseconds."""
        expect(self._said(words).first).to_be_visible(timeout=within)

    def reads_in_time(self, address: str, words: str, within: int = SLOW) -> None:
        """The page at `address`, which does not change by itself, says this once a worker has come by."""
        until = time.monotonic() + within / 1000
        self.go(address)
        while not self._said(words).count() and time.monotonic() < until:
            self.page.wait_for_timeout(1000)
            self.go(address)
        self.reads(words)

    def _said(self, words: str):
        return self.page.locator("main").get_by_text(words).locator("visible=true")

    def is_refused(self, words: str) -> None:
        """A page that came says no, with these words, and where the eye is sent to."""
        objection = self.page.locator(".said.error, .errorlist, .why, .said.warning, .answer").filter(has_text=words)
        expect(objection.first).to_be_visible()

    def is_shut(self, button: str, words: str) -> None:
        """The button is there, shut, and says why to eyes and to readers alike."""
        shut = self.page.get_by_role("button", name=button, exact=True).first
        expect(shut).to_be_disabled()
        expect(shut).to_have_accessible_description(re.compile(re.escape(words), re.I))

    def look(self, looks=LOOKS) -> None:
        """The page as it is now, in both themes and at both widths: nothing broken, nothing sideways, axe content.
        A theme changes colours alone, so two looks are enough; the walk over all pages takes them across as well."""
        problems = list(self.complaints)
        for theme, width in looks:
            self.page.emulate_media(color_scheme=theme)
            self.page.set_viewport_size({"width": width, "height": 900})
            problems += [f"{theme} {width}: {problem}" for problem in (*self._sideways(width), *self._axe())]
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(WIDE)
        self.complaints.clear()
        assert not problems, f"{self.page.url}\n" + "\n".join(problems)

    def _sideways(self, width):
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            yield f"the page is {wide} px wide"

    def _axe(self):
        if not self.page.evaluate("Boolean(window.axe)"):
            self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
        for violation in found:
            yield f"{violation['id']} ({violation['impact']}): " + "; ".join(
                n["html"][:200] for n in violation["nodes"]
            )

    # --- by keyboard alone -----------------------------------------------------------------------------------------

    def tab_to(self, name: str, *, most: int = 120) -> None:
        """Press Tab until the focus stands, visibly, on what bears this name."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if self._focused() == name:
                assert self._outlined(), f"the focus on “{name}” cannot be seen"
                return
        raise AssertionError(f"“{name}” cannot be reached by Tab on {self.page.url}")

    def _focused(self) -> str:
        return self.page.evaluate(
            """() => { const e = document.activeElement; if (!e || e === document.body) return "";
                const words = e.labels && e.labels[0] && e.labels[0].innerText;
                const label = e.getAttribute("aria-label") || words || e.innerText || "";
                return label.replace(/\\s+optional$/, "").trim(); }"""
        )

    def _outlined(self) -> bool:
        return self.page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2")
