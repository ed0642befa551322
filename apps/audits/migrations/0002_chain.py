"""The record's walls: seen by its tenant, added to and nothing else, and linked as it is inserted.

A record's leaf is a JSON text made of all its columns, in the order below. Its digest is
sha256(previous digest (32 bytes; zeros before the first) || leaf in UTF-8). Number and moment are the database's own,
given under a lock of the organization, so that they have no gaps and two writers never share a predecessor."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, AppendOnly, Tenant

CHAIN = f"""
create function audits_leaf(r audits_record) returns text language sql stable as $$
    select json_build_object(
        'organization', r.organization_id, 'seq', r.seq,
        'at', to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'event', r.event, 'by', r.by_id, 'by_name', r.by_name, 'by_role', r.by_role, 'by_token', r.by_token,
        'on_type', r.on_type, 'on', r.on_id, 'on_name', r.on_name, 'project', r.project, 'facts', r.facts)::text
$$;

create function audits_link() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    perform pg_advisory_xact_lock(7265636, new.organization_id::int);
    select seq, digest into new.seq, new.previous from audits_record
     where organization_id = new.organization_id order by seq desc limit 1;
    new.seq := coalesce(new.seq, 0) + 1;
    new.previous := coalesce(new.previous, decode(repeat('00', 32), 'hex'));
    new.at := clock_timestamp();
    new.digest := sha256(new.previous || convert_to(audits_leaf(new), 'UTF8'));
    return new;
end $$;
create trigger audits_link before insert on audits_record for each row execute function audits_link();
revoke all on function audits_link() from public;
grant execute on function audits_leaf(audits_record) to {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("audits", "0001_initial")]
    operations = [
        Tenant("audits_record"),
        AppendOnly("audits_record", what="A record"),
        migrations.RunSQL(CHAIN, "drop function audits_link() cascade; drop function audits_leaf(audits_record);"),
    ]
