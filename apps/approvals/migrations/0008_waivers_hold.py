"""What the database itself knows about waivers, and the whole arithmetic of the gates.

A waiver in force is part of what a sign-off binds: when one begins, ends or is taken back, what is bound is otherwise,
and the sign-off falls by itself. The gates are judged here once more, with corrections for several comparisons, with
provenance, and without any rule that is waived: the same questions `apps.approvals.gates.decide` answers in words."""

from math import ceil
from statistics import NormalDist

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, Frozen, Tenant

NORMAL = NormalDist()
EXTRA = [
    0.0 if k == 1 else ceil((NORMAL.inv_cdf(1 - 0.025 / k) / NORMAL.inv_cdf(0.975) - 1) * 1e6) / 1e6
    for k in range(1, 1001)
]

IN_FORCE = f"""
create function approvals_waivers(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'waiver', w.id, 'policy', pv.digest, 'rule', w.rule,
               'scope', case when w.model_version_id is null then 'project' else 'model version' end,
               'reason', w.reason, 'risk', w.risk, 'measure', w.measure, 'plan', w.plan,
               'owner', w.owner_id, 'requested_by', w.requested_by_id, 'approved_by', w.decided_by_id,
               'starts_at', to_char(w.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'ends_at', to_char(w.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) order by w.id), '[]')
      from models_modelversion v
      join approvals_waiver w on w.project_id = v.project_id
       and (w.model_version_id is null or w.model_version_id = v.id)
      join approvals_policyversion pv on pv.id = w.policy_version_id
     where v.id = of_version and (under_policy is null or w.policy_version_id = under_policy)
       and w.state = 'approved' and w.starts_at <= now() and w.ends_at > now()
$$;
grant execute on function approvals_waivers(bigint, bigint) to {WEB_ROLE};

alter function approvals_bound(bigint, bigint) rename to approvals_bound_facts;
create function approvals_bound(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select approvals_bound_facts(of_version, under_policy)
           || jsonb_build_object('waivers', approvals_waivers(of_version, under_policy))
$$;
grant execute on function approvals_bound(bigint, bigint) to {WEB_ROLE};

-- What was bound before there were waivers bound none.
alter table approvals_approval disable trigger user;
update approvals_approval set bound = bound || '{{"waivers": []}}' where not bound ? 'waivers';
alter table approvals_approval enable trigger user;
"""

NOT_IN_FORCE = """
drop function approvals_bound(bigint, bigint);
alter function approvals_bound_facts(bigint, bigint) rename to approvals_bound;
alter table approvals_approval disable trigger user;
update approvals_approval set bound = bound - 'waivers';
alter table approvals_approval enable trigger user;
drop function approvals_waivers(bigint, bigint);
"""

