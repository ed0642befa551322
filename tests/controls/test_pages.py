"""The pages and the REST door: readable, filtered by address, the same verbs at both."""

import json
import re

import pytest
from django.test.utils import CaptureQueriesContext

from apps.controls.models import FrameworkChoice, Judgement, StatedFact
from apps.controls.rules import State
from tests.approvals import make as signed
from tests.controls import make
from tests.documents.make import stated
from tests.make import project

pytestmark = pytest.mark.django_db
ROOT, API = "/acme/lending/controls/", "/api/v1/acme/"
JSON = {"content_type": "application/json"}


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def visit(client, member, path, data=None, **options):
    client.force_login(member.user)
    return client.get(path, **options) if data is None else client.post(path, data, **options)


@pytest.fixture
def lending(acme):
    make.answered(acme)
    signed.approved(acme)
    return acme


def test_the_page_answers_first_and_shows_what_is_open(client, lending):
    page = text(visit(client, lending.auditor, ROOT))
    assert "Which rules does screening v1 meet?" in page and "clauses that apply have evidence" in page
    assert "The next day something falls due is" in page and "No owner has chosen frameworks yet" in page
    assert "The portal measures no energy yet." in page and "What would close the gaps" in page
    assert "GOVERN 2.3" not in page  # satisfied: not among what is open


@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("?state=all&framework=gdpr", "GDPR-05", "RMF-GV-2.3"),
        ("?state=satisfied", "RMF-GV-2.3", "RMF-MS-2.12"),
        ("?kind=energy_report", "RMF-MS-2.12", "GDPR-33"),
        ("?state=all&due=retirement", "RMF-GV-1.7", "RMF-MS-2.12"),
        ("?state=not%20applicable&framework=nyc-ll144", "Answered no:", "RMF-MS-2.12"),
        (
            "?framework=nonsense&state=x",
            "RMF-MS-2.12",
            "RMF-GV-2.3",
        ),  # an address that says nothing shows what is open
    ],
)
def test_the_page_is_filtered_by_its_address(client, lending, query, there, not_there):
    page = text(visit(client, lending.auditor, ROOT + query))
    assert there in page.split("Clauses by state.")[1] and not_there not in page.split("Clauses by state.")[1]


