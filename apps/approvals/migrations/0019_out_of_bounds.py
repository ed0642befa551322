"""Stale by itself, in operation too: when a report in operation finishes, the database decides each rule of the policy
with a figure of its kind by the same arithmetic as the gates, and keeps what fails. A sign-off with a breach stands no
more, whatever is measured later. A new one is asked for once the figures are within bounds again, and its dossier
tells everything that was ever measured in operation."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, AppendOnly, Tenant

DECIDED = f"""
-- How many half intervals the hopeful end of a figure lies on the bad side of the line: the reach of the rule turned
-- round. Where the hopeful end clears the line there is no such reach; see gates/corrections.py.
create function approvals_reach_beyond(rule jsonb, figure jsonb) returns double precision
language sql immutable as $$
    select case when coalesce((rule ? 'at_least' and (figure ->> 'high')::numeric >= (rule ->> 'at_least')::numeric)
                           or (rule ? 'at_most' and (figure ->> 'low')::numeric <= (rule ->> 'at_most')::numeric), true)
                then '-infinity'::double precision
                else approvals_reach(rule - 'at_least' - 'at_most' || case when rule ? 'at_least'
                         then jsonb_build_object('at_most', rule -> 'at_least')
                         else jsonb_build_object('at_least', rule -> 'at_most') end, figure) end
     where jsonb_typeof(figure -> 'low') = 'number' and jsonb_typeof(figure -> 'high') = 'number'
$$;

-- One figure against a rule that corrects for nothing: pass, fail or inconclusive.
create function approvals_verdict(rule jsonb, figure jsonb) returns text
language sql immutable as $$
    select case when not approvals_clears(rule - 'at_least' - 'at_most', figure) then 'inconclusive'
                when approvals_clears(rule, figure) then 'pass'
                when rule ? 'at_least' and hopeful::numeric < (rule ->> 'at_least')::numeric
                  or rule ? 'at_most' and hopeful::numeric > (rule ->> 'at_most')::numeric then 'fail'
                else 'inconclusive' end
      from (select case when coalesce(rule ->> 'bound', 'value') = 'value' then figure ->> 'value'
                        when rule ? 'at_least' then figure ->> 'high' else figure ->> 'low' end as hopeful) measured
$$;

