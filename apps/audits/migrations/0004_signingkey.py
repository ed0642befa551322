"""The keys the portal signs with in an organization's name. What a key is can never change; it can only be retired."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import Frozen, Tenant


class Migration(migrations.Migration):
    dependencies = [("audits", "0003_leaf")]
    operations = [
        migrations.CreateModel(
            name="SigningKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField()),
                ("number", models.PositiveIntegerField()),
                ("key_id", models.CharField(max_length=64)),
                ("public", models.BinaryField()),
                ("sealed", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("retired_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization_id", "number"), name="audits_signingkey_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("retired_at", None)),
                        fields=("organization_id",),
                        name="audits_signingkey_one_in_use",
                    ),
                ],
            },
        ),
        Tenant("audits_signingkey"),
        Frozen("audits_signingkey", free=("retired_at",), what="A signing key"),
        migrations.RunSQL(
            """
            create function audits_signingkey_retired() returns trigger language plpgsql as $$
            begin raise exception 'A retired key stays retired.' using errcode = 'restrict_violation'; end $$;
            create trigger audits_signingkey_retired before update on audits_signingkey
                for each row when (old.retired_at is not null) execute function audits_signingkey_retired();
            """,
            "drop function audits_signingkey_retired() cascade",
        ),
    ]
