"""A policy is proposed by one person and published by another; what it asks applies to what is asked for afterwards.
What was revoked is never asked for again, whatever number its bytes come back under."""

import django.db.models.deletion
from django.db import migrations, models

PUBLISHED = """
create or replace function approvals_policyversion_frozen() returns trigger language plpgsql as $$
declare free text[] := array['withdrawn_at', 'withdrawn_by_id', 'published_at', 'published_by_id'];
begin
    if tg_op = 'DELETE' or to_jsonb(old) - free <> to_jsonb(new) - free then
        perform approvals_refuse('A policy cannot be changed or deleted.');
    end if;
    return new;
end $$;

create or replace function approvals_policyversion_published() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.withdrawn_at is not null then
            perform approvals_refuse('A policy begins in force, or proposed.');
        elsif (new.body ->> 'valid_days')::int > (select case mine.risk_class when 'high' then 366
                when 'limited' then 731 else 1096 end from approvals_policy mine where mine.id = new.policy_id) then
            perform approvals_refuse('No sign-off of this risk class stands for so long.');
        elsif new.proposed_by_id is not null or new.published_by_id is not null then
            if not approvals_is(new.proposed_by_id, new.organization_id, 'owner') or new.proposed_at is null then
                perform approvals_refuse('An owner proposes a policy, in their own name.');
            elsif num_nonnulls(new.published_by_id, new.published_at) > 0 then
                perform approvals_refuse('A policy is proposed first; a second person publishes it.');
            end if;
        elsif new.published_at is null or exists (
            select 1 from approvals_policyversion pv join approvals_policy earlier on earlier.id = pv.policy_id
              join approvals_policy mine on mine.id = new.policy_id and mine.risk_class = earlier.risk_class
             where pv.organization_id = new.organization_id and pv.published_at is not null
               and not pv.body ? 'applies_to') then
            perform approvals_refuse('A built-in policy comes into force by itself only where there is no other.');
        end if;
        return new;
    end if;
    if old.withdrawn_at is not null and new is distinct from old then
        perform approvals_refuse('A withdrawn policy stays withdrawn.');
    elsif (new.published_at, new.published_by_id) is not distinct from (old.published_at, old.published_by_id) then
        return new;
    elsif old.published_at is not null or new.published_at is null or new.withdrawn_at is not null then
        perform approvals_refuse('A policy is published once.');
    elsif not (approvals_is(new.published_by_id, new.organization_id, 'owner')
               or approvals_is(new.published_by_id, new.organization_id, 'reviewer')) then
        perform approvals_refuse('An owner or a reviewer publishes a policy, in their own name.');
    elsif exists (select from accounts_membership a, accounts_membership b where a.id = new.published_by_id
                     and b.id = old.proposed_by_id and a.user_id = b.user_id) then
        perform approvals_refuse('Who proposed a policy does not publish it.');
    elsif exists (select from approvals_policyversion later where later.policy_id = new.policy_id
                     and later.number > new.number and later.published_at is not null) then
        perform approvals_refuse('A later version of this policy is published already.');
    end if;
    new.published_at := clock_timestamp();
    return new;
end $$;
"""

ASKED = """
create or replace function approvals_approval_asked() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (
        select 1 from models_modelversion v
          join projects_project p on p.id = v.project_id
          join approvals_policyversion pv on pv.id = new.policy_version_id and pv.withdrawn_at is null
                                       and pv.published_at is not null
          join approvals_policy policy on policy.id = pv.policy_id and policy.risk_class = p.risk_class
         where v.id = new.model_version_id and v.project_id = new.project_id
           and array[v.organization_id, p.organization_id, pv.organization_id, policy.organization_id]
               = array_fill(new.organization_id, array[4])) then
        perform approvals_refuse('A sign-off binds a model and a policy for its risk class, of its own organization.');
    end if;
    if exists (select from approvals_policyversion mine
                 join approvals_policyversion newer on newer.policy_id = mine.policy_id and newer.number > mine.number
                where mine.id = new.policy_version_id and newer.published_at is not null) then
        perform approvals_refuse('A newer version of this policy is published; nothing is asked for under an older.');
    end if;
    if not approvals_is(new.requested_by_id, new.organization_id) then
        perform approvals_refuse('Nobody asks for a sign-off in another''s name.');
    end if;
    if new.state <> 'open' or num_nonnulls(new.decided_at, new.valid_until, new.ended_by_id) > 0 then
        perform approvals_refuse('A sign-off begins open.');
    end if;
    if exists (select 1 from approvals_approval a
                 join models_modelversion had on had.id = a.model_version_id
                 join models_modelversion v on v.id = new.model_version_id
                where a.organization_id = new.organization_id and had.artifact_digest = v.artifact_digest
                  and (a.state = 'revoked' or a.state = 'rejected' and a.project_id = new.project_id)) then
        perform approvals_refuse('These bytes were rejected or revoked, and that is final.');
    end if;
    if new.dossier_digest <> encode(sha256(convert_to(new.dossier, 'UTF8')), 'hex') then
        perform approvals_refuse('The digest is not that of the dossier.');
    end if;
    if approvals_same(new.dossier, approvals_bound(new.model_version_id, new.policy_version_id)) is not true then
        perform approvals_refuse('The dossier does not say what is so.');
    end if;
    return new;
end $$;
"""

