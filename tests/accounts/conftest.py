"""An organization that is really there: for tests in which several connections meet."""

import uuid

import pytest
from django.db import connection, connections, transaction


@pytest.fixture
def standing(django_db_setup, django_db_blocker):
    """A committed tenant, taken away by the database's owner afterwards."""
    from tests import make

    with django_db_blocker.unblock():
        with transaction.atomic():
            tenant = make.tenant(f"standing-{uuid.uuid4().hex[:8]}")
        yield tenant
        connection.close()
        _take_away(tenant.organization)


def _take_away(organization):
    owner = connections["owner"]
    with transaction.atomic("owner"), owner.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("select user_id from accounts_membership where organization_id = %s", [organization.pk])
        people = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "select table_name from information_schema.columns"
            " where table_schema = 'public' and column_name = 'organization_id'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'delete from "{table}" where organization_id = %s', [organization.pk])
        cursor.execute("delete from accounts_organization where id = %s", [organization.pk])
        cursor.execute("delete from accounts_user where id = any(%s)", [people])
    owner.close()
