"""Where what a record tells came from: the door, and the request or the job. And refusals that repeat are counted.

The leaf gets one more word at its end, `origin`, where there is one: the leaves, digests and nodes of all records that
are there already stay the same, byte for byte."""

from django.db import migrations, models
from django.db.models.fields.json import KT

from apps.common.tenancy import Tenant

LEAF = """
create or replace function audits_leaf(r audits_record) returns text language sql stable parallel safe as $$
    select '{"organization":' || r.organization_id || ',"seq":' || r.seq
        || ',"utc":' || to_json(r.at at time zone 'UTC')
        || ',"by":' || coalesce(r.by_id::text, 'null') || ',"by_token":' || coalesce(r.by_token::text, 'null')
        || ',"on":' || coalesce(r.on_id::text, 'null')
        || ',"words":' || array_to_json(array[r.event, r.by_role, r.on_type, r.thing, r.project])
        || ',"names":' || r.names || ',"facts":' || r.facts
        || case when r.origin = '{}' then '' else ',"origin":'::text || r.origin end || '}'
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0010_evidence_hold")]
    operations = [
        migrations.AddField("record", "origin", models.JSONField(default=dict)),
        migrations.RunSQL(LEAF, migrations.RunSQL.noop),
        migrations.AddIndex(
            "record",
            models.Index(
                "organization_id",
                KT("origin__request"),
                condition=models.Q(origin__has_key="request"),
                name="audits_record_request",
            ),
        ),
        migrations.CreateModel(
            name="Refusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("first", models.BigIntegerField(default=0)),
                ("repeated", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["organization_id", "at"], name="audits_refusal_over")],
                "constraints": [models.UniqueConstraint(fields=["organization_id", "key"], name="audits_refusal_once")],
            },
        ),
        Tenant("audits_refusal"),
    ]
