"""Every page within reach of each role, after all that the stories left behind, looked at critically."""

import re
from collections import deque
from urllib.parse import urlsplit

import pytest

NO_PAGE = re.compile(r"^/(api/v1/(?!docs)|static/)")


@pytest.fixture(scope="module")
def looked():
    """Shapes of address that somebody has looked at."""
    return set()


@pytest.mark.parametrize("name", ["Olivia Grant", "Ben Ortiz", "Rita Chen", "Ada Nkemelu"])
def test_every_page_within_reach_is_sound(visitor, looked, name):
    """Follows every link of this person's pages, one address of each shape, and looks at it: in every theme and width
    the first time it is met, in one of them where an earlier person has been."""
    someone = visitor(name)
    ahead = deque([someone.root, "/", "/accounts/profile/", "/accounts/2fa/", "/accounts/password/change/"])
    seen: set[str] = set()
    files: set[str] = set()
    wrong: list[str] = []
    while ahead:
        address = ahead.popleft()
        path = urlsplit(address).path
        shape = re.sub(r"\d+", "N", path)
        if shape in seen or (kind := re.sub(r"\d+", "N", address)) in files or NO_PAGE.search(path):
            continue
        if someone.is_file(address):
            files.add(kind)
            continue
        seen.add(shape)
        if (status := someone.go(address)) != 200:
            wrong.append(f"{address}: {status}")
        try:
            someone.look() if shape not in looked else someone.look(["dark"], [360])
        except AssertionError as found:
            wrong.append(str(found))
        looked.add(shape)
        links = someone.page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        ahead.extend(link for link in links if link.startswith(someone.portal) and "logout" not in link)
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 10, seen
