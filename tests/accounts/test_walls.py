"""What the database itself refuses the web role, whatever the code above forgets. Each attack is plain SQL."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import Membership, Role
from apps.common.tenancy import become
from tests import make as people
from tests.accounts import make

pytestmark = pytest.mark.django_db
TABLES = ["accounts_organization", "accounts_membership", "accounts_invitation", "accounts_token", "projects_project"]


def run(statement: str, **values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def column(table: str) -> str:
    return "id" if table == "accounts_organization" else "organization_id"


@pytest.fixture
def full(acme, rival):
    """Both organizations with an invitation and a token each, acting for acme's owner."""
    for tenant in (rival, acme):
        tenant.enter()
        make.invitation(tenant.owner, "new@people.example")
        make.token(tenant.builder)
    return acme, rival


@pytest.mark.parametrize("table", TABLES)
def test_a_tenant_sees_its_own_rows_and_no_other(full, table):
    acme, _ = full
    with connection.cursor() as cursor:
        cursor.execute(f"select distinct {column(table)} from {table}")
        assert cursor.fetchall() == [(acme.organization.pk,)]


@pytest.mark.parametrize("table", TABLES)
def test_without_a_tenant_nothing_is_seen(full, table):
    become(None)
    assert run(f"select * from {table}") == 0


@pytest.mark.parametrize("table", TABLES)
def test_another_tenants_rows_cannot_be_changed(full, table):
    _, rival = full
    assert run(f"update {table} set id = id where {column(table)} = %(other)s", other=rival.organization.pk) == 0


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_not_deleted(full, table):
    with pytest.raises(DatabaseError, match="permission denied"):
        run(f"delete from {table}")


@pytest.mark.parametrize("table", ["accounts_membership", "accounts_invitation", "accounts_token", "projects_project"])
def test_a_row_does_not_move_to_another_tenant(full, table):
    _, rival = full
    with pytest.raises(DatabaseError):
        run(f"update {table} set organization_id = %(other)s", other=rival.organization.pk)


def test_nobody_writes_themselves_into_another_organization(full):
    acme, rival = full
    become(acme.organization.pk, acme.builder.user_id)
    with pytest.raises(DatabaseError, match="row-level security"):
        run(
            "insert into accounts_membership (organization_id, user_id, role, is_active, joined_at)"
            " values (%(other)s, %(person)s, 'owner', true, now())",
            other=rival.organization.pk,
            person=acme.builder.user_id,
        )


def test_a_person_reads_their_own_membership_elsewhere_and_cannot_change_it(full):
    acme, rival = full
    rival.enter()
    people_there = Membership.objects.create(organization=rival.organization, user=acme.builder.user, role=Role.AUDITOR)
    acme.enter(acme.builder)
    assert Membership.objects.filter(pk=people_there.pk).exists()
    assert not Membership.objects.filter(pk=rival.owner.pk).exists()
    assert run("update accounts_membership set role = 'owner' where id = %(id)s", id=people_there.pk) == 0


POINTERS = {
    "a token": "insert into accounts_token (organization_id, membership_id, name, prefix, digest, scopes, created_at,"
    " expires_at) values (%(mine)s, %(member)s, 'x', 'x', 'x', '[]', now(), now())",
    "an invitation": "insert into accounts_invitation (organization_id, email, role, digest, invited_by_id, created_at,"
    " expires_at) values (%(mine)s, 'x@x.example', 'owner', 'x', %(member)s, now(), now())",
    "a key": "insert into accounts_idempotencykey (organization_id, membership_id, key, request_digest, content_type,"
    " body, created_at) values (%(mine)s, %(member)s, 'x', 'x', '', '', now())",
    "a project's owner": "update projects_project set owner_id = %(member)s",
}


@pytest.mark.parametrize("statement", POINTERS.values(), ids=POINTERS)
def test_a_row_points_to_no_member_of_another_organization(full, statement):
    """And a foreign id is refused in the same words as one that does not exist."""
    acme, rival = full
    refusals = []
    for member in (rival.owner.pk, 10**9):
        with pytest.raises(DatabaseError, match="_within") as refused:
            run(statement, mine=acme.organization.pk, member=member)
        refusals.append(str(refused.value).splitlines()[0])
    assert refusals[0] == refusals[1]


