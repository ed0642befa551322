"""Legal holds: who places them, that two release them, what they stop, and plain SQL against them."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audits import holds
from apps.audits.models import LegalHold, Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted
from tests.make import project

pytestmark = pytest.mark.django_db


def placed(acme, on=None) -> LegalHold:
    acme.enter(acme.reviewer)
    return holds.place(on or acme.project, reason="A complaint in court.", by=acme.reviewer)


def asked(acme) -> LegalHold:
    return holds.release(placed(acme), reason="Settled.", by=acme.reviewer)


def test_a_hold_stops_disposal_and_erasure_where_it_is(acme):
    here, other = acme.project.pk, project(acme.builder, slug="other").pk
    organization = acme.organization.pk
    assert holds.why_not_erase(organization) is None and holds.why_not_dispose(organization, here) is None
    placed(acme)
    assert "A complaint in court." in holds.why_not_dispose(organization, here)
    assert "nobody is erased" in holds.why_not_erase(organization)
    assert holds.why_not_dispose(organization, other) is None
    assert holds.why_not_dispose(organization, None)  # what belongs to no project may concern this one


def test_a_hold_on_the_organization_covers_every_project(acme):
    placed(acme, on=acme.organization)
    assert holds.why_not_dispose(acme.organization.pk, acme.project.pk)


def test_two_people_release_it_and_both_are_remembered(acme):
    hold = asked(acme)
    assert holds.why_not_dispose(acme.organization.pk, acme.project.pk)
    with pytest.raises(ActionDenied, match="a second person"):
        holds.release(hold, by=acme.reviewer)
    acme.enter(acme.owner)
    assert holds.release(hold, by=acme.owner).released_at
    assert holds.why_not_dispose(acme.organization.pk, acme.project.pk) is None
    events = Record.objects.filter(on_type="legalhold").order_by("seq").values_list("event", flat=True)
    assert list(events) == ["hold.placed", "hold.release-asked", "action.refused", "hold.released"]
    with pytest.raises(ActionDenied, match="already"):
        holds.release(hold, by=acme.owner)


@pytest.mark.parametrize("role", ["builder", "auditor"])
def test_others_neither_place_nor_release(acme, role):
    hold, by = asked(acme), acme.members[role]
    acme.enter(by)
    with pytest.raises(NotPermitted):
        holds.place(acme.project, reason="x", by=by)
    with pytest.raises(NotPermitted):
        holds.release(hold, by=by)


def test_a_reason_is_asked_for(acme):
    with pytest.raises(BadInput, match="Say why"):
        holds.place(acme.project, reason=" ", by=acme.enter(acme.owner).owner)


@pytest.mark.parametrize(
    "attack",
    [
        "delete from audits_legalhold",
        "update audits_legalhold set reason = 'another'",
        "update audits_legalhold set released_at = now(), released_by_id = asked_by_id",
        "update audits_legalhold set released_at = now(), released_by_id = {owner}",
        "update audits_legalhold set project_id = 0",
        "update audits_legalhold set asked_by_id = {owner}",
    ],
)
def test_plain_sql_does_not_release_it(acme, attack):
    """As the one who asked for the release, on the web's own connection."""
    asked(acme)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack.format(owner=acme.owner.user_id))


@pytest.mark.parametrize("by", ["builder", "reviewer"])
def test_plain_sql_places_none_in_anothers_name(acme, by):
    acme.enter(acme.members[by])
    with pytest.raises(DatabaseError), transaction.atomic():
        LegalHold.objects.create(
            organization_id=acme.organization.pk, reason="x", placed_by_id=acme.owner.user_id
        )  # fmt: skip


def test_another_organization_neither_sees_nor_touches_it(acme, rival):
    hold = placed(acme)
    rival.enter(rival.owner)
    assert not holds.in_force(acme.organization.pk).exists()
    with pytest.raises(LegalHold.DoesNotExist):
        holds.release(hold, reason="x", by=rival.owner)
