"""Row security, and the three narrow questions that may be asked before a tenant is known."""

from django.db import migrations

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, Tenant

DOORS = f"""
create function accounts_organization_ids() returns setof bigint
language sql stable security definer set search_path = public, pg_temp as
$$ select id from accounts_organization order by id $$;

create function accounts_enter_by_token(secret_digest text, organization_slug text,
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
        update accounts_token set last_used_at = now() where id = token_id;
    end if;
end $$;

create function accounts_enter_by_invitation(secret_digest text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare found_id bigint; tenant bigint;
begin
    select id, organization_id into found_id, tenant from accounts_invitation where digest = secret_digest;
    if not found then return null; end if;
    perform set_config('assay.organization', tenant::text, true);
    return found_id;
end $$;

revoke all on function accounts_organization_ids(), accounts_enter_by_token(text, text),
    accounts_enter_by_invitation(text) from public;
grant execute on function accounts_organization_ids(), accounts_enter_by_token(text, text),
    accounts_enter_by_invitation(text) to {WEB_ROLE};
"""

MINE = (
    "exists (select 1 from accounts_membership m"
    f" where m.organization_id = accounts_organization.id and m.user_id = {THIS_PERSON} and m.is_active)"
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        Tenant("accounts_organization", column="id", or_seen_if=MINE),
        Tenant("accounts_membership", or_seen_if=f"user_id = {THIS_PERSON}"),
        Tenant("accounts_invitation"),
        Tenant("accounts_token"),
        Tenant("accounts_idempotencykey"),
        migrations.RunSQL(
            DOORS,
            "drop function accounts_organization_ids; drop function accounts_enter_by_token;"
            " drop function accounts_enter_by_invitation;",
        ),
        migrations.RunSQL(
            f"revoke delete, truncate on accounts_organization, accounts_membership, accounts_user from {WEB_ROLE};",
            f"grant delete on accounts_organization, accounts_membership, accounts_user to {WEB_ROLE};",
        ),
    ]
