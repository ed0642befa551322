"""Witnesses of the record, and what is on its way to them. What arrived never changes; a witness can only be ended."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE, Frozen, Tenant

NUMBER = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
KINDS = [
    ("folder", "a folder on the server"),
    ("git", "a git repository on the server"),
    ("mailbox", "a mailbox"),
    ("http", "an HTTP witness"),
]
FREE = ("attempts", "next_at", "delivered_at", "problem", "answer")
WALLS = f"""
revoke delete on audits_witness, audits_delivery from {WEB_ROLE};
create function audits_witness_ended() returns trigger language plpgsql as $$
begin raise exception 'A witness that was ended stays so.' using errcode = 'restrict_violation'; end $$;
create trigger audits_witness_ended before update on audits_witness
    for each row when (old.ended_at is not null) execute function audits_witness_ended();
create function audits_delivery_within() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select 1 from audits_witness w, audits_checkpoint c
                    where w.id = new.witness_id and c.id = new.checkpoint_id
                      and w.organization_id = new.organization_id and c.organization_id = new.organization_id) then
        raise exception 'A delivery stays within its organization.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
revoke all on function audits_delivery_within() from public;
create trigger audits_delivery_within before insert on audits_delivery
    for each row execute function audits_delivery_within();
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0007_tree")]
    operations = [
        migrations.CreateModel(
            name="Witness",
            fields=[
                NUMBER,
                ("organization_id", models.BigIntegerField()),
                ("kind", models.CharField(choices=KINDS, max_length=10)),
                ("name", models.CharField(max_length=120)),
                ("address", models.CharField(max_length=500)),
                ("key", models.CharField(blank=True, max_length=500)),
                ("added_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                NUMBER,
                ("organization_id", models.BigIntegerField()),
                ("witness", models.ForeignKey("audits.Witness", models.PROTECT, related_name="deliveries")),
                ("checkpoint", models.ForeignKey("audits.Checkpoint", models.PROTECT, related_name="deliveries")),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True)),
                ("answer", models.TextField(blank=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("witness", "checkpoint"), name="audits_delivery_once")],
                "indexes": [models.Index(fields=["organization_id", "delivered_at"], name="audits_delivery_waiting")],
            },
        ),
        Tenant("audits_witness"),
        Tenant("audits_delivery"),
        Frozen("audits_witness", free=("ended_at",), what="A witness"),
        Frozen("audits_delivery", free=FREE, what="A delivery"),
        migrations.RunSQL(
            """
            create function audits_delivery_arrived() returns trigger language plpgsql as $$
            begin raise exception 'What arrived stays so.' using errcode = 'restrict_violation'; end $$;
            create trigger audits_delivery_arrived before update on audits_delivery
                for each row when (old.delivered_at is not null) execute function audits_delivery_arrived();
            """,
            "drop function audits_delivery_arrived() cascade",
        ),
        migrations.RunSQL(
            WALLS, "drop function audits_witness_ended() cascade; drop function audits_delivery_within() cascade;"
        ),
    ]
