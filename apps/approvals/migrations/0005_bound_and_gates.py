"""What was bound is kept beside the dossier, so that comparing it takes half a millisecond; and the database does the
arithmetic of the gates itself, so that a dossier cannot claim a pass that the reports do not give."""

from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE

BOUND = """
create function approvals_approval_bound() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    new.bound := approvals_bound(new.model_version_id, new.policy_version_id);
    return new;
end $$;
create trigger approvals_approval_bound before insert on approvals_approval
    for each row execute function approvals_approval_bound();
revoke all on function approvals_approval_bound() from public;

alter table approvals_approval disable trigger approvals_approval_changed;
update approvals_approval a set bound = (
    select jsonb_object_agg(part, a.dossier::jsonb -> part)
      from jsonb_object_keys(approvals_bound(a.model_version_id, a.policy_version_id)) part);
alter table approvals_approval enable trigger approvals_approval_changed;

create or replace function approvals_unchanged(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select coalesce(a.bound = approvals_bound(a.model_version_id, a.policy_version_id), false)
      from approvals_approval a where a.id = of_approval
$$;

create or replace function approvals_same(dossier text, bound jsonb) returns boolean
language sql immutable as $$
    select bound = (select jsonb_object_agg(part, said -> part)
                      from (select dossier::jsonb as said offset 0) once, jsonb_object_keys(bound) part)
$$;
"""

UNBOUND = """
drop function approvals_approval_bound() cascade;
create or replace function approvals_unchanged(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select coalesce(approvals_same(a.dossier, approvals_bound(a.model_version_id, a.policy_version_id)), false)
      from approvals_approval a where a.id = of_approval
$$;
"""

GATES = f"""
create function approvals_clears(rule jsonb, figure jsonb) returns boolean
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
                     then (figure ->> 'smallest_group')::numeric >= (rule ->> 'minimum_group_size')::numeric end),
        false)
      from measured
$$;

-- Whether every rule of the policy is met by the newest finished reports: the same question apps.approvals.gates.decide
-- answers in words, asked a second time where nobody can put words in.
create function approvals_gates_hold(of_version bigint, under_policy bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    with rules as (
        select place, rule from approvals_policyversion pv, jsonb_array_elements(pv.body -> 'rules')
               with ordinality as listed (rule, place) where pv.id = under_policy),
    attributes as (
        select place, attribute ->> 'name' as name
          from models_modelversion v join datasets_datasetversion d on d.id = v.dataset_version_id,
               jsonb_array_elements(d.declaration -> 'sensitive') with ordinality as declared (attribute, place)
         where v.id = of_version),
    asked as (
        select place, rule, array[coalesce(rule ->> 'of', '')] as names from rules
         where coalesce(rule ->> 'of', '') not in ('*', '* & *')
        union all
        select r.place, rule, array[a.name] from rules r, attributes a where rule ->> 'of' = '*'
        union all
        select r.place, rule, array[a.name || ' & ' || b.name, b.name || ' & ' || a.name]
          from rules r, attributes a join attributes b on a.place < b.place where rule ->> 'of' = '* & *'),
    reports as (
        select distinct on (kind) kind, finished_at, result::jsonb as result from reports_report
         where model_version_id = of_version and state = 'finished' order by kind, id desc)
    select (select count(distinct place) from asked) = (select count(*) from rules)
       and not exists (
        select from asked where not exists (
            select from reports
             where kind = rule ->> 'report'
               and (not rule ? 'max_age_days'
                    or finished_at > now() - make_interval(days => (rule ->> 'max_age_days')::int))
               and (not rule ? 'figure' or exists (
                    select from jsonb_array_elements(result -> 'figures') figure
                     where figure ->> 'name' = rule ->> 'figure' and figure ->> 'of' = any (names)
                       and approvals_clears(rule, figure)))))
$$;
grant execute on function approvals_clears(jsonb, jsonb), approvals_gates_hold(bigint, bigint) to {WEB_ROLE};

create function approvals_approval_gates() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare said jsonb := new.dossier::jsonb;
begin
    if said -> 'policy_body' is distinct from
       (select body from approvals_policyversion where id = new.policy_version_id) then
        perform approvals_refuse('The dossier quotes another policy.');
    elsif said -> 'gates' ->> 'verdict' = 'pass'
          and approvals_gates_hold(new.model_version_id, new.policy_version_id) is not true then
        perform approvals_refuse('The dossier claims a pass that the reports do not give.');
    end if;
    return new;
end $$;
create trigger approvals_approval_gates before insert on approvals_approval
    for each row execute function approvals_approval_gates();
revoke all on function approvals_approval_gates() from public;
"""

NO_GATES = """
drop function approvals_approval_gates() cascade; drop function approvals_gates_hold(bigint, bigint);
drop function approvals_clears(jsonb, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_sign_off")]
    operations = [
        migrations.AddField("approval", "bound", models.JSONField(editable=False, null=True)),
        migrations.RunSQL(BOUND, UNBOUND),
        migrations.RunSQL(GATES, NO_GATES),
    ]
