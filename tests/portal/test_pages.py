"""The pages that look into several rooms: what waits, where things stand, in as few statements for many as for one."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.approvals import actions as signing
from apps.deployments import actions as deployments
from tests import make
from tests.approvals import make as approvals

MOST_STATEMENTS = 15


@pytest.fixture
def visit(client):
    def visit(member, path="", status=200):
        client.force_login(member.user)
        answer = client.get(f"/{member.organization.slug}/{path}")
        assert answer.status_code == status
        return answer.content.decode()

    return visit


def statements(client, member, path=""):
    """What one visit asks the database, by somebody who is signed in already."""
    client.force_login(member.user)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"/{member.organization.slug}/{path}").status_code == 200
    return [
        query["sql"] for query in captured.captured_queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))
    ]


def test_one_organization_is_home(client, acme):
    client.force_login(acme.builder.user)
    assert client.get("/").headers["Location"] == "/acme/"


def test_several_are_for_choosing(client, acme, rival):
    rival.enter()
    make.Membership.objects.create(organization=rival.organization, user=acme.builder.user, role="auditor")
    client.force_login(acme.builder.user)
    page = client.get("/").content.decode()
    assert 'href="/acme/"' in page
    assert 'href="/rival/"' in page


def test_a_person_of_no_organization_is_told_how_to_join(client, acme):
    client.force_login(make.person("nobody@nowhere.example"))
    assert "You belong to no organization yet" in client.get("/").content.decode()


def test_the_organization_shows_how_far_each_project_is(visit, acme):
    approvals.approved(acme)
    page = visit(acme.auditor)
    assert "Lending" in page
    assert "approved" in page
    assert "Nothing waits for you" in page


def test_what_waits_for_a_reviewer_is_what_the_reviewer_may_sign(visit, acme):
    approvals.asked(acme)
    assert "waits for a signature" in visit(acme.reviewer)
    assert "waits for a signature" not in visit(acme.builder)


def test_what_a_reviewer_had_a_hand_in_does_not_wait_for_them(visit, acme):
    approvals.asked(acme, by=acme.reviewer)
    assert "waits for a signature" not in visit(acme.reviewer)
    assert "waits for a signature" in visit(acme.second_reviewer)


def test_undeclared_data_waits_for_who_uploaded_it(visit, acme):
    acme.enter(acme.builder)
    declared = approvals.dataset_version(acme)
    undeclared = {"number": 2, "declaration": None, "declaration_digest": "", "declared_by": None, "declared_at": None}
    for name, value in {"pk": None, **undeclared}.items():
        setattr(declared, name, value)
    declared.save(force_insert=True)
    assert "loanapp v2 waits for its declaration" in visit(acme.builder)
    assert "loanapp v1 waits" not in visit(acme.builder)
    assert "declaration" not in visit(acme.reviewer)


@pytest.mark.parametrize(("left", "said"), [(40, ""), (20, "ends on"), (-1, "ended on")])
def test_a_waiver_near_its_end_waits_for_who_answers_for_it(visit, acme, monkeypatch, left, said):
    waiver = approvals.waived(acme, approvals.reported(acme), ends_at=timezone.now() + timedelta(days=80))
    at = waiver.ends_at - timedelta(days=left)
    monkeypatch.setattr("django.utils.timezone.now", lambda: at)
    for member in (acme.second_reviewer, acme.builder):
        told = member == acme.second_reviewer and bool(said)
        assert (f"waiver {waiver.pk} {said}" in visit(member)) == told
        assert ("Nothing waits for you" in visit(member)) != told


@pytest.mark.parametrize(("after", "said"), [(149, ""), (151, "is to be tried by"), (181, "was to be tried by")])
def test_a_stop_that_is_to_be_tried_waits_for_who_opened_what_serves(visit, acme, monkeypatch, after, said):
    opened = deployments.open_deployment(approvals.approved(acme), name="advice", by=acme.builder)
    at = opened.opened_at + timedelta(days=after)
    for member in (acme.builder, acme.owner):
        client_sees = visit(member)  # signed in before the clock goes on
        assert "to be tried" not in client_sees
        monkeypatch.setattr("apps.deployments.queries.timezone.now", lambda: at)
        assert (f"the stop of advice {said}" in visit(member)) == (member == acme.builder and bool(said))
        monkeypatch.undo()


def test_the_project_names_its_next_step_and_who_may_not_take_it(visit, acme):
    page = visit(acme.builder, "lending/")
    assert '<a class="button next" href="/acme/lending/datasets/">Add data</a>' in page
    page = visit(acme.auditor, "lending/")
    assert "Only builders of this organization upload data." in page


def test_the_project_shows_what_is_measured_and_what_is_missing(visit, acme):
    approvals.asked(acme)
    page = visit(acme.auditor, "lending/")
    for stop in ("Data", "Model", "Reports", "Sign-off", "Deployed"):
        assert stop in page
    assert 'aria-label="The way to service"' in page


def test_a_stranger_gets_404(client, acme, rival):
    client.force_login(rival.owner.user)
    assert client.get("/acme/").status_code == client.get("/acme/lending/").status_code == 404


def test_many_projects_cost_as_many_statements_as_one(client, acme):
    one = statements(client, acme.owner)
    acme.enter()
    for number in range(30):
        make.project(acme.builder, slug=f"project-{number}")
    many = statements(client, acme.owner)
    assert len(many) == len(one)
    assert len(many) <= MOST_STATEMENTS, many


def test_a_project_with_much_in_it_costs_no_more(client, acme):
    approvals.asked(acme)
    one = statements(client, acme.auditor, "lending/")
    acme.enter()
    for number in range(2, 6):
        approvals.dataset_version(acme, number=number)
    many = statements(client, acme.auditor, "lending/")
    assert len(many) == len(one)
    assert len(many) <= MOST_STATEMENTS, "\n".join(many)


@pytest.mark.parametrize(
    ("path", "words"), [("/acme/nothing/", "There is nothing at this address"), ("/api/v1/acme/x", "about:blank")]
)
def test_errors_are_pages_for_people_and_problems_for_programs(client, acme, path, words):
    client.force_login(acme.builder.user)
    answer = client.get(path)
    assert answer.status_code == 404
    assert words in answer.content.decode()


def test_a_database_that_is_gone_is_said_to_be_gone(client, acme, monkeypatch):
    def gone(*args, **options):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr("portal.pages.overview.organization", gone)
    client.raise_request_exception = False
    client.force_login(acme.builder.user)
    answer = client.get("/acme/")
    assert answer.status_code == 503
    assert "The portal is not ready" in answer.content.decode()


def test_an_unexpected_error_tells_nothing_of_itself(client, acme, monkeypatch):
    def broken(*args, **options):
        raise RuntimeError("the secret is swordfish")

    monkeypatch.setattr("portal.pages.overview.organization", broken)
    client.raise_request_exception = False
    client.force_login(acme.builder.user)
    answer = client.get("/acme/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "swordfish" not in answer.content.decode()


def test_what_serves_without_a_standing_sign_off_is_said_to_refuse(visit, acme):
    approval = approvals.approved(acme)
    deployments.open_deployment(approval, name="lending", by=acme.builder)
    for path in ("", "lending/"):
        assert "refuses" not in visit(acme.auditor, path)
    acme.enter(acme.reviewer)
    signing.revoke(approval, reason="New evidence.", by=acme.reviewer)
    for path in ("", "lending/"):
        assert "refuses" in visit(acme.auditor, path)
