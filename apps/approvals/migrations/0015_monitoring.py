"""A waiver says how it is watched; one that was asked for before says nothing, and what bound it stays as it was."""

from django.db import migrations, models

IN_FORCE = """
create or replace function approvals_waivers(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select coalesce(jsonb_agg(jsonb_build_object(
               'waiver', w.id, 'policy', pv.digest, 'rule', w.rule,
               'scope', case when w.model_version_id is null then 'project' else 'model version' end,
               'reason', w.reason, 'risk', w.risk, 'measure', w.measure, 'plan', w.plan,
               'owner', w.owner_id, 'requested_by', w.requested_by_id, 'approved_by', w.decided_by_id,
               'starts_at', to_char(w.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'ends_at', to_char(w.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
               || case w.monitoring when '' then '{}' else jsonb_build_object('monitoring', w.monitoring) end
               order by w.id), '[]')
      from models_modelversion v
      join approvals_waiver w on w.project_id = v.project_id
       and (w.model_version_id is null or w.model_version_id = v.id)
      join approvals_policyversion pv on pv.id = w.policy_version_id
     where v.id = of_version and (under_policy is null or w.policy_version_id = under_policy)
       and w.state = 'approved' and w.starts_at <= now() and w.ends_at > now()
$$;
"""

WATCHED = """
create function approvals_waiver_watched() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    if trim(new.monitoring) = '' then
        perform approvals_refuse('A waiver says how it is watched.');
    end if;
    return new;
end $$;
create trigger approvals_waiver_watched before insert on approvals_waiver
    for each row execute function approvals_waiver_watched();
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0014_submitted")]
    operations = [
        migrations.AddField("waiver", "monitoring", models.TextField(default="")),
        migrations.RunSQL(IN_FORCE, migrations.RunSQL.noop),
        migrations.RunSQL(WATCHED, "drop function approvals_waiver_watched() cascade;"),
    ]
