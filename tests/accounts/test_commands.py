"""`manage.py found`: the first thing done in a new portal."""

import re

import pytest
from django.core.management import CommandError, call_command

from apps.common.tenancy import become
from tests import make as people

pytestmark = pytest.mark.django_db


def found(capsys, slug="nova", name="Nova Bank", owner="olga@nova.example") -> str:
    call_command("found", slug, name=name, owner=owner)
    become(None)
    return capsys.readouterr().out


def test_it_prints_the_way_in_for_an_owner_who_is_new(client, capsys):
    said = found(capsys)
    assert "Founded Nova Bank: http://127.0.0.1:8000/nova/" in said
    (way,) = re.findall(r"http://127\.0\.0\.1:8000(/invitations/\S+)", said)
    page = client.get(way).content.decode()
    assert "Join Nova Bank as owner?" in page and "Who runs this portal" in page
    client.post(way, {"name": "Olga Stern", "password": people.PASSWORD})
    assert client.get("/nova/members/").status_code == 200


def test_it_gives_it_to_a_person_who_is_known(client, capsys):
    person = people.person("olga@nova.example")
    said = found(capsys, owner="OLGA@nova.example")
    assert "Olga (olga@nova.example) owns it." in said and "invitations" not in said
    client.force_login(person)
    assert client.get("/nova/").status_code == 200


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"slug": "Nova Bank"}, "small letters"),
        ({"slug": "api"}, "the portal uses"),
        ({"owner": "olga"}, "no email address"),
        ({"slug": "acme"}, "already"),
    ],
)
def test_it_says_what_is_wrong(acme, capsys, words, says):
    with pytest.raises(CommandError) as refused:
        found(capsys, **words)
    assert says in str(refused.value).lower()
