"""What two connections must see has to be committed: an organization outside the test's transaction, removed after."""

import pytest


@pytest.fixture
def committed(django_db_setup, django_db_blocker):
    """`acme`, committed. Several threads, streams and the tables' owner can work on it; the owner clears up."""
    from django.db import connection, connections, transaction

    from tests import make

    with django_db_blocker.unblock():
        with transaction.atomic():
            tenant = make.tenant("acme")
        try:
            yield tenant
        finally:
            connection.close()
            with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
                _clear(cursor)
            connections["owner"].close()


def _clear(cursor) -> None:
    """Empty every table of the portal, as its owner: the web role could not, which other tests prove."""
    from django.apps import apps

    tables = [model._meta.db_table for model in apps.get_models() if model.__module__.startswith("apps.")]
    for table in tables:
        cursor.execute(f"alter table {table} disable trigger user")
    cursor.execute(f"truncate {', '.join(tables)} cascade")
    for table in tables:
        cursor.execute(f"alter table {table} enable trigger user")


@pytest.fixture
def owner_sql():
    """Plain SQL as the owner of the tables, no trigger on: the worst an intruder could do."""
    tables = ("audits_record", "audits_node", "audits_checkpoint", "audits_opening", "audits_personkey")
    from django.db import connections, transaction

    def run(*statements: str) -> None:
        with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
            for table in tables:
                cursor.execute(f"alter table {table} disable trigger user")
            for statement in statements:
                cursor.execute(statement)
            cursor.execute("set constraints all immediate")
            for table in tables:
                cursor.execute(f"alter table {table} enable trigger user")

    return run
