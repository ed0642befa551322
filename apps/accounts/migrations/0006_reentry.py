"""Tries to prove who one is. Only ever added; what was proved is written once."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE, Frozen

BEGIN = f"""
-- The number of a new try, or null where the last `most` within `seconds` were wrong. One at a time for a person, so
-- that trying in parallel gains nothing.
create function accounts_reentry_begin(person bigint, most int, seconds int) returns bigint language plpgsql as $$
declare number bigint; since timestamptz;
begin
    perform pg_advisory_xact_lock(hashtext('accounts_reentry'), hashtext(person::text));
    select coalesce(max(at), '-infinity') into since from accounts_reentry
     where user_id = person and components <> '[]';
    if (select count(*) from accounts_reentry where user_id = person and components = '[]'
           and at > since and at > clock_timestamp() - make_interval(secs => seconds)) >= most then
        return null;
    end if;
    insert into accounts_reentry (user_id, at, components) values (person, clock_timestamp(), '[]')
    returning id into number;
    return number;
end $$;
grant execute on function accounts_reentry_begin(bigint, int, int) to {WEB_ROLE};

create function accounts_reentry_proved() returns trigger language plpgsql as $$
begin raise exception 'What was proved stays as it was.' using errcode = 'restrict_violation'; end $$;
create trigger accounts_reentry_proved before update on accounts_reentry
    for each row when (old.components <> '[]') execute function accounts_reentry_proved();
revoke delete on accounts_reentry from {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_last_use")]
    operations = [
        migrations.CreateModel(
            name="Reentry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField()),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                ("components", models.JSONField(default=list)),
            ],
            options={"indexes": [models.Index(fields=["user_id", "-at"], name="accounts_reentry_latest")]},
        ),
        Frozen("accounts_reentry", free=("components",), what="A try to prove who one is"),
        migrations.RunSQL(
            BEGIN,
            "drop function accounts_reentry_begin(bigint, int, int); drop function accounts_reentry_proved() cascade;",
        ),
    ]
