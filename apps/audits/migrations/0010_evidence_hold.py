"""Evidence holds: a serious incident puts one in the name of whoever reports it; it only ever reaches further, and is
released by two people who each signed for it."""

import django.contrib.postgres.fields
from django.db import migrations, models

from apps.common.tenancy import THIS_PERSON

# Rooms above are known here by the names of their tables only.
HOLD = f"""
create or replace function audits_legalhold_kept() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    asking text[] := array['asked_by_id', 'asked_at', 'asked_reason'];
    releasing text[] := array['released_by_id', 'released_at'];
    may boolean := exists (
        select 1 from accounts_membership m where m.organization_id = new.organization_id and m.is_active
           and m.user_id = {THIS_PERSON} and (m.role in ('owner', 'reviewer')
                                              or m.role = 'builder' and new.incident_id is not null));
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
        elsif (new.incident_id is null) <> (cardinality(new.versions) = 0) or new.incident_id is not null and not exists
            (select from incidents_incident i where i.id = new.incident_id and i.project_id = new.project_id
                                                and i.organization_id = new.organization_id) then
            sentence := 'An evidence hold keeps the model versions of an incident of its own project.';
        end if;
        new.placed_at := now();
    elsif old.released_at is not null then
        sentence := 'What was released stays released; place a new hold.';
    elsif new.versions <> old.versions then
        if to_jsonb(new) - 'versions' <> to_jsonb(old) - 'versions' or not new.versions @> old.versions
           or new.incident_id is null then
            sentence := 'An evidence hold only ever reaches further.';
        end if;
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
    if sentence is null and tg_op = 'UPDATE' and new.incident_id is not null and new.versions = old.versions
       and not exists (
        select from incidents_signature s join accounts_membership m on m.id = s.signer_id
         where s.incident_id = new.incident_id and m.user_id = {THIS_PERSON}
           and s.purpose = case when new.released_at is null then 'ask' else 'release' end) then
        sentence := 'Who releases evidence signs for it.';
    end if;
    if sentence is null and new.incident_id is not null and exists (
        select from unnest(new.versions) of_version where not exists (
            select from models_modelversion v where v.id = of_version and v.project_id = new.project_id)) then
        sentence := 'An evidence hold keeps the model versions of an incident of its own project.';
    end if;
    if sentence is not null then raise exception '%', sentence using errcode = 'restrict_violation'; end if;
    return new;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0009_attestation")]
    operations = [
        migrations.AddField("legalhold", "incident_id", models.BigIntegerField(null=True, unique=True)),
        migrations.AddField(
            "legalhold",
            "versions",
            django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), default=list),
        ),
        migrations.RunSQL(HOLD, migrations.RunSQL.noop),
    ]
