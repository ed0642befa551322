"""A condition with a check on a figure is met by what the portal computed alone, whatever else the policy counts:
nobody confirms it, so nobody may bring the figure."""

from django.db import migrations

CONDITIONS = """
create or replace function approvals_conditions(of_approval bigint)
returns table (signature_id bigint, number int, condition jsonb, met boolean, overdue boolean)
language sql stable set search_path = public, pg_temp as $$
    with asked as (
        select s.id, s.signed_at, a.model_version_id, (condition ->> 'number')::int as number, condition,
               (condition ->> 'due_at')::timestamptz as due
          from approvals_approval a join approvals_signature s on s.approval_id = a.id and s.conditions <> '[]'
          cross join lateral jsonb_array_elements(s.conditions) condition
         where a.id = of_approval),
    judged as (
        select asked.*, case when condition -> 'check' = 'null' or not condition ? 'check' then exists (
            select from approvals_fulfilment f where f.signature_id = asked.id and f.number = asked.number
               and (f.confirmed_at <= due or f.confirmed_at is not null and condition ->> 'consequence' <> 'block'))
        else exists (
            select from (select result::jsonb as result, finished_at from reports_speaking(asked.model_version_id) r
                          where r.kind = condition -> 'check' ->> 'report' and r.finished_at > asked.signed_at
                            and r.provenance = 'recomputed') newest
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
    dependencies = [("approvals", "0019_out_of_bounds")]
    operations = [migrations.RunSQL(CONDITIONS, migrations.RunSQL.noop)]
