"""Legal holds. Whoever places one does so in their own name; two people release it; nothing else ever changes."""

import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, Tenant

# Roles are known here by their names only: the table of members lies a floor above.
HOLD = f"""
create function audits_legalhold_kept() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    asking text[] := array['asked_by_id', 'asked_at', 'asked_reason'];
    releasing text[] := array['released_by_id', 'released_at'];
    may boolean := exists (
        select 1 from accounts_membership m where m.organization_id = new.organization_id and m.is_active
           and m.user_id = {THIS_PERSON} and m.role in ('owner', 'reviewer'));
    sentence text;
begin
    if tg_op = 'DELETE' then
        sentence := 'A legal hold cannot be deleted.';
    elsif not may then
        sentence := 'Owners and reviewers place and release legal holds, in their own name.';
    elsif tg_op = 'INSERT' then
        if new.placed_by_id is distinct from {THIS_PERSON} or trim(new.reason) = ''
           or num_nonnulls(new.asked_by_id, new.asked_at, new.released_by_id, new.released_at) > 0 then
            sentence := 'A legal hold begins in force, with a reason, in the name of whoever places it.';
        elsif new.project_id is not null and not exists (
            select 1 from projects_project p where p.id = new.project_id and p.organization_id = new.organization_id)
        then
            sentence := 'A legal hold is on a project of its own organization.';
        end if;
        new.placed_at := now();
    elsif old.released_at is not null then
        sentence := 'What was released stays released; place a new hold.';
    elsif new.released_at is not null then
        if to_jsonb(new) - releasing <> to_jsonb(old) - releasing or old.asked_by_id is null
           or new.released_by_id is distinct from {THIS_PERSON} or new.released_by_id = old.asked_by_id then
            sentence := 'A second person releases a hold, after the first has asked for it.';
        end if;
        new.released_at := now();
    elsif to_jsonb(new) - asking <> to_jsonb(old) - asking or new.asked_by_id is distinct from {THIS_PERSON}
          or trim(new.asked_reason) = '' then
        sentence := 'A legal hold cannot be changed, only released.';
    else
        new.asked_at := now();
    end if;
    if sentence is not null then raise exception '%', sentence using errcode = 'restrict_violation'; end if;
    return new;
end $$;
create trigger audits_legalhold_kept before insert or update or delete on audits_legalhold
    for each row execute function audits_legalhold_kept();
revoke all on function audits_legalhold_kept() from public;
revoke truncate on audits_legalhold from {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0004_signingkey")]
    operations = [
        migrations.CreateModel(
            name="LegalHold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("organization_id", models.BigIntegerField()),
                ("project_id", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("placed_by_id", models.BigIntegerField()),
                ("placed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("asked_by_id", models.BigIntegerField(null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("asked_reason", models.TextField(blank=True)),
                ("released_by_id", models.BigIntegerField(null=True)),
                ("released_at", models.DateTimeField(null=True)),
            ],
            options={"indexes": [models.Index(fields=["organization_id", "project_id"], name="audits_legalhold_of")]},
        ),
        Tenant("audits_legalhold"),
        migrations.RunSQL(HOLD, "drop function audits_legalhold_kept() cascade"),
    ]
