"""The roles the portal works as: one that owns nothing and cannot pass row security, one that owns only the queue."""

from django.db import migrations
from pgmq.install import get_embedded_install_sql

ROLES = """
do $$ begin create role assay_web nologin nobypassrls;
exception when duplicate_object or unique_violation then null; end $$;
do $$ begin create role assay_broker nologin nobypassrls;
exception when duplicate_object or unique_violation then null; end $$;
grant assay_web, assay_broker to current_user;
revoke create on schema public from public;
grant usage on schema public to assay_web;
alter default privileges in schema public grant select, insert, update, delete on tables to assay_web;
alter default privileges in schema public grant usage, select on sequences to assay_web;
do $$ begin execute format('grant create on database %I to assay_broker', current_database()); end $$;
"""

PORTAL_CACHE = """
create table portal_cache (cache_key varchar(255) primary key, value text not null, expires timestamptz not null);
create index portal_cache_expires on portal_cache (expires);
"""


def install_queue(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("set role assay_broker")
        cursor.connection.execute(get_embedded_install_sql())  # no parameters: several statements in one
        cursor.execute("select pgmq.create(name) from unnest(array['default', 'cpu', 'gpu', 'celery']) as name")
        cursor.execute("reset role")


class Migration(migrations.Migration):
    initial = True
    run_before = [  # so that the rights hold for every table
        ("contenttypes", "0001_initial"),
        ("auth", "0001_initial"),
        ("sessions", "0001_initial"),
        ("account", "0001_initial"),
        ("mfa", "0001_initial"),
        ("audits", "0001_initial"),
        ("accounts", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(ROLES, "drop owned by assay_web; drop owned by assay_broker cascade;"),
        migrations.RunSQL(PORTAL_CACHE, "drop table portal_cache"),
        migrations.RunPython(install_queue, migrations.RunPython.noop),
    ]
