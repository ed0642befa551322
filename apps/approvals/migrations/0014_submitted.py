"""Which report speaks is asked of `reports_speaking` alone: by what a sign-off binds, by the gates, and by conditions
that name a figure. Who submitted figures had a hand in the model version."""

from django.db import migrations

BOUND = """
create or replace function approvals_bound_facts(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select jsonb_build_object(
        'organization', jsonb_build_object('slug', o.slug),
        'project', jsonb_build_object('slug', p.slug, 'purpose', p.purpose, 'risk_class', p.risk_class,
            'answers', p.answers, 'closed', p.closed_at is not null),
        'model', jsonb_build_object('name', m.name, 'version', v.number, 'artifact_digest', v.artifact_digest,
            'files', (select coalesce(jsonb_object_agg(file.key, file.value -> 'digest'), '{}')
                        from jsonb_each(v.files) file),
            'recipe_digest', v.recipe_digest, 'code_version', v.code_version, 'retired', v.retired_at is not null),
        'data', (select jsonb_agg(jsonb_build_object('use', used.use, 'dataset', d.name, 'version', dv.number,
                    'digest', dv.digest, 'declaration_digest', dv.declaration_digest,
                    'withdrawn', dv.withdrawn_at is not null) order by used.place)
                   from (values (1, 'training', v.dataset_version_id), (2, 'test', v.test_dataset_version_id))
                        as used (place, use, id)
                   join datasets_datasetversion dv on dv.id = used.id
                   join datasets_dataset d on d.id = dv.dataset_id),
        'reports', (select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'digest', digest) order by kind), '[]')
                      from reports_speaking(v.id)),
        'policy', jsonb_build_object('name', policy.name, 'version', pv.number, 'digest', pv.digest,
            'withdrawn', pv.withdrawn_at is not null))
      from models_modelversion v
      join models_registeredmodel m on m.id = v.model_id
      join projects_project p on p.id = v.project_id
      join accounts_organization o on o.id = v.organization_id
      join approvals_policyversion pv on pv.id = under_policy
      join approvals_policy policy on policy.id = pv.policy_id
     where v.id = of_version
$$;
"""

HANDS = """
create or replace function approvals_hands(of_version bigint) returns table (user_id bigint, deed text)
language sql stable set search_path = public, pg_temp as $$
    select m.user_id, hand.deed
      from models_modelversion v
      cross join lateral (
        select v.trained_by_id as membership_id, 'trained this model' as deed
        union all select dv.uploaded_by_id, 'uploaded its data' from datasets_datasetversion dv
         where dv.id in (v.dataset_version_id, v.test_dataset_version_id)
        union all select dv.declared_by_id, 'declared its data' from datasets_datasetversion dv
         where dv.id in (v.dataset_version_id, v.test_dataset_version_id)
        union all select r.started_by_id, 'submitted figures about it' from reports_report r
         where r.model_version_id = v.id and r.provenance = 'submitted') hand
      join accounts_membership m on m.id = hand.membership_id
     where v.id = of_version
$$;
"""

GATES = """
-- Whether every rule of the policy is met by what is there now: the same question apps.approvals.gates.decide answers
-- in words, asked a second time where nobody can put words in. Rules that are waived are left out if that is asked.
create or replace function approvals_gates_hold(of_version bigint, under_policy bigint,
                                                with_waivers boolean default true)
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
        select r.kind, r.finished_at, r.result::jsonb as result,
               coalesce(r.inputs ->> 'artifact', v.artifact_digest) = v.artifact_digest as current
          from reports_speaking(of_version) r join models_modelversion v on v.id = r.model_version_id),
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
"""

CONDITIONS = """
-- Every condition of a sign-off: whether it is met, and whether its day has passed unmet. One that blocks is met in
-- time or not at all. A check on a figure is made by the database itself, on what has been measured since the
-- signature: by the portal, where the policy counts nothing else.
create or replace function approvals_conditions(of_approval bigint)
returns table (signature_id bigint, number int, condition jsonb, met boolean, overdue boolean)
language sql stable set search_path = public, pg_temp as $$
    with asked as (
        select s.id, s.signed_at, a.model_version_id, (condition ->> 'number')::int as number, condition,
               (condition ->> 'due_at')::timestamptz as due, pv.body ->> 'provenance' as wants
          from approvals_approval a join approvals_signature s on s.approval_id = a.id and s.conditions <> '[]'
          join approvals_policyversion pv on pv.id = a.policy_version_id
          cross join lateral jsonb_array_elements(s.conditions) condition
         where a.id = of_approval),
    judged as (
        select asked.*, case when condition -> 'check' = 'null' or not condition ? 'check' then exists (
            select from approvals_fulfilment f where f.signature_id = asked.id and f.number = asked.number
               and (f.confirmed_at <= due or f.confirmed_at is not null and condition ->> 'consequence' <> 'block'))
        else exists (
            select from (select result::jsonb as result, finished_at from reports_speaking(asked.model_version_id) r
                          where r.kind = condition -> 'check' ->> 'report' and r.finished_at > asked.signed_at
                            and (r.provenance = 'recomputed' or asked.wants is distinct from 'recomputed')) newest
              cross join lateral jsonb_array_elements(newest.result -> 'figures') figure
             where figure ->> 'name' = condition -> 'check' ->> 'figure'
               and figure ->> 'of' = coalesce(condition -> 'check' ->> 'of', '')
               and (newest.finished_at <= due or condition ->> 'consequence' <> 'block')
               and approvals_clears(condition -> 'check', figure)) end as met
          from asked)
    select id, number, condition, met, not met and due < now() from judged
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0013_suspensions"), ("reports", "0003_submitted")]
    operations = [migrations.RunSQL(BOUND + HANDS + GATES + CONDITIONS, migrations.RunSQL.noop)]