-- A finished report in operation against each rule of a policy with a figure of its kind: what apps.approvals.gates
-- decides in words. Rules of a family that ask for another kind of report count among its comparisons, undecided.
create function approvals_in_operation(of_report bigint, of_version bigint, under_policy bigint)
returns table (place bigint, of text, verdict text, figure jsonb)
language sql stable set search_path = public, pg_temp as $$
    with rules as (
        select place, rule from approvals_policyversion pv, jsonb_array_elements(pv.body -> 'rules')
               with ordinality as listed (rule, place) where pv.id = under_policy and rule ? 'figure'),
    attributes as (
        select place, attribute ->> 'name' as name
          from models_modelversion v join datasets_datasetversion d on d.id = v.dataset_version_id,
               jsonb_array_elements(d.declaration -> 'sensitive') with ordinality as declared (attribute, place)
         where v.id = of_version),
    asked as (
        select place, 0 as nth, rule, array[coalesce(rule ->> 'of', '')] as names from rules
         where coalesce(rule ->> 'of', '') not in ('*', '* & *')
        union all
        select r.place, a.place, rule, array[a.name] from rules r, attributes a where rule ->> 'of' = '*'
        union all
        select r.place, 1000 * a.place + b.place, rule, array[a.name || ' & ' || b.name, b.name || ' & ' || a.name]
          from rules r, attributes a join attributes b on a.place < b.place where rule ->> 'of' = '* & *'),
    report as (
        select kind, result::jsonb as result from reports_operationreport where id = of_report and state = 'finished'),
    measured as (
        select asked.place, nth, rule, names, rule ->> 'report' = kind as mine, coalesce(found, '[]') as found,
               rule ->> 'correction' as correction,
               (rule ->> 'correction') || coalesce(' family ' || (rule ->> 'family'), ' rule ' || asked.place) as family
          from asked cross join report cross join lateral (
            select jsonb_agg(figure) as found from jsonb_array_elements(result -> 'figures') figure
             where rule ->> 'report' = kind and figure ->> 'name' = rule ->> 'figure'
               and figure ->> 'of' = any (names)) figures),
    reached as (
        select place, nth, correction, family, count(*) over (partition by family) as m, good, bad,
               row_number() over (partition by family order by good desc, place, nth) as good_rank,
               row_number() over (partition by family order by bad desc, place, nth) as bad_rank
          from measured cross join lateral (
            select coalesce(min(approvals_reach(rule, figure)), '-infinity') as good,
                   coalesce(min(coalesce(approvals_reach_beyond(rule, figure), '-infinity')), '-infinity') as bad
              from jsonb_array_elements(found) figure) reach
         where correction is not null),
    cleared as (
        select *, m <= 1000 and good >= approvals_extra(case correction when 'bonferroni' then m
                                                          else m - good_rank + 1 end) as passes,
               m <= 1000 and bad > 0 and bad > approvals_extra(case correction when 'bonferroni' then m
                                                                 else m - bad_rank + 1 end) as fails
          from reached),
    shared as (
        select place, nth,
               passes and (correction = 'bonferroni'
                           or bool_and(passes) over (partition by family order by good_rank)) as passes,
               fails and (correction = 'bonferroni'
                          or bool_and(fails) over (partition by family order by bad_rank)) as fails
          from cleared),
    answers as (
        select place, nth, names, found, case when passes then 'pass' when fails then 'fail' else 'inconclusive' end
            as verdict
          from measured join shared using (place, nth) where mine
        union all
        select place, nth, names, found, coalesce((
            select case when bool_or(verdict = 'fail') then 'fail' when bool_and(verdict = 'pass') then 'pass'
                        else 'inconclusive' end
              from jsonb_array_elements(found) figure, approvals_verdict(rule, figure) verdict), 'inconclusive')
          from measured where mine and correction is null)
    select answers.place, names[1], answers.verdict, (
            select figure from jsonb_array_elements(found) with ordinality as listed (figure, which), rules
             where rules.place = answers.place
             order by answers.verdict = 'fail' and approvals_verdict(rule, figure) = 'fail' desc, which limit 1)
      from answers order by answers.place, nth
$$;

-- What is out of bounds now for a model's bytes in its project: each rule by the newest report in operation that
-- decides it. One that cannot tell takes nothing back that another has shown.
create function approvals_out_of_bounds(of_version bigint, under_policy bigint)
returns table (place bigint, of text, report_id bigint, figure jsonb)
language sql stable set search_path = public, pg_temp as $$
    select newest.place, newest.of, newest.report_id, newest.figure
      from (select distinct on (judged.place, judged.of) judged.place, judged.of, r.id as report_id, judged.verdict,
                   judged.figure
              from models_modelversion v
              join models_modelversion same on same.project_id = v.project_id
                                           and same.artifact_digest = v.artifact_digest
              join reports_operationreport r on r.model_version_id = same.id and r.state = 'finished'
              cross join lateral approvals_in_operation(r.id, of_version, under_policy) judged
             where v.id = of_version and judged.verdict <> 'inconclusive'
             order by judged.place, judged.of, r.id desc) newest
     where newest.verdict = 'fail'
       and not exists (
        select from approvals_policyversion pv cross join jsonb_array_elements(
                   approvals_waivers(of_version, under_policy)) waiver
         where pv.id = under_policy and (waiver ->> 'rule')::bigint = newest.place
           and pv.body -> 'rules' -> (newest.place - 1)::int -> 'waivable' is distinct from 'false')
     order by newest.place, newest.of
$$;

-- Everything that was measured in operation of a model's bytes in its project, oldest first: a dossier tells it whole.
create function approvals_operation(of_version bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'report', r.id, 'kind', r.kind, 'digest', r.digest, 'dataset', d.name, 'version', dv.number,
               'data', dv.digest, 'n', r.inputs -> 'n', 'since', to_char(r.since, 'YYYY-MM-DD'),
               'until', to_char(r.until, 'YYYY-MM-DD'),
               'broke', (select count(distinct b.approval_id) from approvals_breach b where b.report_id = r.id))
               order by r.id), '[]')
      from models_modelversion v
      join models_modelversion same on same.project_id = v.project_id and same.artifact_digest = v.artifact_digest
      join reports_operationreport r on r.model_version_id = same.id and r.state = 'finished'
      join datasets_datasetversion dv on dv.id = r.dataset_version_id
      join datasets_dataset d on d.id = dv.dataset_id
     where v.id = of_version
