"""Every page within reach of each role, after all that the stories left behind, looked at critically."""

import re
from collections import defaultdict, deque
from html.parser import HTMLParser
from itertools import cycle
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from tests.journeys.browser import ACROSS, LOOKS

NO_PAGE = re.compile(r"^/(api/v1/(?!docs)|static/)")
WAYS = cycle((LOOKS, ACROSS))
BEGINNINGS = ("", "/", "/accounts/profile/", "/accounts/2fa/", "/accounts/password/change/")


class Markup(HTMLParser):
    """The links of a page, and the pieces it is made of: each element by its name and classes, and what is shut."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.pieces: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.pieces.add(f"{tag}.{told.get('class', '')}{' shut' if 'disabled' in told else ''} {told.get('type', '')}")
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])


@pytest.fixture(scope="module")
def looked():
    """{shape of an address: the pieces that somebody has looked at on such pages}."""
    return defaultdict(set)


@pytest.mark.parametrize("name", ["Olivia Grant", "Ben Ortiz", "Rita Chen", "Ada Nkemelu"])
def test_every_page_within_reach_is_sound(visitor, looked, name):
    """Follows every link of this person's pages, one address of each shape. Each must answer; one that shows a piece
    which no page of its kind has shown before is looked at, in both themes and at both widths."""
    someone = visitor(name)
    ahead = deque(urljoin(someone.portal + someone.root, address) for address in BEGINNINGS)
    met: set[str] = set()
    wrong: list[str] = []
    while ahead:
        address = urldefrag(ahead.popleft()).url
        shape = re.sub(r"\d+", "N", urlsplit(address).path)
        if NO_PAGE.search(shape) or {shape, asked := re.sub(r"\d+", "N", address)} & met:
            continue
        answer = someone.page.request.get(address)
        if answer.status != 200:
            wrong.append(f"{address}: {answer.status}")
        if not answer.headers.get("content-type", "").startswith("text/html"):
            met.add(asked)
            continue
        met.add(shape)
        markup = Markup(answer.text())
        wrong += look_at(someone, address, markup.pieces, looked[kind_of(shape, someone)])
        links = (urljoin(answer.url, link) for link in markup.links)
        ahead.extend(link for link in links if link.startswith(someone.portal) and "logout" not in link)
    assert not wrong, "\n".join(wrong)
    assert len(met) > 10, met


def kind_of(shape: str, someone) -> str:
    """The same for the same page of each project."""
    return re.sub(rf"^{someone.root}[^/]+/(?=.)", f"{someone.root}*/", shape)


def look_at(someone, address: str, pieces: set[str], known: set[str]):
    """What is wrong with a page, if it shows a piece that is not known yet."""
    if pieces <= known:
        return
    known |= pieces
    someone.go(address)
    try:
        someone.look(next(WAYS))
    except AssertionError as found:
        yield str(found)
