"""The signed result of a trial of the walls between organizations."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import Frozen, Tenant

# What a finished row says is what its envelope says; and only an envelope under a key of the organization is one.
TRUE = """
create function audits_attestation_true() returns trigger language plpgsql as $$
declare said jsonb;
begin
    if new.state <> 'finished' then
        if new.envelope is not null or new.digest <> '' or new.verdict <> '' then
            raise exception 'Only a finished attestation has a result.' using errcode = 'restrict_violation';
        end if;
        return new;
    end if;
    said := convert_from(decode(new.envelope ->> 'payload', 'base64'), 'UTF8')::jsonb;
    if new.envelope is null or new.verdict not in ('pass', 'fail')
        or said #>> '{subject,0,digest,sha256}' is distinct from new.digest
        or said #>> '{predicate,verdict}' is distinct from new.verdict
        or not exists (select from audits_signingkey k where k.organization_id = new.organization_id
                          and k.key_id = new.envelope #>> '{signatures,0,keyid}') then
        raise exception 'An attestation says what its signed result says.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger audits_attestation_true before insert or update on audits_attestation
    for each row execute function audits_attestation_true();
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0008_witnesses"), ("accounts", "0009_erasure")]
    operations = [
        migrations.CreateModel(
            name="Attestation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting"),
                            ("running", "running"),
                            ("finished", "finished"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                (
                    "queue",
                    models.CharField(
                        choices=[("default", "Default"), ("cpu", "Cpu"), ("gpu", "Gpu")],
                        default="default",
                        max_length=10,
                    ),
                ),
                ("queued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("rung_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("attempt", models.PositiveSmallIntegerField(default=0)),
                ("worker", models.CharField(blank=True, max_length=200)),
                ("progress", models.JSONField(default=dict)),
                ("problem", models.TextField(blank=True)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("verdict", models.CharField(blank=True, max_length=4)),
                ("digest", models.CharField(blank=True, max_length=64)),
                ("envelope", models.JSONField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.membership"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("queued", "running"))),
                        fields=("organization",),
                        name="audits_attestation_one_at_a_time",
                    )
                ],
            },
        ),
        Tenant("audits_attestation"),
        Frozen(
            "audits_attestation",
            when="old.state in ('finished', 'failed', 'cancelled')",
            what="An attestation that is over",
        ),
        migrations.RunSQL(TRUE, "drop function audits_attestation_true() cascade;"),
    ]
