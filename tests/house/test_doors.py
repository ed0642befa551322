"""Nobody comes in who does not belong: every address, every verb, every kind of stranger."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Token
from apps.accounts.queries import secret_digest
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.reports.models import Report
from portal.isolation.addresses import METHODS, every, inside
from portal.isolation.doors import ask, undone
from portal.isolation.things import FILTERS, names_a_thing
from tests.accounts.make import bearer, token
from tests.house.things import place
from tests.reports import make as reports

pytestmark = pytest.mark.django_db

# Addresses under no organization, each with the reason why it may stand outside.
PUBLIC = {
    "home": "a person's own organizations; asks for sign-in",
    "health-live": "for whoever watches the process; says one word",
    "health-ready": "for whoever watches the process; says one word",
    "schema": "the shape of the REST door, which is no secret",
    "docs": "a page to read the schema",
    "program": "what checks a bundle: the same bytes for everybody, and nobody's",
    "shared": "its secret is the key: an auditor outside reads what was shared, and nothing else",
    "shared-sign-off": "as above: one of the sign-offs that the share names",
    "shared-bundle": "as above: its bundle",
    "shared-file": "as above: one file of its bundle",
    "invitation": "its secret is the key: whoever was sent the link comes in by it",
}
PUBLIC_BELOW = {"accounts/": "sign-in itself, and a person's own name: about the person alone"}
LOGIN = "/accounts/login/"
JSON = "application/json"


def test_each_address_is_inside_an_organization_or_public_for_a_reason():
    outside = {
        address.name or str(address)
        for address in every()
        if not address.is_inside and not any(address.route.startswith(below) for below in PUBLIC_BELOW)
    }
    assert outside == set(PUBLIC)


def test_each_address_has_a_name_of_its_own():
    names = [address.name for address in inside()]
    assert None not in names
    assert sorted(names) == sorted(set(names))


def test_a_stranger_is_asked_to_sign_in(both, client):
    wrong = []
    for address in inside():
        for method in METHODS:
            for organization in ("acme", "nobody-has-this-name"):
                where = place(address, both[0], organization=organization)
                answer = ask(client, method, where)
                right = answer.status_code == 401 if address.is_rest else answer.get("Location", "").startswith(LOGIN)
                if not right:
                    wrong.append(f"{method} {where}: {answer.status_code}")
    assert not wrong


def test_a_rival_finds_nothing_at_any_address_by_any_verb(both, client, rival):
    wrong = []
    for member in (rival.owner, rival.builder):
        client.force_login(member.user)
        for address in inside():
            for method in METHODS:
                where = place(address, both[0])
                answer = ask(client, method, where)
                if answer.status_code != 404:
                    wrong.append(f"{member.role} {method} {where}: {answer.status_code}")
    assert not wrong


def test_a_rival_cannot_tell_an_organization_from_one_that_is_not(both, client, rival):
    client.force_login(rival.owner.user)
    wrong = []
    for address in inside():
        there, nowhere = (ask(client, "get", place(address, both[0], organization=name)) for name in ("acme", "nobody"))
        if there.content.replace(b"acme", b"nobody") != nowhere.content:
            wrong.append(str(address))
    assert not wrong


def test_another_organizations_id_is_nothing_inside_ones_own(both, client, acme):
    """404 by every verb the address knows; 405 by the others, as for one's own id."""
    wrong = []
    for member in (acme.builder, acme.reviewer):
        client.force_login(member.user)
        for address in filter(names_a_thing, inside()):
            for method in METHODS:
                where = place(address, both[1])
                with undone():
                    answer = ask(client, method, where)
                if answer.status_code == 405:
                    with undone():
                        answer = ask(client, method, place(address, both[0]))
                    right = answer.status_code == 405
                else:
                    right = answer.status_code == 404
                if not right or b"rival" in answer.content.lower():
                    wrong.append(f"{member.role} {method} {where}: {answer.status_code}")
    assert not wrong


def test_another_organizations_project_is_nothing_inside_ones_own(both, client, acme):
    client.force_login(acme.owner.user)
    hidden = both[1][Project].slug
    wrong = []
    for address in (found for found in inside() if "project" in found.parameters):
        for method in METHODS:
            where = place(address, both[0], project=hidden)
            if ask(client, method, where).status_code != 404:
                wrong.append(f"{method} {where}")
    assert not wrong


