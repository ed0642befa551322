"""A sign-off binds the documents and statements that spoke about its model: one superseded, withdrawn or over takes it
down. Who asked for a waiver that it rests on does not sign it. What a policy wants written is
read before signing."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE

PAPERS = f"""
create function approvals_documents(of_version bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    with papers as (
        select 'statement' as sort, s.kind, s.subtype, s.digest, s.id, s.valid_until
          from models_modelversion v
          join documents_statement s on s.project_id = v.project_id
           and (num_nonnulls(s.model_version_id, s.dataset_version_id) = 0 or s.model_version_id = v.id
                or s.dataset_version_id in (v.dataset_version_id, v.test_dataset_version_id))
         where v.id = of_version and s.withdrawn_at is null
           and (s.valid_until is null or s.valid_until >= (now() at time zone 'UTC')::date)
           and not exists (select from documents_statement later where later.supersedes_id = s.id)
        union all
        (select distinct on (d.kind) 'document', d.kind, '', d.digest, d.id, null
           from models_modelversion v
           join documents_document d on d.model_version_id = v.id or d.dataset_version_id = v.dataset_version_id
          where v.id = of_version and d.state = 'finished' order by d.kind, d.id desc))
    select coalesce(jsonb_agg(jsonb_build_object('is', sort, 'kind', kind, 'subtype', subtype, 'digest', digest,
                        'number', id, 'valid_until', valid_until) order by sort, kind, subtype, digest), '[]')
      from papers
$$;

create or replace function approvals_bound(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select approvals_bound_facts(of_version, under_policy)
           || jsonb_build_object('waivers', approvals_waivers(of_version, under_policy),
                                 'documents', approvals_documents(of_version))
$$;

-- What is bound now, as far as this sign-off is concerned: a report that a condition of it asks for is no surprise, nor
-- is a paper of a kind that was not there when it was asked for.
create or replace function approvals_bound_now(of_approval bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select now_bound || jsonb_build_object(
        'documents', (
            select coalesce(jsonb_agg(paper order by place), '[]')
              from jsonb_array_elements(now_bound -> 'documents') with ordinality as listed (paper, place)
             where a.bound -> 'documents' @> jsonb_build_array(jsonb_build_object(
                       'is', paper -> 'is', 'kind', paper -> 'kind', 'subtype', paper -> 'subtype'))),
        'reports', (
            select coalesce(jsonb_agg(report order by report ->> 'kind'), '[]')
              from jsonb_array_elements(now_bound -> 'reports') report
             where asked.kinds is null or not report ->> 'kind' = any (asked.kinds)
                or a.bound -> 'reports' @> jsonb_build_array(jsonb_build_object('kind', report ->> 'kind'))))
      from approvals_approval a
      cross join lateral approvals_bound(a.model_version_id, a.policy_version_id) now_bound
      cross join lateral (
        select array_agg(condition -> 'check' ->> 'report') filter (where condition -> 'check' ? 'report') as kinds
          from approvals_signature s cross join lateral jsonb_array_elements(s.conditions) condition
         where s.approval_id = a.id) asked
     where a.id = of_approval
$$;

create or replace function approvals_unread(of_approval bigint, person bigint) returns table (kind text, digest text)
language sql stable set search_path = public, pg_temp as $$
    select demanded.kind, demanded.digest
      from approvals_approval a
      join approvals_policyversion pv on pv.id = a.policy_version_id
      cross join lateral (
        select item ->> 'kind' as kind, item ->> 'digest' as digest
          from jsonb_array_elements(a.dossier::jsonb -> 'evidence') item
         where exists (select from jsonb_array_elements(pv.body -> 'rules') rule
                        where rule ->> 'report' = item ->> 'kind')
        union all
        select paper ->> 'kind', paper ->> 'digest'
          from jsonb_array_elements(coalesce(a.bound -> 'documents', '[]')) paper
         where exists (select from jsonb_array_elements(pv.body -> 'rules') rule
                        where coalesce(rule ->> 'document', rule ->> 'statement') in (paper ->> 'kind',
                              (paper ->> 'kind') || '-' || lower(paper ->> 'subtype')))) demanded
     where a.id = of_approval
       and not exists (select from audits_reading r where r.organization_id = a.organization_id and r.by_id = person
                          and r.digest = demanded.digest and r.at >= a.requested_at)
$$;
grant execute on function approvals_documents(bigint) to {WEB_ROLE};

-- What was bound before bound no papers.
alter table approvals_approval disable trigger user;
update approvals_approval set bound = bound || '{{"documents": []}}' where not bound ? 'documents';
alter table approvals_approval enable trigger user;
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
        select m.user_id, 'published its policy'
          from approvals_approval a join approvals_policyversion pv on pv.id = a.policy_version_id
          join accounts_membership m on m.id = pv.published_by_id where a.id = of_approval
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


class Migration(migrations.Migration):
    dependencies = [("approvals", "0010_conflicts"), ("documents", "0002_walls")]
    operations = [migrations.RunSQL(PAPERS + CONFLICTS, migrations.RunSQL.noop)]
