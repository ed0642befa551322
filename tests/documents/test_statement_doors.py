"""The doors to statements: pages that keep what was typed, and the same over REST."""

import pytest
from django.utils.html import escape

from apps.documents.kinds import KINDS
from apps.documents.models import Statement
from tests.documents import make
from tests.models import make as models

pytestmark = pytest.mark.django_db
PURPOSE = {question.name: f"{question.title}, said." for question in KINDS["intended_purpose"].questions}
ROOT = "/acme/lending/statements/"
REST = "/api/v1/acme/statements/"


@pytest.fixture
def version(acme):
    acme.enter()
    return models.version(acme)


@pytest.fixture
def inside(acme, client):
    client.force_login(acme.builder.user)
    return client


def test_the_list_asks_for_everything_that_can_be_stated(acme, version, inside):
    make.stated(acme)
    page = inside.get(ROOT).content.decode()
    assert all(escape(kind.title) in page for kind in KINDS.values())
    assert f"1 of {len(KINDS)} are stated and current" in page
    assert f"new/model_card_notes/?model={version.pk}" in page
    assert f"new/datasheet_answers/?data={version.dataset_version_id}" in page


def test_a_form_makes_a_statement(acme, inside):
    answer = inside.post(f"{ROOT}new/intended_purpose/", PURPOSE)
    acme.enter()
    (made,) = Statement.objects.all()
    assert answer.status_code == 303 and answer["Location"] == made.get_absolute_url()
    page = inside.get(made.get_absolute_url()).content.decode()
    assert "Foreseeable misuse, said." in page and made.digest in page


def test_a_refused_form_keeps_what_was_typed(acme, inside):
    answer = inside.post(f"{ROOT}new/intended_purpose/", PURPOSE | {"users": "", "valid_until": "2020-01-01"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "This must be answered." in page and "Foreseeable misuse, said." in page and "2020-01-01" in page


def test_the_form_begins_with_what_was_stated_and_sees_a_newer_one(acme, inside):
    acme.enter()
    first = make.stated(acme, misuse="Ranking neighbourhoods.")
    page = inside.get(f"{ROOT}new/intended_purpose/").content.decode()
    assert "Ranking neighbourhoods." in page
    acme.enter()
    make.stated(acme)
    answer = inside.post(f"{ROOT}new/intended_purpose/", PURPOSE | {"seen": first.pk})
    assert answer.status_code == 400 and "a moment ago" in answer.content.decode()


def test_a_datasheet_is_stated_with_its_choices(acme, version, inside):
    where = f"{ROOT}new/datasheet_answers/?data={version.dataset_version_id}"
    kind = KINDS["datasheet_answers"]
    typed = make.answers(kind) | {f"{one.name}-answer": "given" for one in kind.questions}
    typed |= {"errors": "", "errors-answer": "unknown"}
    assert inside.post(where, typed).status_code == 303
    acme.enter()
    page = inside.get(Statement.objects.get().get_absolute_url()).content.decode()
    assert "UNKNOWN" in page.upper() and "Collection process" in page


def test_it_is_withdrawn_on_its_page(acme, inside):
    acme.enter()
    statement = make.stated(acme)
    assert inside.post(statement.get_absolute_url(), {"reason": ""}).status_code == 400
    assert inside.post(statement.get_absolute_url(), {"reason": "It was wrong."}).status_code == 303
    assert "It was wrong." in inside.get(statement.get_absolute_url()).content.decode()


def test_what_people_wrote_is_never_markup(acme, inside):
    acme.enter()
    statement = make.stated(acme, uses="<script>alert(1)</script>\n\n{{ request }}")
    page = inside.get(statement.get_absolute_url()).content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "{{ request }}" in page


def test_an_auditor_reads_and_is_told_why_not(acme, client):
    acme.enter()
    statement = make.stated(acme)
    client.force_login(acme.auditor.user)
    assert client.get(statement.get_absolute_url()).status_code == 200
    page = client.get(f"{ROOT}new/intended_purpose/").content.decode()
    assert "Only owners and builders" in page
    assert client.post(f"{ROOT}new/intended_purpose/", PURPOSE).status_code == 400


@pytest.mark.parametrize("where", ["new/nothing/", "new/model_card_notes/?model=1", "new/model_card_notes/?model=x"])
def test_what_is_not_there_is_404(acme, inside, where):
    assert inside.get(ROOT + where).status_code == 404


def test_without_a_model_nothing_is_stated_of_one(acme, inside):
    page = inside.get(f"{ROOT}new/model_card_notes/").content.decode()
    assert "There is no model version yet." in page


# --- REST -----------------------------------------------------------------------------------------------------------


def post(client, member, where, body):
    client.force_login(member.user)
    return client.post(where, body, content_type="application/json")


def get(client, member, where):
    client.force_login(member.user)
    return client.get(where)


def test_rest_lists_the_kinds(acme, client):
    found = get(client, acme.auditor, "/api/v1/acme/statement-kinds/").json()["results"]
    assert len(found) == len(KINDS) and found[0]["questions"][0]["reference"]


def test_rest_states_reads_and_withdraws(acme, client):
    body = {"project": "lending", "kind": "intended_purpose", "answers": PURPOSE, "valid_until": "2030-06-01"}
    made = post(client, acme.builder, REST, body)
    assert made.status_code == 201, made.content
    one = f"{REST}{made.json()['id']}/"
    assert made.json()["state"] == "current" and made.json()["body"]["valid_until"] == "2030-06-01"
    assert get(client, acme.auditor, f"{REST}?project=lending&kind=intended_purpose").json()["results"]
    withdrawn = post(client, acme.owner, f"{one}withdrawal/", {"reason": "It was wrong."})
    assert withdrawn.status_code == 200 and withdrawn.json()["state"] == "withdrawn"
    assert post(client, acme.owner, f"{one}withdrawal/", {"reason": "Again."}).status_code == 409


def test_rest_says_what_is_wrong_by_question(acme, client):
    body = {"project": "lending", "kind": "intended_purpose", "answers": {"uses": 7}}
    answer = post(client, acme.builder, REST, body)
    assert answer.status_code == 400 and set(answer.json()["errors"]) == set(PURPOSE)
    assert post(client, acme.builder, REST, body | {"kind": "nothing"}).status_code == 404
    assert post(client, acme.auditor, REST, body).status_code == 403


def test_rest_refuses_who_has_not_seen_the_newest(acme, client):
    body = {"project": "lending", "kind": "intended_purpose", "answers": PURPOSE}
    first = post(client, acme.builder, REST, body).json()["id"]
    assert post(client, acme.builder, REST, body | {"supersedes": first}).status_code == 201
    assert post(client, acme.builder, REST, body | {"supersedes": first}).status_code == 409


def test_another_tenants_ids_are_nothing(acme, rival, client):
    rival.enter()
    theirs = models.version(rival)
    acme.enter()
    for name, pk in (("model_version", theirs.pk), ("dataset_version", theirs.dataset_version_id)):
        body = {"project": "lending", "kind": "model_card_notes", "answers": {}, name: pk}
        assert post(client, acme.builder, REST, body).status_code == 404