ASKED = """
create function approvals_waiver_asked() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare asked jsonb; renewed approvals_waiver;
begin
    select pv.body -> 'rules' -> (nullif(new.rule, 0) - 1) into asked
      from approvals_policyversion pv
      join approvals_policy policy on policy.id = pv.policy_id
      join projects_project p on p.id = new.project_id and p.risk_class = policy.risk_class and p.closed_at is null
     where pv.id = new.policy_version_id and pv.withdrawn_at is null
       and array[pv.organization_id, p.organization_id] = array_fill(new.organization_id, array[2])
       and (new.model_version_id is null
            or exists (select 1 from models_modelversion v where v.id = new.model_version_id
                          and v.project_id = new.project_id and v.organization_id = new.organization_id));
    if asked is null then
        perform approvals_refuse('A waiver is of a rule of a policy for its project, in its own organization.');
    elsif asked -> 'waivable' = 'false' then
        perform approvals_refuse('This rule is never waived.');
    elsif not (approvals_is(new.requested_by_id, new.organization_id, 'builder')
               or approvals_is(new.requested_by_id, new.organization_id, 'owner')) then
        perform approvals_refuse('A waiver is asked for by a builder or an owner, in their own name.');
    elsif not exists (select 1 from accounts_membership m where m.id = new.owner_id and m.is_active
                         and m.organization_id = new.organization_id and m.role <> 'auditor') then
        perform approvals_refuse('The owner of a waiver is a member of its organization who may act.');
    elsif exists (select 1 from accounts_membership a, accounts_membership b
                   where a.id = new.owner_id and b.id = new.requested_by_id and a.user_id = b.user_id) then
        perform approvals_refuse('Who asks for a waiver is not its owner.');
    elsif new.state <> 'requested' or num_nonnulls(new.decided_by_id, new.decided_at, new.ended_by_id, new.ended_at) > 0
    then
        perform approvals_refuse('A waiver begins as a request.');
    elsif '' in (trim(new.reason), trim(new.risk), trim(new.measure), trim(new.plan)) then
        perform approvals_refuse('A waiver says its reason, its risk, what is done instead, and how it ends.');
    elsif new.ends_at <= new.starts_at or new.ends_at <= now()
          or new.ends_at > greatest(new.starts_at, now()) + interval '90 days'
          or new.ends_at > new.starts_at + interval '90 days' or new.starts_at > now() + interval '1 year' then
        perform approvals_refuse('A waiver ends within 90 days of its start.');
    end if;
    if new.renewal_of_id is null then
        if exists (select 1 from approvals_waiver w where w.policy_version_id = new.policy_version_id
                      and w.rule = new.rule and w.project_id = new.project_id
                      and w.model_version_id is not distinct from new.model_version_id
                      and (w.state in ('requested', 'approved', 'revoked')
                           or w.state = 'closed' and w.decided_at is not null)) then
            perform approvals_refuse('This rule was waived here before; a waiver is renewed, and only once.');
        end if;
        return new;
    end if;
    select * into renewed from approvals_waiver where id = new.renewal_of_id for update;
    if renewed.id is null or renewed.state <> 'approved' or renewed.renewal_of_id is not null
       or (renewed.organization_id, renewed.policy_version_id, renewed.rule, renewed.project_id)
          <> (new.organization_id, new.policy_version_id, new.rule, new.project_id)
       or renewed.model_version_id is distinct from new.model_version_id or new.starts_at < renewed.ends_at
       or exists (select 1 from approvals_waiver w where w.renewal_of_id = renewed.id and w.state <> 'rejected'
                     and (w.state <> 'closed' or w.decided_at is not null)) then
        perform approvals_refuse('A waiver is renewed once, for the same rule and thing, from its end on.');
    end if;
    return new;
end $$;
create trigger approvals_waiver_asked before insert on approvals_waiver
    for each row execute function approvals_waiver_asked();
"""

CHANGED = """
create function approvals_waiver_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare person bigint; hand text;
begin
    if new is not distinct from old then return new; end if;
    select user_id into person from accounts_membership where id = new.decided_by_id;
    select h.deed into hand from models_modelversion v, approvals_hands(v.id) h
     where v.project_id = new.project_id and (new.model_version_id is null or v.id = new.model_version_id)
       and h.user_id = person limit 1;
    case old.state || ' to ' || new.state
    when 'requested to approved', 'requested to rejected' then
        if not approvals_is(new.decided_by_id, new.organization_id, 'reviewer') or trim(new.decision_reason) = '' then
            perform approvals_refuse('A reviewer decides on a waiver, in their own name and with a reason.');
        elsif exists (select 1 from accounts_membership m where m.user_id = person
                                                            and m.id in (new.requested_by_id, new.owner_id)) then
            perform approvals_refuse('Who asks for a waiver, who owns it and who approves it are three people.');
        elsif new.state = 'approved' and hand is not null then
            perform approvals_refuse('Whoever ' || hand || ' does not approve a waiver for it.');
        elsif new.state = 'approved' and new.ends_at <= now() then
            perform approvals_refuse('It would be over already.');
        elsif new.state = 'approved' and exists (select 1 from approvals_policyversion pv
                 where pv.id = new.policy_version_id and pv.withdrawn_at is not null) then
            perform approvals_refuse('Its policy was withdrawn.');
        end if;
        new.decided_at := now();
        if num_nonnulls(new.ended_by_id, new.ended_at) > 0 then
            perform approvals_refuse('A waiver that is decided has not ended.');
        end if;
    when 'approved to revoked' then
        if not (approvals_is(new.ended_by_id, new.organization_id, 'reviewer')
                or approvals_is(new.ended_by_id, new.organization_id, 'owner')) or trim(new.ended_reason) = '' then
            perform approvals_refuse('A reviewer or owner revokes a waiver, in their own name and with a reason.');
        end if;
    when 'requested to closed', 'approved to closed' then
        if not approvals_is(new.ended_by_id, new.organization_id) or trim(new.ended_reason) = ''
           or new.ended_by_id not in (new.requested_by_id, new.owner_id) then
            perform approvals_refuse('Who asked for a waiver or owns it closes it, and says with what evidence.');
        end if;
    else
        perform approvals_refuse('A waiver does not go from ' || old.state || ' to ' || new.state || '.');
    end case;
    if new.state in ('revoked', 'closed') then
        if (new.decided_by_id, new.decided_at, new.decision_reason)
           is distinct from (old.decided_by_id, old.decided_at, old.decision_reason) then
            perform approvals_refuse('What was decided stays decided.');
        end if;
        new.ended_at := now();
    end if;
    return new;
end $$;
create trigger approvals_waiver_changed before update on approvals_waiver
    for each row execute function approvals_waiver_changed();
revoke all on function approvals_waiver_asked(), approvals_waiver_changed() from public;
"""

