"""A share's walls: seen by its tenant, frozen but for its end, about things of its own organization; and its one door.

The door answers a live link alone, and lets whoever holds its secret into that one organization for one transaction;
what the pages behind it show is the share's own list."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, Frozen, Tenant

DOOR = f"""
create function bundles_enter_by_share(secret_digest text) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare found_id bigint; tenant bigint;
begin
    select id, organization_id into found_id, tenant from bundles_share
     where digest = secret_digest and revoked_at is null and expires_at > now();
    if not found then return null; end if;
    perform set_config('assay.organization', tenant::text, true), set_config('assay.person', '', true);
    return found_id;
end $$;
revoke all on function bundles_enter_by_share(text) from public;
grant execute on function bundles_enter_by_share(text) to {WEB_ROLE};
"""

RIGHT = """
create function bundles_share_right() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' and old.revoked_at is not null then
        raise exception 'A share that was taken back stays so.' using errcode = 'restrict_violation';
    elsif cardinality(new.approvals) = 0 or cardinality(new.approvals) <>
          (select count(*) from approvals_approval where organization_id = new.organization_id
              and id = any(new.approvals)) then
        raise exception 'A share shows sign-offs of its own organization.' using errcode = 'restrict_violation';
    elsif (new.revoked_at is null) <> (new.revoked_by_id is null) then
        raise exception 'Who takes a share back is named.' using errcode = 'restrict_violation';
    elsif tg_op = 'INSERT' and new.revoked_at is not null then
        raise exception 'A share begins open.' using errcode = 'restrict_violation';
    elsif new.expires_at > new.made_at + interval '366 days' then
        raise exception 'A share ends within a year.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger bundles_share_right before insert or update on bundles_share
    for each row execute function bundles_share_right();
"""


class Migration(migrations.Migration):
    dependencies = [("bundles", "0001_initial"), ("approvals", "0001_initial")]
    operations = [
        Tenant("bundles_share"),
        Frozen("bundles_share", free=("revoked_at", "revoked_by_id"), what="A share"),
        migrations.RunSQL(f"revoke delete on bundles_share from {WEB_ROLE};", migrations.RunSQL.noop),
        migrations.RunSQL(RIGHT, "drop function bundles_share_right() cascade;"),
        migrations.RunSQL(DOOR, "drop function bundles_enter_by_share(text);"),
    ]
