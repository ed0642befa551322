"""Each role may do exactly what the table of permissions says, at every door, and is told why not.

Nothing here lists who may do what: with the table emptied, every door is knocked at and the word it asks for is heard;
with the table as it is, every role knocks there again."""

import html
import json
import re
from contextlib import contextmanager

import pytest
from django.contrib.messages import get_messages
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from apps.accounts import permissions
from apps.accounts.permissions import GRANTS, Permission
from apps.common import storage
from apps.common.errors import NotPermitted
from apps.datasets.models import DatasetVersion
from portal.isolation.addresses import METHODS, inside
from portal.isolation.doors import knock, undone
from tests.accounts.make import bearer, token
from tests.house.things import place

pytestmark = pytest.mark.django_db

WRITES = re.compile(r'\s*(?:insert into|update|delete from) "?(\w+)', re.IGNORECASE)
# words that no door asks for so that it could be heard, each with the reason
ELSEWHERE = {
    Permission.READ: "asked before every REST door (MayRead); every role has it",
    Permission.PREDICT: "asked by the serving process, where models answer",
    Permission.TOKEN_REVOKE: "others' tokens are not there for whoever may not revoke them; see below",
}
# words that only pages ("page"), or only programs ("program"), have a door for, each with the reason
ONE_SIDED: dict[Permission, str] = {}
# doors that write and ask for no word, each with the reason
OPEN: dict[tuple[str, str], str] = {
    ("get", "api-access-review-attestation"): "reads; the review of this test is open, and has no signed result yet",
    ("post", "api-delegation-ending"): "whose place it is takes it back, whatever their role is by then",
}
# pages that say the reason only where they offer the deed
SILENT = {"approval": "what is decided already offers no signature"}


@pytest.fixture
def refusals(monkeypatch) -> list[str]:
    """The sentences of NotPermitted as they are raised, whichever door turns them into an answer."""
    said, begin = [], NotPermitted.__init__

    def heard(self, *args):
        said.append(str(args[0]))
        begin(self, *args)

    monkeypatch.setattr(NotPermitted, "__init__", heard)
    return said


@pytest.fixture
def clients(acme) -> dict[str, Client]:
    """A browser in which somebody of each role has signed in."""
    found = {role: Client(raise_request_exception=False) for role in acme.members}
    for role, client in found.items():
        client.force_login(acme.members[role].user)
    return found


READINGS = "audits_reading"  # who was shown what: reading is not yet a deed


def word_of(sentence: str) -> Permission | None:
    """The word a refusal speaks of; None where it is about something else than permission."""
    if quoted := re.search(r"(?:right|scope) “([a-z.-]+)”", sentence):
        return Permission(quoted[1])
    return next((word for word in Permission if sentence.endswith(f"of this organization {word.label}.")), None)


def knocked(client, refusals, address, method, rows):
    """(answer, words refused) of a well-formed request that leaves nothing behind."""
    refusals.clear()
    with undone():
        answer = knock(client, method, address, place(address, rows), rows)
        list(getattr(answer, "streaming_content", ()))
    return answer, {word_of(sentence) for sentence in refusals} - {None}


