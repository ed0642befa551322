"""A passkey proves who signs, as a code does; who has enrolled one gives one of them."""

from django.db import migrations

PROVED = """
-- Whether a re-entry proves who this person is, now: all that they have enrolled, within five minutes.
create or replace function approvals_proved(proof bigint, person bigint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select from accounts_reentry r
                    where r.id = proof and r.user_id = person and r.components ? 'password'
                      and r.at > now() - interval '5 minutes'
                      and (r.components ?| array['authenticator code', 'recovery code', 'passkey']
                           or not exists (select from mfa_authenticator f
                                       where f.user_id = person and f.type in ('totp', 'webauthn'))))
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0016_incidents"), ("accounts", "0010_passkeys")]
    operations = [migrations.RunSQL(PROVED, migrations.RunSQL.noop)]