def test_an_organization_keeps_an_owner(acme):
    for change in ("is_active = false", "role = 'builder'"):
        become(acme.organization.pk, acme.builder.user_id)
        with pytest.raises(DatabaseError, match="keeps an owner"):
            run(f"update accounts_membership set {change} where role = 'owner'")
    make.second_owner(acme)
    assert run("update accounts_membership set role = 'builder' where id = %(id)s", id=acme.owner.pk) == 1


def test_all_owners_at_once_do_not_leave(acme):
    make.second_owner(acme)
    become(acme.organization.pk, acme.builder.user_id)
    with pytest.raises(DatabaseError, match="keeps an owner"):
        run("update accounts_membership set is_active = false")


def test_nobody_changes_their_own_role(acme):
    become(acme.organization.pk, acme.builder.user_id)
    with pytest.raises(DatabaseError, match="their own role"):
        run("update accounts_membership set role = 'owner' where user_id = %(me)s", me=acme.builder.user_id)


def test_a_person_keeps_the_address_that_was_invited(acme):
    with pytest.raises(DatabaseError, match="keeps the address"):
        run("update accounts_user set email = 'chair@acme.example' where id = %(me)s", me=acme.builder.user_id)
    assert run("update accounts_user set name = 'Bea' where id = %(me)s", me=acme.builder.user_id) == 1


def test_a_membership_is_not_handed_to_another_person(acme):
    stranger = people.person("stranger@nowhere.example")
    with pytest.raises(DatabaseError, match="stays with its person"):
        run("update accounts_membership set user_id = %(other)s where role = 'owner'", other=stranger.pk)


@pytest.mark.parametrize(
    "change",
    ["scopes = '[\"approval.sign\"]'", "expires_at = now() + interval '9 years'", "digest = 'mine'", "name = 'x'"],
)
def test_a_token_never_grows(full, change):
    with pytest.raises(DatabaseError, match="An API token cannot be changed"):
        run(f"update accounts_token set {change}")


def test_what_was_revoked_stays_revoked(full):
    for table in ("accounts_token", "accounts_invitation"):
        assert run(f"update {table} set revoked_at = now()") == 1
        for change in ("revoked_at = null", "revoked_at = revoked_at + interval '1 day'"):
            with pytest.raises(DatabaseError, match="stays so"):
                run(f"update {table} set {change}")


@pytest.mark.parametrize(
    "change", ["role = 'owner'", "email = 'x@x.example'", "expires_at = now() + interval '1 year'"]
)
def test_an_invitation_never_changes(full, change):
    with pytest.raises(DatabaseError, match="An invitation cannot be changed"):
        run(f"update accounts_invitation set {change}")


def test_an_invitation_is_not_opened_again(full):
    assert run("update accounts_invitation set accepted_at = now()") == 1
    with pytest.raises(DatabaseError, match="stays so"):
        run("update accounts_invitation set accepted_at = null")


def test_the_narrow_functions_tell_a_stranger_nothing(full):
    """They answer before a tenant is known; without the secret they set none."""
    become(None)
    with connection.cursor() as cursor:
        cursor.execute("select * from accounts_enter_by_token('no such digest', 'acme')")
        assert cursor.fetchone() == (None, None)
        cursor.execute("select accounts_enter_by_invitation('no such digest')")
        assert cursor.fetchone() == (None,)
        cursor.execute("select current_setting('assay.organization', true)")
        assert cursor.fetchone() == ("",)


@pytest.mark.parametrize(
    "attack",
    [
        "alter table accounts_membership disable trigger all",
        "drop trigger accounts_membership_stands on accounts_membership",
        "alter table accounts_membership disable row level security",
        "drop policy tenant_reads on accounts_token",
        "create or replace function accounts_membership_stands() returns trigger language plpgsql as"
        " 'begin return new; end'",
        "truncate accounts_token cascade",
        "set session_replication_role = replica",
        "set role postgres",
    ],
)
def test_the_web_role_cannot_take_the_walls_down(acme, attack):
    with pytest.raises(DatabaseError):
        run(attack)


def test_a_persons_number_is_never_anothers(acme):
    """WF-SIG-8: nobody's row goes, so that no number comes free, and each is greater than all before it."""
    stranger = people.person("ina@people.example").pk
    for number in (acme.builder.user_id, stranger):
        with pytest.raises(DatabaseError, match="permission denied"):
            run("delete from accounts_user where id = %(number)s", number=number)
    assert people.person("uta@people.example").pk > stranger
