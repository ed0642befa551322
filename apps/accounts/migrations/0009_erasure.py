"""A person can be erased: the address of a former member and of their invitations gives way to one that says none."""

from django.db import migrations

ERASURE = """
create or replace function accounts_user_address() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.email = 'erased-' || new.id || '@erased.invalid' and not new.is_active and not exists (
        select 1 from accounts_membership m where m.user_id = new.id and m.is_active) then
        return new;
    end if;
    raise exception 'A person keeps the address they were invited by.' using errcode = 'restrict_violation';
end $$;
revoke all on function accounts_user_address() from public;

create or replace function accounts_invitation_frozen() returns trigger language plpgsql as $$
declare free text[] := array['accepted_at', 'revoked_at'];
begin
    if tg_op = 'UPDATE' and new.email = 'erased-invitation-' || new.id || '@erased.invalid' then
        free := free || 'email'::text;
    end if;
    if tg_op = 'DELETE' or to_jsonb(old) - free <> to_jsonb(new) - free then
        raise exception 'An invitation cannot be changed or deleted.' using errcode = 'restrict_violation';
    end if;
    return coalesce(new, old);
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_emergency_walls")]
    operations = [migrations.RunSQL(ERASURE, migrations.RunSQL.noop)]
