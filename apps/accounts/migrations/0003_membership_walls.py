"""What must never be false of members and keys, whoever writes: an organization keeps an owner, nobody changes their
own role, a key never grows, and no row points into another organization."""

import django.db.models.functions.text
from django.db import migrations, models

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, Frozen

MEMBERSHIPS = f"""
create function accounts_membership_stands() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if (new.organization_id, new.user_id) is distinct from (old.organization_id, old.user_id) then
        raise exception 'A membership stays with its person and organization.' using errcode = 'restrict_violation';
    end if;
    if old.is_active and new.role <> old.role and new.user_id = {THIS_PERSON} then
        raise exception 'Nobody changes their own role.' using errcode = 'restrict_violation';
    end if;
    if old.role = 'owner' and old.is_active and (new.role <> 'owner' or not new.is_active) then
        perform 1 from accounts_organization where id = old.organization_id for no key update;
        perform 1 from accounts_membership
          where organization_id = old.organization_id and id <> old.id and role = 'owner' and is_active;
        if not found then
            raise exception 'An organization keeps an owner.' using errcode = 'restrict_violation';
        end if;
    end if;
    return new;
end $$;
revoke all on function accounts_membership_stands() from public;
create trigger accounts_membership_stands before update on accounts_membership
    for each row execute function accounts_membership_stands();
"""

ENDS = """
create function accounts_once_ended() returns trigger language plpgsql as $$
begin
    if to_jsonb(old)->>'revoked_at' is not null and to_jsonb(new)->'revoked_at' <> to_jsonb(old)->'revoked_at'
    or to_jsonb(old)->>'accepted_at' is not null and to_jsonb(new)->'accepted_at' <> to_jsonb(old)->'accepted_at' then
        raise exception 'What was revoked or accepted stays so.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger accounts_token_ended before update on accounts_token
    for each row execute function accounts_once_ended();
create trigger accounts_invitation_ended before update on accounts_invitation
    for each row execute function accounts_once_ended();
"""

WITHIN = """
alter table accounts_membership add constraint accounts_membership_within unique (organization_id, id);
alter table accounts_token add constraint accounts_token_within
    foreign key (organization_id, membership_id) references accounts_membership (organization_id, id);
alter table accounts_invitation add constraint accounts_invitation_within
    foreign key (organization_id, invited_by_id) references accounts_membership (organization_id, id);
alter table accounts_idempotencykey add constraint accounts_idempotencykey_within
    foreign key (organization_id, membership_id) references accounts_membership (organization_id, id);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_walls")]
    operations = [
        migrations.AddConstraint(
            model_name="invitation",
            constraint=models.UniqueConstraint(
                models.F("organization"),
                django.db.models.functions.text.Lower("email"),
                condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                name="accounts_invitation_once_open",
            ),
        ),
        migrations.RunSQL(MEMBERSHIPS, "drop function accounts_membership_stands() cascade;"),
        Frozen("accounts_token", free=("last_used_at", "revoked_at"), what="An API token"),
        Frozen("accounts_invitation", free=("accepted_at", "revoked_at"), what="An invitation"),
        migrations.RunSQL(ENDS, "drop function accounts_once_ended() cascade;"),
        migrations.RunSQL(
            WITHIN,
            "alter table accounts_token drop constraint accounts_token_within;"
            " alter table accounts_invitation drop constraint accounts_invitation_within;"
            " alter table accounts_idempotencykey drop constraint accounts_idempotencykey_within;"
            " alter table accounts_membership drop constraint accounts_membership_within;",
        ),
        migrations.RunSQL(
            f"revoke delete, truncate on accounts_token, accounts_invitation from {WEB_ROLE};",
            f"grant delete on accounts_token, accounts_invitation to {WEB_ROLE};",
        ),
    ]