@contextmanager
def written():
    """The tables that statements inside write to."""
    tables: list[str] = []

    def look(execute, sql, params, many, context):
        if (found := WRITES.match(sql)) and found[1] != READINGS:
            tables.append(found[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield tables


@pytest.fixture
def asked(both, client, acme, refusals, monkeypatch, heard=[]):  # noqa: B006  heard once for all tests
    """{(method, address): word} as heard from the doors themselves, knocked at by somebody who may only read; and
    the doors that did something, or understood nothing, before they asked."""
    data = both[0][DatasetVersion]
    default_storage.save(storage._name(data.organization_id, data.digest), ContentFile(b"its bytes"))
    client.raise_request_exception = False  # what the rows of a test do not fill is another test's
    if not heard:
        heard.extend(_hear(both, client, acme, refusals, monkeypatch))
    return heard


def _hear(both, client, acme, refusals, monkeypatch):
    only = dict.fromkeys(GRANTS, frozenset({Permission.READ})) | {"nobody": frozenset(Permission)}
    found, dumb = {}, []
    with monkeypatch.context() as emptied:
        emptied.setattr(permissions, "GRANTS", only)
        client.force_login(acme.auditor.user)
        for address in inside():
            for method in METHODS:
                with written() as tables:
                    answer, words = knocked(client, refusals, address, method, both[0])
                if words:
                    (found[method, address],) = words
                elif (method, address.name) not in OPEN and (deeds(tables) or misunderstood(address, answer)):
                    dumb.append(f"{method} {address.name}: {answer.status_code} {tables} {answer.content[:300]}")
    return found, dumb


def deeds(tables: list[str]) -> list[str]:
    """But for a refusal's own record: by a rule, where the one who knocks is not whom it is about."""
    return [] if "audits_refusal" in tables and set(tables) <= {"audits_refusal", "audits_record"} else tables


def misunderstood(address, answer) -> bool:
    return address.is_rest and answer.status_code in (400, 409)


def test_every_door_that_changes_something_asks_for_a_permission(asked):
    """A door that is named here and does ask wants something else than `doors.words` holds: say it there."""
    assert not asked[1], "\n".join(asked[1])


@pytest.mark.parametrize("side", ["page", "program"])
def test_every_permission_is_asked_for_at_a_door(asked, side):
    heard = {word for (_, address), word in asked[0].items() if address.is_rest == (side == "program")}
    others = {word for word, only in ONE_SIDED.items() if only != side}
    assert set(Permission) - heard - set(ELSEWHERE) == others


def test_every_role_may_do_what_the_table_says_and_nothing_else(asked, both, clients, acme, refusals):
    wrong = []
    for (method, address), word in asked[0].items():
        for role, member in acme.members.items():
            answer, words = knocked(clients[role], refusals, address, method, both[0])
            right = set() if word in GRANTS[role] else {word}
            if words != right or (address.is_rest and (answer.status_code == 403) != bool(right)):
                wrong.append(f"{role} {method} {address}: asks for {word}, refused {words}, {answer.status_code}")
            elif words and address.name not in SILENT and not _is_said(answer, member, word):
                wrong.append(f"{role} {method} {address}: the reason is not said: {said(answer)[:300]}")
    assert not wrong, "\n".join(wrong)


def _is_said(answer, member, word) -> bool:
    return permissions.why_not(member, word) in said(answer) or f"“{word}”" in said(answer)


def said(answer) -> str:
    """What reaches who asked: the problem's detail, the page, or the message on the next page."""
    if answer["Content-Type"] == "application/problem+json":
        return json.loads(answer.content)["detail"]
    messages = " ".join(str(message) for message in get_messages(answer.wsgi_request))
    return f"{html.unescape(answer.content.decode())} {messages}"


@pytest.mark.parametrize("rest", [False, True], ids=["page", "program"])
def test_only_who_may_revoke_tokens_finds_those_of_others(client, acme, rest):
    acme.enter(acme.second_reviewer)
    key, _ = token(acme.second_reviewer)
    where = f"/api/v1/acme/tokens/{key.pk}/" if rest else f"/acme/tokens/{key.pk}/revoke/"
    for role, member in acme.members.items():
        client.force_login(member.user)
        with undone():
            answer = client.delete(where) if rest else client.post(where)
            key.refresh_from_db()
            may = Permission.TOKEN_REVOKE in GRANTS[role]
            assert (answer.status_code, key.revoked_at is not None) == ((204 if rest else 303) if may else 404, may)


def test_a_token_ends_only_itself(client, acme):
    acme.enter(acme.builder)
    (mine, secret), (other, _) = token(acme.builder, *GRANTS["builder"]), token(acme.builder)
    refused = client.delete(f"/api/v1/acme/tokens/{other.pk}/", **bearer(secret))
    assert refused.status_code == 403
    assert word_of(refused.json()["detail"]) == Permission.TOKEN_REVOKE
    assert client.delete(f"/api/v1/acme/tokens/{mine.pk}/", **bearer(secret)).status_code == 204
