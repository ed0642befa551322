"""The pages of a project's beginning, changes and end, as a browser without scripts uses them."""

import re

import pytest

from apps.projects import rules
from apps.projects.models import Project
from tests.projects.make import LENDING, answers, words

pytestmark = pytest.mark.django_db
NEW = "/acme/projects/new/"


def text(response) -> str:
    assert response.status_code == 200, response.content[:500]
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def builder(client, acme):
    client.force_login(acme.builder.user)
    return client


def new(acme, **fields):
    return {"name": "Churn", "purpose": "Tell who may leave.", "owner": acme.owner.pk, "risk_class": ""} | fields


def test_it_asks_every_question_and_assumes_no_answer(builder):
    page = builder.get(NEW).content.decode()
    for name in rules.NAMES:
        assert len(re.findall(rf'<input type="radio" name="{name}"', page)) == 2
    assert not re.search(r'type="radio"[^>]* checked', page)


def test_it_opens_a_project(acme, builder):
    answer = builder.post(NEW, new(acme) | words("personal_data"))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/acme/churn/")
    acme.enter()
    project = Project.objects.get(slug="churn")
    assert (project.risk_class, project.owner, project.answers) == ("limited", acme.owner, answers("personal_data"))


def test_it_keeps_what_was_typed_and_says_what_is_open(acme, builder):
    given = words("annex_iii")
    del given["bank_model"], given["role_provider"]
    answer = builder.post(NEW, new(acme, name="") | given)
    page = answer.content.decode()
    assert "Tell who may leave." in page
    assert page.count("Answer yes or no.") == 2
    assert re.search(r'name="annex_iii" value="yes"[^>]* checked', page)
    assert re.search(r'name="personal_data" value="no"[^>]* checked', page)
    assert "High, because it is used in an area of Annex III." in text(answer)
    assert "2 questions still to answer." in text(answer)
    assert re.search(rf'<option value="{acme.owner.pk}" selected', page)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (words("prohibited_practice"), "cannot be a project here"),
        (words("special_category_data"), "answer that yes too"),
        (words("annex_iii") | {"risk_class": "limited"}, "make it at least high"),
        (words() | {"name": "Lending"}, "already"),
        (words() | {"owner": 10**9}, "Select a valid choice"),
    ],
)
def test_it_says_what_cannot_be(acme, builder, fields, says):
    answer = builder.post(NEW, new(acme) | fields)
    assert says in text(answer)
    assert "Tell who may leave." in answer.content.decode()
    acme.enter()
    assert Project.objects.count() == 1


def test_a_member_of_another_organization_is_no_owner(acme, rival, builder):
    foreign = builder.post(NEW, new(acme, owner=rival.owner.pk) | words())
    missing = builder.post(NEW, new(acme, owner=10**9) | words())
    assert "Select a valid choice" in text(foreign)
    assert text(foreign) == text(missing)
    assert f'value="{rival.owner.pk}"' not in builder.get(NEW).content.decode()


def test_the_answers_so_far_are_weighed_while_one_reads(builder):
    part = builder.get(NEW, {"annex_iii": "yes", "personal_data": "maybe"}, HTTP_HX_REQUEST="true")
    assert "High, because it is used in an area of Annex III." in text(part)
    assert f"{len(rules.NAMES) - 1} questions still to answer." in text(part)
    assert "<html" not in part.content.decode()


def test_who_may_not_reads_why(client, acme):
    client.force_login(acme.reviewer.user)
    for address in (NEW, "/acme/lending/edit/", "/acme/lending/risk/", "/acme/lending/close/"):
        page = client.get(address)
        assert re.search(r"<button[^>]* disabled", page.content.decode())
        assert "Only owners" in text(page)
    answer = client.post(NEW, new(acme) | words())
    assert "Only owners and builders of this organization open projects." in text(answer)


def test_it_changes_a_project(acme, builder):
    page = builder.get("/acme/lending/edit/").content.decode()
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', page)
    body = {"name": "Lending", "purpose": "Price loans.", "owner": acme.owner.pk, "seen": seen}
    assert builder.post("/acme/lending/edit/", body).headers["Location"] == "/acme/lending/"
    stale = builder.post("/acme/lending/edit/", body | {"purpose": "Collect loans."})
    assert "Somebody changed this project after you opened the page." in text(stale)
    assert "Collect loans." in stale.content.decode()
    acme.enter()
    assert Project.objects.get().purpose == "Price loans."


def test_it_asks_anew_how_much_is_at_stake(acme, builder):
    answer = builder.post("/acme/lending/risk/", words("personal_data") | {"risk_class": "high"}, follow=True)
    assert answer.redirect_chain[-1] == ("/acme/lending/", 303)
    page = builder.get("/acme/lending/risk/").content.decode()
    assert re.search(r'name="personal_data" value="yes"[^>]* checked', page)
    assert re.search(r'<option value="high" selected', page)
    assert "Limited, because it uses personal data." in page
    acme.enter()
    assert Project.objects.get().risk_class == "high"


def test_an_owner_closes_a_project(acme, client):
    client.force_login(acme.owner.user)
    assert "This field is required" in text(client.post("/acme/lending/close/", {"reason": " "}))
    assert client.post("/acme/lending/close/", {"reason": "The product ended."}).status_code == 303
    again = client.post("/acme/lending/close/", {"reason": "Once more."})
    assert "was closed already" in text(again) and "Once more." in again.content.decode()
    assert "is closed" in text(client.get("/acme/lending/edit/"))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a & b", "{{ 7*7 }}"])
def test_a_name_is_text(acme, builder, name):
    builder.post(NEW, new(acme, name=name, purpose=name) | words())
    acme.enter()
    project = Project.objects.exclude(slug="lending").get()
    page = builder.get(f"{project.get_absolute_url()}edit/").content.decode()
    assert "<script>alert" not in page
    assert name in text_of_value(page)


def text_of_value(page: str) -> str:
    from html import unescape

    return unescape(page)


def test_lending_is_what_its_answers_say():
    assert rules.problems(LENDING) == {}