CONFLICTS = """
create or replace function approvals_conflict(of_approval bigint, person bigint)
returns table (own boolean, name text, deed text)
language sql stable set search_path = public, pg_temp as $$
    with deeds as (
        select h.user_id, h.deed from approvals_approval a, approvals_hands(a.model_version_id) h
         where a.id = of_approval
        union
        select m.user_id, 'asked for this sign-off'
          from approvals_approval a join accounts_membership m on m.id = a.requested_by_id where a.id = of_approval
        union
        select m.user_id, case m.id when pv.proposed_by_id then 'proposed its policy' else 'published its policy' end
          from approvals_approval a join approvals_policyversion pv on pv.id = a.policy_version_id
          join accounts_membership m on m.id in (pv.proposed_by_id, pv.published_by_id) where a.id = of_approval
        union
        select m.user_id, 'asked for a waiver that it rests on'
          from approvals_approval a cross join lateral jsonb_array_elements(a.bound -> 'waivers') waiver
          join accounts_membership m on m.id = (waiver ->> 'requested_by')::bigint where a.id = of_approval
        union
        select m.user_id, 'asked for its reports'
          from approvals_approval a join approvals_policyversion pv on pv.id = a.policy_version_id
          join reports_report r on r.model_version_id = a.model_version_id and r.state = 'finished'
          join accounts_membership m on m.id = r.started_by_id
         where a.id = of_approval and pv.body -> 'measured_by_others' = 'true'
        union
        select m.user_id, 'signed it already'
          from approvals_signature s join accounts_membership m on m.id = s.signer_id
         where s.approval_id = of_approval and m.user_id <> person)
    select deeds.user_id = person, u.name, string_agg(distinct deeds.deed, ' and ')
      from deeds join accounts_user u on u.id = deeds.user_id
     where deeds.user_id in (select kin.user_id from approvals_kin(of_approval, person) kin)
     group by deeds.user_id, u.name order by 1 desc, 2 limit 1
$$;
"""

NEVER_WAIVED = """
create function approvals_waiver_never() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if (select pv.body -> 'rules' -> (new.rule - 1) ->> 'document' from approvals_policyversion pv
         where pv.id = new.policy_version_id) = 'bias_audit' then
        perform approvals_refuse('The age of a bias audit is never waived.');
    elsif (select pv.published_at from approvals_policyversion pv where pv.id = new.policy_version_id) is null then
        perform approvals_refuse('Nothing is judged by a policy that is only proposed.');
    end if;
    return new;
end $$;
create trigger approvals_waiver_never before insert on approvals_waiver
    for each row execute function approvals_waiver_never();
revoke all on function approvals_waiver_never() from public;
"""

PERSON = {"null": True, "on_delete": django.db.models.deletion.PROTECT, "related_name": "+"}


class Migration(migrations.Migration):
    dependencies = [("approvals", "0011_papers"), ("accounts", "0008_emergency_walls")]
    operations = [
        migrations.AddField("policyversion", "proposed_by", models.ForeignKey(to="accounts.membership", **PERSON)),
        migrations.AddField("policyversion", "proposed_at", models.DateTimeField(null=True)),
        migrations.AlterField("policyversion", "published_at", models.DateTimeField(null=True)),
        migrations.RunSQL(PUBLISHED + ASKED + CONFLICTS + NEVER_WAIVED, migrations.RunSQL.noop),
    ]
