"""What becomes of a project, and what is remembered of it."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits.models import Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from apps.projects import actions, queries
from apps.projects.models import Project
from tests.projects.make import LENDING, answers

pytestmark = pytest.mark.django_db


def open_project(by, **fields):
    fields = {"name": "Mortgage Lending", "purpose": "Whom to offer a loan.", "answers": LENDING} | fields
    return actions.open_project(by=by, **fields)


def last_record() -> Record:
    return Record.objects.order_by("-seq").first()


def test_it_opens_a_project_whose_class_follows_from_the_answers(acme):
    project = open_project(acme.builder)
    assert (project.slug, project.risk_class, project.owner) == ("mortgage-lending", "high", acme.builder)
    found = last_record()
    assert (found.event, found.by_name, found.project) == ("project.opened", "Builder", "mortgage-lending")
    assert found.told == {
        "slug": "mortgage-lending", "purpose": "Whom to offer a loan.", "owner": "Builder", "risk_class": "high",
        "answers": LENDING,
    }  # fmt: skip


def test_it_opens_one_of_a_class_that_was_raised(acme):
    assert open_project(acme.builder, answers=answers(), risk_class="limited").risk_class == "limited"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"risk_class": "limited"}, "risk_class"),
        ({"answers": {}}, "annex_iii"),
        ({"answers": answers("prohibited_practice")}, "prohibited_practice"),
        ({"name": "Lending"}, "name"),
        ({"name": "lending!"}, "name"),
        ({"name": "Members"}, "name"),
        ({"name": "Policies"}, "name"),
        ({"name": "贷款"}, "name"),
        ({"name": "--"}, "name"),
    ],
)
def test_it_opens_no_project_of_bad_input(acme, fields, field):
    with pytest.raises(BadInput) as refused:
        open_project(acme.builder, **fields)
    assert field in refused.value.problems
    assert Project.objects.count() == 1


def test_its_owner_is_a_member_of_its_organization(acme, rival):
    with pytest.raises(BadInput, match="must be a member"):
        open_project(acme.builder, owner=rival.owner)
    with pytest.raises(BadInput, match="must be a member"):
        actions.change(acme.project, by=acme.owner, owner=rival.owner)
    assert open_project(acme.builder, owner=acme.owner).owner == acme.owner


@pytest.mark.parametrize("role", ["reviewer", "auditor"])
def test_who_may_not_is_refused_and_nothing_else_is_remembered(acme, role):
    by, before = acme.members[role], Record.objects.count()
    for act in (
        lambda: open_project(by),
        lambda: actions.change(acme.project, by=by, purpose="mine"),
        lambda: actions.classify(acme.project, by=by, answers=answers()),
        lambda: actions.close(acme.project, by=by, reason="mine"),
    ):
        with pytest.raises(NotPermitted, match="Only "):
            act()
    left = Record.objects.order_by("seq").values_list("event", flat=True)[before:]
    assert list(left) == ["action.refused"] * 4


def test_it_changes_and_remembers_both_sides(acme):
    changed = actions.change(acme.project, by=acme.builder, purpose="Price loans.", owner=acme.owner, name="Lending")
    assert (changed.purpose, changed.owner) == ("Price loans.", acme.owner)
    assert last_record().event == "project.changed"
    assert last_record().told == {
        "before": {"purpose": "Decide who is offered a loan.", "owner": "Builder (Builder)"},
        "after": {"purpose": "Price loans.", "owner": "Owner (Owner)"},
    }


def test_it_remembers_no_change_that_is_none(acme):
    before = Record.objects.count()
    actions.change(acme.project, by=acme.builder, purpose=acme.project.purpose)
    classified = actions.classify(acme.project, by=acme.builder, answers=LENDING)
    after = Record.objects.count()
    actions.classify(classified, by=acme.builder, answers=LENDING)
    assert (after, Record.objects.count()) == (before + 1, before + 1)


def test_it_classifies_and_remembers_both_sides(acme):
    classified = actions.classify(acme.project, by=acme.builder, answers=answers("personal_data"))
    assert classified.risk_class == "limited"
    assert last_record().event == "project.classified"
    assert last_record().facts["before"] == {"risk_class": "high", "answers": {}}
    assert last_record().facts["after"] == {"risk_class": "limited", "answers": answers("personal_data")}
    with pytest.raises(BadInput, match="raised, not lowered"):
        actions.classify(acme.project, by=acme.builder, answers=answers("personal_data"), risk_class="minimal")


def test_a_page_that_has_grown_old_changes_nothing(acme):
    seen = acme.project.changed_at
    actions.change(acme.project, by=acme.owner, seen=seen, purpose="Price loans.")
    with pytest.raises(ActionDenied, match="Somebody changed this project"):
        actions.change(acme.project, by=acme.builder, seen=seen, purpose="Collect loans.")
    with pytest.raises(ActionDenied, match="Somebody changed this project"):
        actions.classify(acme.project, by=acme.builder, seen=seen, answers=answers())
    assert Project.objects.get(pk=acme.project.pk).purpose == "Price loans."


def test_it_closes_for_good(acme):
    closed = actions.close(acme.project, by=acme.owner, reason="The product ended.")
    assert closed.closed_at
    assert (last_record().event, last_record().facts) == ("project.closed", {"reason": "The product ended."})
    for act in (
        lambda: actions.change(acme.project, by=acme.builder, purpose="x"),
        lambda: actions.classify(acme.project, by=acme.builder, answers=answers()),
        lambda: actions.close(acme.project, by=acme.owner, reason="again"),
    ):
        with pytest.raises(ActionDenied, match="closed"):
            act()


def test_a_project_is_found_by_its_own_organization_only(acme, rival):
    assert list(queries.projects(viewer=acme.auditor)) == [acme.project]
    rival.enter()
    assert list(queries.projects(viewer=rival.auditor)) == [rival.project]
    assert list(queries.projects(viewer=acme.auditor)) == []  # the database agrees


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("slug = 'elsewhere'", "keeps its organization, address"),
        ("created_at = now() - interval '1 year'", "keeps its organization, address"),
        ("risk_class = 'none'", "projects_project_class"),
    ],
)
def test_the_database_keeps_a_project_what_it_is(acme, change, says):
    with pytest.raises(DatabaseError, match=says), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"update projects_project set {change}")


def test_the_database_changes_no_closed_project(acme):
    actions.close(acme.project, by=acme.owner, reason="The product ended.")
    for change in ("closed_at = null", "purpose = 'another'", "risk_class = 'minimal'"):
        with pytest.raises(DatabaseError, match="A closed project"), transaction.atomic():
            connection.cursor().execute(f"update projects_project set {change}")