def test_it_asks_no_more_than_eighteen_statements_however_much_there_is(client, lending):
    from django.db import connection

    for number in range(2, 6):
        signed.reported(lending, number=number)
    for path in (ROOT, ROOT + "RMF-MS-2.11/", "/acme/controls/"):
        client.force_login(lending.reviewer.user)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(path).status_code == 200
        told = [each["sql"] for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(told) <= 18, "\n".join(sql[:120] for sql in told)


def test_a_reviewer_judges_on_the_clauses_page(client, lending):
    path = ROOT + "RMF-MS-2.11/"
    page = visit(client, lending.reviewer, path)
    digest = re.search(r'name="evidence_digest" value="(\w{64})"', page.content.decode())[1]
    given = {"adequate": "no", "reason": "Too few rows.", "evidence_digest": digest}
    assert client.post(path, given).status_code == 303
    assert "not adequate Reviewer" in text(client.get(path)) and Judgement.objects.get().adequate is False
    assert "judged not adequate" in text(client.get(ROOT + "?state=all"))
    given["evidence_digest"] = "0" * 64
    assert "The evidence changed after you opened the page" in text(client.post(path, given))
    assert "Only reviewers" in text(visit(client, lending.builder, path))


def test_a_clause_of_a_framework_left_out_says_why(client, lending):
    visit(client, lending.owner, "/acme/frameworks/", {"framework": "gdpr", "followed": "no", "reason": ""})
    assert not FrameworkChoice.objects.exists()
    given = {"framework": "gdpr", "followed": "no", "reason": "Not in the Union."}
    assert client.post("/acme/frameworks/", given).status_code == 303
    assert "Not in the Union." in text(client.get(ROOT + "GDPR-33/"))
    assert "Not in the Union." in text(client.get("/acme/frameworks/"))
    assert client.get(ROOT + "NOTHING-1/").status_code == 404


def test_facts_are_stated_on_a_page(client, lending):
    page = text(visit(client, lending.builder, ROOT + "facts/"))
    assert "Has it led to a serious incident" in page and "give candidates" not in page  # no employment tool
    assert client.post(ROOT + "facts/", {"serious_incident": "no"}).status_code == 303
    assert StatedFact.objects.get().answer is False
    assert "Builder" in text(client.get(ROOT + "facts/"))
    assert make.clause(lending, "AIA-73").state == State.NOT_APPLICABLE


def test_the_inventory_shows_every_model(client, lending):
    project(lending.builder, slug="empty")
    page = text(visit(client, lending.auditor, "/acme/controls/"))
    assert "screening v1" in page and "no model yet" in page and re.search(r"\d+ of \d+", page)
    assert visit(client, lending.auditor, "/acme/controls/export/?format=csv").status_code == 200
    assert client.get("/acme/controls/export/?format=pdf").status_code == 404


def test_retention_and_holds_on_their_pages(client, lending):
    assert client.post("/acme/retention/", {}).status_code == 302
    page = visit(client, lending.owner, "/acme/retention/", {"data": "0"})
    assert "greater than or equal to 1" in text(page)
    assert client.post("/acme/retention/", {"data": "30", "maximum_personal": "700"}).status_code == 303
    assert "700 days" in text(client.get("/acme/retention/"))
    assert "You proposed it" in text(client.post("/acme/retention/1/publish/", follow=True))
    visit(client, lending.reviewer, "/acme/retention/1/publish/", {})
    assert "published by Reviewer" in text(visit(client, lending.owner, "/acme/retention/"))
    assert "were spared" in text(client.post("/acme/retention/dispose/", follow=True))
    assert client.post("/acme/holds/", {"project": "lending", "reason": "A court."}).status_code == 303
    assert "A court." in text(client.get("/acme/holds/"))
    from apps.audits.models import LegalHold

    hold = LegalHold.objects.get()
    assert "a second person releases it" in text(
        client.post(f"/acme/holds/{hold.pk}/release/", {"reason": "Settled."}, follow=True)
    )
    assert "Owner asks for its release" in text(visit(client, lending.reviewer, "/acme/holds/"))
    assert "The hold is released." in text(client.post(f"/acme/holds/{hold.pk}/release/", follow=True))


@pytest.mark.parametrize("form", ["pdf", "csv", "json"])
def test_it_is_taken_away_at_both_doors(client, lending, form):
    page = visit(client, lending.auditor, f"{ROOT}export/?format={form}")
    rest = client.get(f"{API}projects/lending/controls/export/?format={form}")
    assert page.status_code == rest.status_code == 200 and page["Content-Disposition"].endswith(f'{form}"')
    assert client.get(f"{API}projects/lending/controls/export/?format=doc").status_code == 400


def test_over_rest(client, lending, rival):
    lending.enter(lending.builder)
    stated(lending, "monitoring_plan")
    where = f"{API}projects/lending/"
    told = visit(client, lending.reviewer, f"{where}controls/?state=all").json()
    assert len(told["results"]) == 161 and told["model"]["name"] == "screening"
    clause = next(each for each in told["results"] if each["id"] == "RMF-MS-2.11")
    given = {"control": clause["id"], "adequate": True, "reason": "Read.", "evidence_digest": clause["evidence_digest"]}
    assert client.post(f"{where}judgements/", json.dumps(given), **JSON).status_code == 201
    again = client.get(f"{where}controls/?framework=nist-ai-rmf&state=satisfied").json()["results"]
    assert next(each for each in again if each["id"] == clause["id"])["judgement"]["by"] == "Reviewer"
    assert client.get(f"{where}controls/?model_version=999999").status_code == 404
    assert len(client.get(f"{API}controls/").json()["results"]) == 161
    facts = visit(client, lending.builder, f"{where}facts/").json()["results"]
    assert {fact["answer"] for fact in facts} == {None}
    put = client.put(f"{where}facts/", json.dumps({"answers": {"serious_incident": True}}), **JSON)
    assert next(fact for fact in put.json()["results"] if fact["name"] == "serious_incident")["answer"] is True
    assert client.put(f"{where}facts/", json.dumps({"answers": {"aedt_scores": True}}), **JSON).status_code == 400
    chosen = {"framework": "gdpr", "followed": False, "reason": "x"}
    assert client.post(f"{API}frameworks/", json.dumps(chosen), **JSON).status_code == 403
    assert visit(client, lending.owner, f"{API}frameworks/", json.dumps(chosen), **JSON).status_code == 200
    assert client.get(f"{API}retention/").status_code == 404
    schedule = {"periods": {"data": 30}, "maximum_personal": None}
    assert client.post(f"{API}retention/", json.dumps(schedule), **JSON).status_code == 201
    assert client.get(f"{API}retention/").status_code == 404  # it is proposed
    assert client.post(f"{API}retention/1/publication/").status_code == 409
    told = visit(client, lending.reviewer, f"{API}retention/1/publication/", "{}", **JSON).json()
    assert (told["by"], told["published_by"]) == ("Owner", "Reviewer")
    assert visit(client, lending.owner, f"{API}retention/").json()["periods"] == {"data": 30}
    assert client.post(f"{API}retention/disposals/").status_code == 201
    assert client.get(f"{API}retention/disposals/").json()["results"]
    hold = client.post(f"{API}holds/", json.dumps({"project": "lending", "reason": "A court."}), **JSON).json()
    asked = client.post(f"{API}holds/{hold['id']}/release/", json.dumps({"reason": "Settled."}), **JSON).json()
    assert (asked["asked_by"], asked["released_at"]) == ("Owner", None)
    assert client.post(f"{API}holds/{hold['id']}/release/", "{}", **JSON).status_code == 409
    assert visit(client, lending.reviewer, f"{API}holds/{hold['id']}/release/", "{}", **JSON).json()["released_at"]
    assert client.get(f"{API}inventory/").json()["results"][0]["tier"] == "high"
    assert (
        visit(
            client, rival.owner, f"{API.replace('acme', 'rival')}holds/{hold['id']}/release/", "{}", **JSON
        ).status_code
        == 404
    )
