"""The record's pages."""

import hashlib
import re
import subprocess
from html import unescape

import pytest

from apps.audits import addresses, checkpoints, keys, notes, proofs, queries
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Record

pytestmark = pytest.mark.django_db


@pytest.fixture
def written(acme, client):
    """Three records of acme, and acme's auditor at the browser."""
    record(Event.PROJECT_OPENED, on=acme.project, by=acme.builder, purpose="it's “quoted” $HOME `x`")
    record(Event.PROJECT_CLASSIFIED, on=acme.project, by=None, risk_class="high")
    client.force_login(acme.auditor.user)
    return acme


def numbers(response) -> list[int]:
    return [one.seq for one, _ in response.context["lines"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", [3, 2, 1]),
        ("verb=project.opened", [2]),
        ("person=0", [3]),
        ("person={builder}", [2]),
        ("thing=lend", [3, 2]),
        ("thing=nothing", []),
        ("project=lending", [3, 2]),
        ("on=project:{project}", [3, 2]),
        ("on=project:{project}&verb=project.opened", [2]),
        ("since={today}&until={today}", [3, 2, 1]),
        ("until={yesterday}", []),
        ("until=9999-12-31", [3, 2, 1]),
        ("since={tomorrow}", []),
        ("after=3", [2, 1]),
        ("before=2", [3]),
        ("after=nonsense", [3, 2, 1]),
    ],
)
def test_it_lists_what_fits_the_address(written, client, asked, expected):
    from datetime import timedelta

    from django.utils import timezone

    today = timezone.now().date()
    days = {"today": today, "yesterday": today - timedelta(days=1), "tomorrow": today + timedelta(days=1)}
    asked = asked.format(builder=written.builder.user_id, project=written.project.pk, **days)
    response = client.get(f"/acme/records/?{asked}")
    assert response.status_code == 200
    assert numbers(response) == expected


@pytest.mark.parametrize(
    "asked", ["verb=nothing.happened", "person=x", "since=tomorrow", "on=project", "person=99999999999999999999"]
)
def test_it_says_what_is_wrong_with_a_filter(written, client, asked):
    response = client.get(f"/acme/records/?{asked}")
    assert response.status_code == 200
    assert response.context["form"].errors


def test_each_line_leads_to_its_thing(written, client):
    assert '<a href="/acme/lending/">Lending</a>' in client.get("/acme/records/").content.decode()


def test_htmx_gets_the_lines_alone(written, client):
    content = client.get("/acme/records/", headers={"HX-Request": "true"}).content.decode()
    assert content.strip().startswith('<div id="lines">')