UNGUARDED = """
drop function approvals_waiver_changed() cascade; drop function approvals_waiver_asked() cascade;
"""

GATES = f"""
-- The kinds of documents and statements that speak about a model version today. What a document was filled from may
-- have changed since; that is asked where it is read.
create function approvals_papers(of_version bigint) returns table (kind text)
language sql stable set search_path = public, pg_temp as $$
    with stated as (
        select s.kind, s.subtype
          from models_modelversion v
          join documents_statement s on s.project_id = v.project_id
           and (num_nonnulls(s.model_version_id, s.dataset_version_id) = 0 or s.model_version_id = v.id
                or s.dataset_version_id in (v.dataset_version_id, v.test_dataset_version_id))
         where v.id = of_version and s.withdrawn_at is null
           and (s.valid_until is null or s.valid_until >= (now() at time zone 'UTC')::date)
           and not exists (select from documents_statement later where later.supersedes_id = s.id))
    select stated.kind from stated
    union all select stated.kind || '-' || lower(stated.subtype) from stated where stated.subtype <> ''
    union all
    select d.kind from models_modelversion v
      join documents_document d on d.model_version_id = v.id or d.dataset_version_id = v.dataset_version_id
     where v.id = of_version and d.state = 'finished'
$$;

-- Whether a dossier may be signed, by its own verdict; that the verdict is true is asked as it comes.
create or replace function approvals_signable(dossier text) returns boolean language sql immutable as $$
    select coalesce(dossier::jsonb -> 'gates' ->> 'verdict' in ('pass', 'waived'), false)
$$;

create or replace function approvals_clears(rule jsonb, figure jsonb) returns boolean
language sql immutable as $$
    with measured as (
        select figure -> case rule ->> 'bound' when 'lower' then 'low' when 'upper' then 'high' else 'value' end
            as given)
    select coalesce(
        jsonb_typeof(given) = 'number' and jsonb_typeof(figure -> 'value') = 'number'
        and case when jsonb_typeof(figure -> 'n') = 'number' then (figure ->> 'n')::numeric >= 1 end
        and (not rule ? 'at_least' or given::numeric >= (rule ->> 'at_least')::numeric)
        and (not rule ? 'at_most' or given::numeric <= (rule ->> 'at_most')::numeric)
        and (not rule ? 'minimum_group_size'
             or case when jsonb_typeof(figure -> 'smallest_group') = 'number'
                     then (figure ->> 'smallest_group')::numeric >= (rule ->> 'minimum_group_size')::numeric end)
        and (coalesce(rule ->> 'bound', 'value') = 'value'
             or case when jsonb_typeof(figure -> 'low') = 'number' and jsonb_typeof(figure -> 'high') = 'number'
                     then (figure ->> 'value')::numeric between (figure ->> 'low')::numeric
                                                            and (figure ->> 'high')::numeric end),
        false)
      from measured
$$;

-- By how many half intervals an end moves outwards for k comparisons.
create function approvals_extra(k bigint) returns double precision language sql immutable as $$
    select coalesce((array[{", ".join(map(repr, EXTRA))}]::double precision[])[k], 'infinity')
$$;

-- How many half intervals the cautious end of a figure lies on the good side of the line; see gates/corrections.py.
create function approvals_reach(rule jsonb, figure jsonb) returns double precision
language plpgsql immutable as $$
declare value double precision; low double precision; high double precision; line double precision;
        half double precision; good double precision;
begin
    -- everything but the line itself must be in order: so the line is taken out of the question
    if not approvals_clears(rule - 'at_least' - 'at_most', figure) then return '-infinity'; end if;
    value := (figure ->> 'value')::double precision; low := (figure ->> 'low')::double precision;
    high := (figure ->> 'high')::double precision;
    line := coalesce(rule ->> 'at_least', rule ->> 'at_most')::double precision;
    if greatest(abs(value), abs(low), abs(high), abs(line)) > 1e6 then return '-infinity'; end if;
    if rule ->> 'figure' = 'demographic_parity_ratio' then
        if least(value, low, high, line) <= 0 then return '-infinity'; end if;
        value := ln(value); low := ln(low); high := ln(high); line := ln(line);
    end if;
    half := greatest(value - low, high - value);
    good := case when rule ? 'at_most' then line - high else low - line end;
    if half < 1e-12 then return case when good >= 0 then 'infinity' else '-infinity' end; end if;
    return good / half;
end $$;

drop function approvals_gates_hold(bigint, bigint);
-- Whether every rule of the policy is met by what is there now: the same question apps.approvals.gates.decide answers
-- in words, asked a second time where nobody can put words in. Rules that are waived are left out if that is asked.
create function approvals_gates_hold(of_version bigint, under_policy bigint, with_waivers boolean default true)
returns boolean language sql stable set search_path = public, pg_temp as $$
    with rules as (
        select place, case when rule ? 'report' and pv.body ? 'provenance'
                           then jsonb_build_object('provenance', pv.body -> 'provenance') || rule else rule end as rule
          from approvals_policyversion pv, jsonb_array_elements(pv.body -> 'rules')
               with ordinality as listed (rule, place) where pv.id = under_policy),
    attributes as (
        select place, attribute ->> 'name' as name
          from models_modelversion v join datasets_datasetversion d on d.id = v.dataset_version_id,
               jsonb_array_elements(d.declaration -> 'sensitive') with ordinality as declared (attribute, place)
         where v.id = of_version),
    asked as (
        select place, rule, array[coalesce(rule ->> 'of', '')] as names from rules
         where rule ? 'report' and coalesce(rule ->> 'of', '') not in ('*', '* & *')
        union all
        select r.place, rule, array[a.name] from rules r, attributes a where rule ->> 'of' = '*'
        union all
        select r.place, rule, array[a.name || ' & ' || b.name, b.name || ' & ' || a.name]
          from rules r, attributes a join attributes b on a.place < b.place where rule ->> 'of' = '* & *'),
    reports as (
        select distinct on (r.kind) r.kind, r.finished_at, r.result::jsonb as result,
               coalesce(r.inputs ->> 'artifact', v.artifact_digest) = v.artifact_digest as current
          from reports_report r join models_modelversion v on v.id = r.model_version_id
         where r.model_version_id = of_version and r.state = 'finished' order by r.kind, r.id desc),
    found as (
        select asked.*, reports.result,
               coalesce(current
                   and (not rule ? 'max_age_days'
                        or finished_at >= now() - make_interval(days => (rule ->> 'max_age_days')::int))
                   and case rule ->> 'provenance'
                       when 'recomputed' then result ->> 'provenance' in ('recomputed', 'recomputed by the portal')
                       when 'submitted' then result ->> 'provenance' in
                           ('recomputed', 'recomputed by the portal', 'submitted', 'submitted from outside')
                       else true end, false) as usable
          from asked left join reports on kind = rule ->> 'report'),
    measured as (
        select place, rule, names, usable, figures.*
          from found, lateral (
            select count(*) as there, bool_and(approvals_clears(rule, figure)) as clear,
                   min(case when rule ? 'correction' then approvals_reach(rule, figure) end) as reach
              from jsonb_array_elements(case when usable and rule ? 'figure' then result -> 'figures' end) figure
             where figure ->> 'name' = rule ->> 'figure' and figure ->> 'of' = any (names)) figures),
    ranked as (
        select *, count(*) over family as comparisons,
               row_number() over (family order by reach desc, place) as place_in
          from (select place, rule, there, coalesce(reach, '-infinity') as reach,
                       rule ->> 'correction' as correction,
                       (rule ->> 'correction') || coalesce(' family ' || (rule ->> 'family'), ' rule ' || place)
                           as family
                  from measured where rule ? 'correction') corrected
        window family as (partition by family)),
    answers as (
        select place, usable and (not rule ? 'figure' or there > 0 and clear) as holds
          from measured where not rule ? 'correction'
        union all
        select place, there > 0 and cleared
                      and (correction = 'bonferroni' or bool_and(cleared) over (partition by family order by place_in))
          from (select *, reach >= approvals_extra(case correction when 'bonferroni' then comparisons
                                                   else comparisons - place_in + 1 end) as cleared from ranked) judged
        union all
        select place, exists (select from approvals_papers(of_version) paper
                               where paper.kind = coalesce(rule ->> 'document', rule ->> 'statement'))
          from rules where not rule ? 'report'),
    waived as (
        select (waiver ->> 'rule')::bigint as place
          from jsonb_array_elements(approvals_waivers(of_version, under_policy)) waiver where with_waivers)
    select count(*) > 0 and bool_and(
               coalesce((select bool_and(coalesce(holds, false)) from answers where answers.place = rules.place), false)
               or rule -> 'waivable' is distinct from 'false' and place in (select place from waived))
      from rules
$$;
grant execute on function approvals_clears(jsonb, jsonb), approvals_reach(jsonb, jsonb), approvals_extra(bigint),
    approvals_papers(bigint), approvals_gates_hold(bigint, bigint, boolean) to {WEB_ROLE};

-- Whether a policy was written for a project with these answers.
create function approvals_applies(body jsonb, answers jsonb) returns boolean language sql immutable as $$
    select not exists (select from jsonb_array_elements_text(body #> '{{applies_to,answered_yes}}') flag
                        where answers -> flag is distinct from 'true')
       and not exists (select from jsonb_array_elements_text(body #> '{{applies_to,answered_no}}') flag
                        where answers -> flag is distinct from 'false')
$$;
grant execute on function approvals_applies(jsonb, jsonb) to {WEB_ROLE};

create or replace function approvals_approval_gates() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare said jsonb := new.dossier::jsonb; asked jsonb; verdict text := said -> 'gates' ->> 'verdict';
begin
    select body into asked from approvals_policyversion where id = new.policy_version_id;
    if said -> 'policy_body' is distinct from asked then
        perform approvals_refuse('The dossier quotes another policy.');
    elsif approvals_applies(asked, (select answers from projects_project where id = new.project_id)) is not true then
        perform approvals_refuse('The policy is not for a project with these answers.');
    elsif verdict in ('pass', 'waived') and approvals_gates_hold(new.model_version_id, new.policy_version_id,
                                                                 verdict = 'waived') is not true then
        perform approvals_refuse('The dossier claims a pass that the reports do not give.');
    end if;
    return new;
end $$;

create or replace function approvals_policyversion_published() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.withdrawn_at is not null or new.published_by_id is not null
           and not approvals_is(new.published_by_id, new.organization_id, 'owner') then
            perform approvals_refuse('An owner publishes a policy, in their own name.');
        elsif new.published_by_id is null and exists (
            select 1 from approvals_policyversion pv join approvals_policy earlier on earlier.id = pv.policy_id
              join approvals_policy mine on mine.id = new.policy_id and mine.risk_class = earlier.risk_class
             where pv.organization_id = new.organization_id and not pv.body ? 'applies_to') then
            perform approvals_refuse('A built-in policy comes into force by itself only where there is no other.');
        end if;
    elsif old.withdrawn_at is not null and new is distinct from old then
        perform approvals_refuse('A withdrawn policy stays withdrawn.');
    end if;
    return new;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0007_waivers"), ("documents", "0002_walls")]
    operations = [
        Tenant("approvals_waiver"),
        Frozen(
            "approvals_waiver",
            free=("state", "decided_by_id", "decided_at", "decision_reason", "ended_by_id", "ended_at", "ended_reason"),
            what="A waiver",
        ),
        migrations.RunSQL(ASKED + CHANGED, UNGUARDED),
        migrations.RunSQL(IN_FORCE, NOT_IN_FORCE),
        migrations.RunSQL(GATES, migrations.RunSQL.noop),
    ]