$$;
grant execute on function approvals_reach_beyond(jsonb, jsonb), approvals_verdict(jsonb, jsonb),
    approvals_in_operation(bigint, bigint, bigint), approvals_out_of_bounds(bigint, bigint), approvals_operation(bigint)
    to {WEB_ROLE};
"""

FALLS = f"""
-- Reports in operation and requests of the same bytes come one after the other: none is missed by the other.
create function approvals_one_by_one(of_version bigint) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
    perform from models_modelversion same join models_modelversion v on v.id = of_version
      where same.project_id = v.project_id and same.artifact_digest = v.artifact_digest
      order by same.id for no key update of same;
end $$;
revoke all on function approvals_one_by_one(bigint) from public;

create function approvals_operation_asked() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (
        select from models_modelversion v
          join models_modelversion same on same.project_id = v.project_id and same.artifact_digest = v.artifact_digest
          join approvals_approval a on a.model_version_id = same.id and a.state in ('approved', 'revoked')
         where v.id = new.model_version_id and a.organization_id = new.organization_id) then
        perform approvals_refuse('Only what was signed off is measured in operation.');
    elsif not approvals_acts(new.started_by_id, new.organization_id) then
        perform approvals_refuse('Nobody asks for figures in operation in another''s name.');
    end if;
    return new;
end $$;
create trigger approvals_operation_asked before insert on reports_operationreport
    for each row execute function approvals_operation_asked();

create function approvals_operation_measured() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.state <> 'finished' or tg_op = 'UPDATE' and old.state = 'finished' then return null; end if;
    perform approvals_one_by_one(new.model_version_id);
    insert into approvals_breach (organization_id, approval_id, report_id, place, "of", figure, found_at)
    select a.organization_id, a.id, new.id, judged.place, judged.of, judged.figure, clock_timestamp()
      from models_modelversion v
      join models_modelversion same on same.project_id = v.project_id and same.artifact_digest = v.artifact_digest
      join approvals_approval a on a.model_version_id = same.id and a.state in ('open', 'approved')
      join approvals_policyversion pv on pv.id = a.policy_version_id
      cross join lateral approvals_in_operation(new.id, a.model_version_id, a.policy_version_id) judged
     where v.id = new.model_version_id and a.organization_id = new.organization_id and judged.verdict = 'fail'
       and not (pv.body -> 'rules' -> (judged.place - 1)::int -> 'waivable' is distinct from 'false' and exists (
                select from jsonb_array_elements(approvals_waivers(a.model_version_id, a.policy_version_id)) waiver
                 where (waiver ->> 'rule')::bigint = judged.place));
    return null;
end $$;
create trigger approvals_operation_measured after insert or update on reports_operationreport
    for each row execute function approvals_operation_measured();

create function approvals_approval_alone() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform approvals_one_by_one(new.model_version_id);
    return new;
end $$;
create trigger approvals_approval_alone before insert on approvals_approval
    for each row execute function approvals_approval_alone();

create function approvals_approval_operation() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.dossier::jsonb -> 'operation' is distinct from approvals_operation(new.model_version_id) then
        perform approvals_refuse('The dossier does not tell all that was measured in operation.');
    elsif exists (select from approvals_out_of_bounds(new.model_version_id, new.policy_version_id)) then
        perform approvals_refuse('A required figure is out of bounds in operation.');
    end if;
    return new;
end $$;
create trigger approvals_approval_operation before insert on approvals_approval
    for each row execute function approvals_approval_operation();
revoke all on function approvals_operation_asked(), approvals_operation_measured(), approvals_approval_alone(),
    approvals_approval_operation() from public;
revoke insert on approvals_breach from {WEB_ROLE};

create or replace function approvals_unchanged(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select coalesce(a.bound = approvals_bound_now(a.id), false)
       and not exists (select from approvals_breach b where b.approval_id = a.id)
      from approvals_approval a where a.id = of_approval
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0018_breaches"), ("reports", "0005_operation_walls")]
    operations = [
        Tenant("approvals_breach"),
        AppendOnly("approvals_breach", what="A breach"),
        migrations.RunSQL(DECIDED + FALLS, migrations.RunSQL.noop),
    ]
