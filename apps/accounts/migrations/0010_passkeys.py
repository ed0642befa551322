"""Questions put to passkeys; a passkey belongs to one person."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE

ONCE = f"""
revoke update on accounts_challenge from {WEB_ROLE};
create unique index accounts_passkey_once on mfa_authenticator ((data -> 'credential' ->> 'id'))
 where type = 'webauthn';
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_erasure"), ("mfa", "0003_authenticator_type_uniq")]
    operations = [
        migrations.CreateModel(
            name="Challenge",
            fields=[
                ("question", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("nonce", models.CharField(max_length=64)),
                ("user_id", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField(default=django.utils.timezone.now, db_index=True)),
            ],
        ),
        migrations.RunSQL(ONCE, "drop index accounts_passkey_once"),
    ]
