"""The database's own walls: row security on every table, a web role that can do nothing to them, attacked in SQL."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from apps.audits.models import (
    Checkpoint,
    Delivery,
    LegalHold,
    Node,
    Opening,
    PersonKey,
    Reading,
    Record,
    Refusal,
    SigningKey,
    Witness,
)
from apps.common.tenancy import TenantModel, become

pytestmark = pytest.mark.django_db

# Tables that belong to no organization, each with the reason why it may do without row security.
GLOBAL = {
    "accounts_challenge": "a question put to a person's passkey, kept for two minutes",
    "accounts_reentry": "a person proves who they are, for whichever organization",
    "accounts_refusedsignin": "somebody who did not prove who they are, for seconds",
    "accounts_user": "a person may belong to several organizations",
    "training_worker": "workers belong to the install; their page shows no tenant's data",
    "portal_cache": "counters of the sign-in's rate limits",
    "django_session": "a session belongs to a person",
    "django_migrations": "which migrations ran",
    "django_content_type": "names of tables",
    "auth_group": "Django's own; unused",
    "auth_group_permissions": "Django's own; unused",
    "auth_permission": "Django's own; unused",
    "account_emailaddress": "an address belongs to a person",
    "account_emailconfirmation": "an address belongs to a person",
    "mfa_authenticator": "a second factor belongs to a person",
    "usersessions_usersession": "a session belongs to a person",
}
# What runs with the owner's rights beside triggers (which nobody can call), each with the question it may answer.
PRIVILEGED = {
    "accounts_organization_ids": "the numbers of all organizations: the round of a worker",
    "accounts_is": "whether a membership is live and has one of some roles; asked by the triggers of emergency access",
    "accounts_enter_by_token": "whose token is this; needs the token",
    "accounts_enter_by_invitation": "whose invitation is this; needs its secret",
    "approvals_proved": "whether a re-entry proves who a person is; asked by the trigger of a signature",
    "bundles_enter_by_share": "which live share is this; needs its secret",
    "approvals_is": "whether a membership is live and has a role; asked by the triggers of a sign-off",
}


# memory's own tables: plain values, an organization's all the same
PLAIN = (Record, Refusal, Node, Opening, PersonKey, Checkpoint, Witness, Delivery, SigningKey, LegalHold, Reading)


def rows(sql: str, *values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def tenant_tables() -> list[str]:
    models = [model for model in apps.get_models() if issubclass(model, TenantModel) or model in PLAIN]
    return sorted(model._meta.db_table for model in models)


def test_every_table_has_row_security_or_a_reason():
    found = rows(
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace"
        " where nspname = 'public' and relkind in ('r', 'p') and not relrowsecurity"
    )
    bare = {name for (name,) in found}
    assert bare == set(GLOBAL)


def test_every_table_that_has_row_security_has_policies_for_reading_and_writing():
    found = rows(
        "select c.relname, array_agg(p.polcmd::text), bool_and(p.polpermissive) from pg_class c"
        " left join pg_policy p on p.polrelid = c.oid where c.relrowsecurity group by c.relname"
    )
    assert {name for name, *_ in found} == {*tenant_tables(), "accounts_organization"}
    assert [name for name, commands, _ in found if not {"r", "*"} <= set(commands)] == []


def test_every_tenants_table_says_whose_each_row_is():
    for table in tenant_tables():
        ((kind, needed),) = rows(
            "select data_type, is_nullable from information_schema.columns"
            " where table_name = %s and column_name = 'organization_id'", table
        )  # fmt: skip
        assert (kind, needed) == ("bigint", "NO"), table


def test_the_web_role_owns_nothing():
    assert rows("select relname from pg_class where relowner = 'assay_web'::regrole") == []
    assert rows("select proname from pg_proc where proowner = 'assay_web'::regrole") == []


def test_the_web_role_has_no_power_over_the_walls():
    assert rows("select current_user") == [("assay_web",)]
    assert rows(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles"
        " where rolname = current_user"
    ) == [(False,) * 5]
    assert rows("select roleid::regrole::text from pg_auth_members where member = 'assay_web'::regrole") == []


def test_the_web_role_may_neither_truncate_nor_trigger_nor_refer():
    assert [
        (name, word)
        for (name,) in rows("select tablename from pg_tables where schemaname = 'public'")
        for word in ("truncate", "trigger", "references")
        if rows("select has_table_privilege(%s, %s)", name, word) == [(True,)]
    ] == []
    assert rows("select has_schema_privilege('public', 'create')") == [(False,)]


def test_what_runs_with_the_owners_rights_is_known_and_pinned():
    found = rows(
        "select proname, prorettype = 'trigger'::regtype, coalesce(array_to_string(proconfig, ','), ''),"
        " has_function_privilege('public', p.oid, 'execute')"
        " from pg_proc p join pg_namespace n on n.oid = pronamespace where nspname = 'public' and prosecdef"
    )
    assert {name for name, is_trigger, *_ in found if not is_trigger} == set(PRIVILEGED)
    assert [name for name, _, settings, _ in found if "search_path=" not in settings] == []
    assert [name for name, *_, public in found if public] == []


@pytest.mark.parametrize(
    "attack",
    [
        "set role postgres",
        "set session authorization postgres",
        "alter table datasets_dataset disable row level security",
        "drop policy tenant_reads on datasets_dataset",
        "create policy mine on datasets_dataset using (true)",
        "create table mine (x int)",
        "create function mine() returns int language sql security definer as 'select 1'",
        "alter role assay_web bypassrls",
        "grant postgres to assay_web",
        "set session_replication_role = replica",
        "copy accounts_user to program 'true'",
        "select pg_read_file('/etc/passwd')",
        "delete from accounts_organization",
        "delete from accounts_user",
        "delete from accounts_membership",
    ],
)
def test_the_web_role_is_refused(acme, attack):
    with pytest.raises(DatabaseError), transaction.atomic():
        rows(f"{attack} returning 1" if attack.startswith("delete") else attack)


@pytest.fixture
def full(acme, rival):
    """Both organizations with one of everything; nobody has entered."""
    become(None)
    return acme, rival


def test_who_has_entered_nowhere_sees_nothing(full):
    seen = {table: rows(f"select count(*) from {table}")[0][0] for table in tenant_tables()}
    assert {table for table, count in seen.items() if count} == set()
    assert rows("select count(*) from accounts_organization") == [(0,)]


def test_who_has_entered_sees_only_their_own(full):
    acme, _ = full
    acme.enter()
    for table in tenant_tables():
        assert rows(f"select distinct organization_id from {table}") == [(acme.organization.pk,)], table


def test_a_person_sees_their_own_memberships_anywhere_and_no_more(full):
    acme, rival = full
    become(None, acme.builder.user_id)
    assert rows("select id from accounts_membership") == [(acme.builder.pk,)]
    assert rows("select slug from accounts_organization") == [("acme",)]
    become(rival.organization.pk, acme.builder.user_id)
    assert rows("select count(*) from accounts_token where organization_id = %s", acme.organization.pk) == [(0,)]


@pytest.mark.parametrize("attack", ["update {table} set id = id", "delete from {table}"])
def test_nobody_touches_another_organizations_rows(full, attack):
    acme, rival = full
    rival.enter()
    for table in tenant_tables():
        try:
            with transaction.atomic():
                statement = f"{attack.format(table=table)} where organization_id = %s returning 1"
                assert rows(statement, acme.organization.pk) == [], table
        except DatabaseError as refused:
            assert "permission denied" in str(refused) or "cannot be" in str(refused), table


def test_nobody_gives_a_row_away(full):
    acme, rival = full
    rival.enter()
    for table in tenant_tables():
        with pytest.raises(DatabaseError), transaction.atomic():
            if not rows(f"update {table} set organization_id = %s returning 1", acme.organization.pk):
                raise AssertionError(f"{table} has no row to try this on")


def test_nobody_plants_a_row_in_another_organization(full):
    """A copy of each own row, marked as the other's."""
    acme, rival = full
    rival.enter()
    for table in tenant_tables():
        columns = [
            name
            for (name,) in rows(
                "select column_name from information_schema.columns where table_name = %s"
                " and column_name not in ('id', 'organization_id')", table
            )
        ]  # fmt: skip
        named = ", ".join(f'"{name}"' for name in columns)
        with pytest.raises(DatabaseError), transaction.atomic():
            rows(
                f"insert into {table} (organization_id, {named}) select %s, {named} from {table} limit 1 returning 1",
                acme.organization.pk,
            )