def test_it_asks_the_database_equally_often_for_many_records(written, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(12) as few:
        client.get("/acme/records/")
    written.enter()
    for _ in range(60):
        record(Event.PROJECT_CHANGED, on=written.project, by=written.builder)
    with django_assert_max_num_queries(len(few)):
        assert len(numbers(client.get("/acme/records/"))) == 25


def test_an_empty_answer_says_what_to_do(written, client):
    assert "No record fits these filters" in client.get("/acme/records/?thing=nothing").content.decode()


def test_a_records_page_shows_how_to_recompute_it(written, client):
    content = client.get("/acme/records/2/").content.decode()
    (leaf,) = re.findall(r'aria-label="Leaf">(.*?)</pre>', content, re.S)
    written.enter()
    one = Record.objects.get(seq=2)
    assert hashlib.sha256(b"\0" + unescape(leaf).encode()).hexdigest() == one.digest_hex
    assert one.digest_hex in content


def test_the_command_it_shows_gives_the_digest(written, client):
    content = client.get("/acme/records/2/").content.decode()
    (command,) = re.findall(r'aria-label="Command">(.*?)</pre>', content, re.S)
    found = subprocess.run(["sh", "-c", unescape(command)], capture_output=True, text=True, check=False)
    written.enter()
    assert found.stdout.split()[0] == Record.objects.get(seq=2).digest_hex


@pytest.mark.parametrize("seq", [0, 4, 10**17, 10**30])
def test_a_number_nobody_has_is_not_found(written, client, seq):
    assert client.get(f"/acme/records/{seq}/").status_code == 404


def test_verifying_answers_and_is_remembered(written, client):
    content = client.post("/acme/records/verify/").content.decode()
    assert "All 3 records" in content
    written.enter()
    last = queries.last_verification(viewer=written.auditor)
    root = proofs.root(written.organization.pk, 3).hex()
    assert last.facts == {"intact": True, "records": 3, "root": root, "checkpoints": 0}
    assert "it was: " in client.get("/acme/records/verify/").content.decode()


def test_verifying_against_a_checkpoint_that_was_kept(written, client):
    note = checkpoints.make(written.organization.pk).note
    mine, key = checkpoints.origin(written.organization.pk), keys.in_use(written.organization.pk).key
    forged = notes.signed(notes.Checkpoint(mine, 2, bytes(32)), key)
    longer = notes.signed(notes.Checkpoint(mine, 90, bytes(32)), key)
    for kept, said in [
        (note, "2 checkpoints agree"),
        (forged, "was rewritten"),
        (longer, "cut off"),
        ("2 ab", "is no"),
    ]:
        assert said in client.post("/acme/records/verify/", {"checkpoint": kept}).content.decode()


def test_a_checkpoint_is_made_and_shown(written, client):
    assert "No checkpoint was made yet" in client.get("/acme/checkpoints/").content.decode()
    shown = client.post("/acme/checkpoints/", follow=True).content.decode()
    (note,) = re.findall(r'aria-label="Note">(.*?)</pre>', shown, re.S)
    assert checkpoints.kept(written.organization.pk, unescape(note))
    assert "Over" not in client.get("/acme/checkpoints/").content.decode()
    proof = client.get("/acme/records/2/").content.decode()
    assert notes.read(unescape(note)).root.hex() in proof


def test_the_keys_are_shown_and_rotated_by_the_owner_alone(written, client):
    assert "No key was needed yet" in client.get("/acme/keys/").content.decode()
    client.post("/acme/checkpoints/")
    assert "As auditor you may not" in client.post("/acme/keys/", follow=True).content.decode()
    client.force_login(written.owner.user)
    shown = client.post("/acme/keys/", follow=True).content.decode()
    assert "signs with key 2" in shown
    assert shown.count("BEGIN PUBLIC KEY") == 2


def test_it_exports_what_the_filters_leave(written, client):
    response = client.get("/acme/records/export/?format=csv&verb=project.opened")
    assert response["Content-Disposition"] == 'attachment; filename="records-acme.csv"'
    assert b"".join(response.streaming_content).count(b"\n") == 2


@pytest.mark.parametrize(
    "asked", ["", "format=xls", "format=csv&first=0", "format=csv&verb=x", f"format=csv&first={10**30}"]
)
def test_a_wrong_export_is_refused_and_takes_nothing(written, client, asked):
    response = client.get(f"/acme/records/export/?{asked}")
    assert response.status_code == 400
    assert "cannot be made" in response.content.decode()
    written.enter()
    assert Record.objects.count() == 3


def test_a_builder_sees_why_not_and_gets_nothing(written, client):
    client.force_login(written.builder.user)
    assert "As builder you may not export the record" in client.get("/acme/records/").content.decode()
    assert client.get("/acme/records/export/?format=csv").status_code == 403
    written.enter()
    assert list(Record.objects.filter(seq__gt=3).values_list("event", flat=True)) == ["action.refused"]


def test_everybody_who_acted_can_be_chosen(written):
    record(Event.PROJECT_CHANGED, on=written.project, by=written.reviewer)
    assert [name for _, name in queries.people(viewer=written.auditor)] == ["Builder", "Owner", "Reviewer"]
    written.reviewer.user.name = "Reviewer Married"
    record(Event.PROJECT_CHANGED, on=written.project, by=written.reviewer)
    assert (written.reviewer.user_id, "Reviewer Married") in queries.people(viewer=written.auditor)


def test_a_things_history(written):
    assert [one.seq for one in queries.history(viewer=written.auditor, on=written.project).order_by("seq")] == [2, 3]


@pytest.mark.parametrize("kind", ["project", *addresses.IN_PROJECT, *addresses.IN_ORGANIZATION, *addresses.LISTS])
def test_every_kind_of_thing_leads_somewhere(kind):
    one = Record(on_type=kind, on_id=7, project="lending")
    assert addresses.address(one, "acme").startswith("/acme/")


def test_a_thing_without_a_page_leads_nowhere():
    assert addresses.address(Record(on_type="profile", on_id=7, project="lending"), "acme") is None
