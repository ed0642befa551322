"""Who opened what. Only ever added."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import AppendOnly, Tenant


class Migration(migrations.Migration):
    dependencies = [("audits", "0005_legalhold")]
    operations = [
        migrations.CreateModel(
            name="Reading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField()),
                ("by_id", models.BigIntegerField()),
                ("on_type", models.CharField(max_length=40)),
                ("on_id", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "indexes": [models.Index(fields=["organization_id", "by_id", "digest", "at"], name="audits_reading_by")]
            },
        ),
        Tenant("audits_reading"),
        AppendOnly("audits_reading", what="A reading"),
    ]