def test_an_id_of_another_project_is_nothing_in_this_one(both, client, acme):
    """A page under a project shows that project's things alone."""
    client.force_login(acme.owner.user)
    other = both[0][Project].slug
    wrong = []
    for address in (found for found in inside() if "project" in found.parameters and "pk" in found.parameters):
        where = place(address, both[0], project=other)
        if (answer := ask(client, "get", where)).status_code not in (404, 405):
            wrong.append(f"get {where}: {answer.status_code}")
    assert not wrong


def test_ones_own_things_are_found(both, client, acme):
    """The counterpart: what is refused above is not refused because the address is wrong."""
    version = reports.model_version(acme.builder, project=acme.project)
    both[0].update({ModelVersion: version, Report: reports.report(acme.builder, version)})
    client.force_login(acme.owner.user)
    wrong = []
    for address in inside():
        where = place(address, both[0])
        with undone():
            answer = ask(client, "get", where)
        if answer.status_code in (401, 404, 500):
            wrong.append(f"get {where}: {answer.status_code}")
    assert not wrong


def test_lists_hold_nothing_of_another_organization(both, client, acme):
    """Whatever cursor or filter the address carries."""
    client.force_login(acme.owner.user)
    theirs = both[1]
    last = max(row.pk for row in theirs.values())
    cursors = ["", f"?after={last + 1}", "?before=0", f"?project={theirs[Project].slug}"]
    filters = [f"?{name}={theirs[model].pk}" for name, model in FILTERS.items()]
    wrong = []
    for address in (found for found in inside() if not set(found.parameters) - {"organization", "project"}):
        for question in cursors + (filters if address.is_rest else []):
            where = place(address, both[0]) + question
            answer = client.get(where)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if answer.status_code >= 500 or b"rival.example" in content or b"Rival" in content:
                wrong.append(f"{where}: {answer.status_code}")
    assert not wrong


@pytest.mark.parametrize("kind", ["foreign", "revoked", "expired", "unknown", "empty", "removed"])
def test_a_token_that_opens_nothing_here_finds_nothing(both, client, acme, rival, kind):
    by = rival.builder if kind == "foreign" else acme.builder
    (rival if kind == "foreign" else acme).enter(by)
    key, secret = token(by)
    if kind == "revoked":
        Token.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    if kind == "expired":
        secret = "assay_expired"
        key.pk, key.digest, key.expires_at = None, secret_digest(secret), timezone.now() - timedelta(days=1)
        key.save(force_insert=True)
    if kind == "removed":
        type(by).objects.filter(pk=by.pk).update(is_active=False)
    if kind in ("unknown", "empty"):
        secret = {"unknown": "assay_unknown", "empty": ""}[kind]
    client.force_login(acme.owner.user)  # the token counts, whoever's session comes with it
    wrong = []
    for address in (found for found in inside() if found.is_rest):
        for method in METHODS:
            answer = getattr(client, method)(place(address, both[0]), **bearer(secret))
            if answer.status_code != 404:
                wrong.append(f"{method} {address}: {answer.status_code}")
    assert not wrong


def test_a_token_without_the_scope_is_told_so(both, client, acme):
    """A token that may only read changes nothing, at any address."""
    acme.enter(acme.builder)
    _, secret = token(acme.builder, "read")
    wrong = []
    for address in (found for found in inside() if found.is_rest):
        for method in METHODS[1:]:
            with undone():
                answer = getattr(client, method)(
                    place(address, both[0]), data="{}", content_type=JSON, **bearer(secret)
                )
            if answer.status_code < 400 or answer.status_code == 500:
                wrong.append(f"{method} {address}: {answer.status_code}")
    assert not wrong


def test_a_change_by_session_needs_its_csrf_token(both, acme):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(acme.builder.user)
    wrong = []
    for address in inside():
        for method in METHODS[1:]:
            answer = ask(strict, method, place(address, both[0]))
            if answer.status_code not in (403, 405):
                wrong.append(f"{method} {address}: {answer.status_code}")
    assert not wrong


def test_a_refusal_over_rest_is_a_problem_document(both, client, rival):
    client.force_login(rival.owner.user)
    for address in (found for found in inside() if found.is_rest):
        answer = client.get(place(address, both[0]))
        assert answer["Content-Type"] == "application/problem+json"
        assert json.loads(answer.content)["status"] == 404
