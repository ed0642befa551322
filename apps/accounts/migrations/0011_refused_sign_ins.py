"""Sign-ins that were refused, until a worker has told the record of them."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_passkeys")]
    operations = [
        migrations.CreateModel(
            name="RefusedSignIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField(db_index=True, null=True)),
                ("proof", models.CharField(max_length=20)),
                ("address", models.CharField(max_length=45)),
                ("request", models.CharField(max_length=16)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RunSQL(f"revoke truncate on accounts_refusedsignin from {WEB_ROLE};", migrations.RunSQL.noop),
    ]
