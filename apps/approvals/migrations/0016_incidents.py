"""A serious incident is a reason to sign anew: a sign-off binds those that were known of its model version when it was
asked for, and any other takes it down for good. None is asked for while the version is kept as evidence."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE

INCIDENTS = f"""
create function approvals_incidents(of_version bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select coalesce(jsonb_agg(h.incident_id order by h.incident_id), '[]') from audits_legalhold h
     where h.incident_id is not null and of_version = any (h.versions)
$$;
grant execute on function approvals_incidents(bigint) to {WEB_ROLE};

create or replace function approvals_bound(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select approvals_bound_facts(of_version, under_policy)
           || jsonb_build_object('waivers', approvals_waivers(of_version, under_policy),
                                 'documents', approvals_documents(of_version),
                                 'incidents', approvals_incidents(of_version))
$$;

-- What was bound before bound no incidents, for there were none.
alter table approvals_approval disable trigger user;
update approvals_approval set bound = bound || '{{"incidents": []}}' where not bound ? 'incidents';
alter table approvals_approval enable trigger user;

create or replace function approvals_approval_not_held() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (select from approvals_approval a
                 join approvals_suspension s on s.approval_id = a.id and s.resumed_at is null
                where a.model_version_id = new.model_version_id and a.state = 'approved') then
        perform approvals_refuse('Its sign-off is suspended; no other takes its place.');
    elsif exists (select from audits_legalhold h where h.organization_id = new.organization_id
                     and new.model_version_id = any (h.versions) and h.released_at is null) then
        perform approvals_refuse('It is kept as evidence of an incident; two people sign its release first.');
    end if;
    return new;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0015_monitoring"), ("audits", "0010_evidence_hold")]
    operations = [migrations.RunSQL(INCIDENTS, migrations.RunSQL.noop)]
