"""A token's last use is noted by whoever gets to it: a long request does not make the next one wait for its row."""

from django.db import migrations

NOTED = "update accounts_token set last_used_at = now() where id = {which};"
ENTER = """
create or replace function accounts_enter_by_token(secret_digest text, organization_slug text,
                                                   out membership_id bigint, out token_id bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
declare tenant bigint; person bigint; used timestamptz;
begin
    select m.id, t.id, t.organization_id, m.user_id, t.last_used_at
      into membership_id, token_id, tenant, person, used
      from accounts_token t
      join accounts_membership m on m.id = t.membership_id and m.is_active
      join accounts_user u on u.id = m.user_id and u.is_active
      join accounts_organization o on o.id = t.organization_id and o.slug = organization_slug
     where t.digest = secret_digest and t.revoked_at is null and t.expires_at > now();
    if not found then return; end if;
    perform set_config('assay.organization', tenant::text, true), set_config('assay.person', person::text, true);
    if used is null or used < now() - interval '1 minute' then
        {noted}
    end if;
end $$;
"""
FREE = "(select id from accounts_token where id = token_id for no key update skip locked)"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_address")]
    operations = [
        migrations.RunSQL(
            ENTER.format(noted=NOTED.format(which=FREE)),
            ENTER.format(noted=NOTED.format(which="token_id")),
        )
    ]
