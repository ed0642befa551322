"""Row security; that nothing said of an incident ever changes; that its clocks are the law's; that whoever reported it
does not close it, and two people, one after the other, release its evidence under their names."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, AppendOnly, Tenant

# The duties that the newest entry brings, each with the first notice and whether nothing more is to be told. The same
# as rules.clocks, for lists and for the triggers below.
DUTIES = f"""
create function incidents_duties(of_incident bigint)
returns table (duty text, due_at timestamptz, first_at timestamptz, final boolean)
language sql stable set search_path = public, pg_temp as $$
    select d.duty, d.due_at, min(n.told_at), coalesce(bool_or(n.stage <> 'incomplete'), false)
      from (select * from incidents_entry e where e.incident_id = of_incident order by e.number desc limit 1) e
     cross join lateral (values ('provider', case when e.by_deployer then e.authority_due_at end),
                                ('importer', case when e.by_deployer then e.authority_due_at end),
                                ('authority', e.authority_due_at),
                                ('protection', e.protection_due_at)) d (duty, due_at)
      left join incidents_notice n on n.incident_id = e.incident_id and n.duty = d.duty
     where d.due_at is not null
     group by d.duty, d.due_at
$$;
create function incidents_closed(of_incident bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select from incidents_signature s where s.incident_id = of_incident and s.purpose = 'close')
$$;
create function incidents_overdue(of_incident bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select not incidents_closed(of_incident)
       and exists (select from incidents_duties(of_incident) d where d.first_at is null and d.due_at < now())
$$;
create function incidents_next_due(of_incident bigint) returns timestamptz
language sql stable set search_path = public, pg_temp as $$
    select min(d.due_at) from incidents_duties(of_incident) d
     where d.first_at is null and not incidents_closed(of_incident)
$$;

-- The register of a project as evidence: null where nobody has written in it or confirmed it.
create function incidents_register(of_project bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    with mine as (select i.id from incidents_incident i where i.project_id = of_project),
    said as (
        select 'entry ' || e.digest as word, e.at from mine join incidents_entry e on e.incident_id = mine.id
        union all select 'notice ' || n.id, n.at from mine join incidents_notice n on n.incident_id = mine.id
        union all select 'signature ' || s.digest, s.signed_at
                    from mine join incidents_signature s on s.incident_id = mine.id
        union all select 'confirmation ' || c.id, c.at from incidents_confirmation c where c.project_id = of_project),
    known as (
        select distinct on (e.incident_id) e.* from mine join incidents_entry e on e.incident_id = mine.id
         order by e.incident_id, e.number desc)
    select jsonb_build_object(
        'incidents', (select count(*) from mine),
        'digest', encode(sha256(convert_to(string_agg(word, ' ' order by at, word), 'UTF8')), 'hex'),
        'looked_at', max(at),
        'serious', (select coalesce(bool_or(authority_due_at is not null), false) from known),
        'breach', (select coalesce(bool_or(personal_data), false) from known),
        'overdue', (select jsonb_build_array(mine.id, d.duty, d.due_at)
                      from mine cross join lateral incidents_duties(mine.id) d
                     where d.first_at is null and d.due_at < now() and not incidents_closed(mine.id)
                     order by d.due_at limit 1))
      from said having count(*) > 0
$$;
grant execute on function incidents_duties(bigint), incidents_register(bigint), incidents_closed(bigint),
    incidents_overdue(bigint), incidents_next_due(bigint) to {WEB_ROLE};
"""

REPORTED = """
create function incidents_incident_reported() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not approvals_acts(new.reported_by_id, new.organization_id) then
        perform approvals_refuse('Who reports an incident does so in their own name.');
    elsif not exists (select from projects_project p
                       where p.id = new.project_id and p.organization_id = new.organization_id) then
        perform approvals_refuse('The project is not of this organization.');
    elsif trim(new.title) = '' then
        perform approvals_refuse('An incident has a title.');
    end if;
    new.reported_at := clock_timestamp();
    return new;
end $$;
create trigger incidents_incident_reported before insert on incidents_incident
    for each row execute function incidents_incident_reported();

create function incidents_entry_made() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare incident incidents_incident; before incidents_entry; most interval;
begin
    select * into incident from incidents_incident where id = new.incident_id for update;
    select * into before from incidents_entry where incident_id = new.incident_id order by number desc limit 1;
    if incident.id is null or incident.organization_id <> new.organization_id then
        perform approvals_refuse('There is no such incident in this organization.');
    elsif not approvals_acts(new.by_id, new.organization_id) then
        perform approvals_refuse('Who says what is known of an incident does so in their own name.');
    elsif new.number <> coalesce(before.number, 0) + 1 then
        perform approvals_refuse('Entries of an incident follow one another.');
    elsif (before.id is null) <> (trim(new.reason) = '') then
        perform approvals_refuse('An amendment says why; a report does not need to.');
    elsif incidents_closed(new.incident_id) then
        perform approvals_refuse('This incident is closed.');
    elsif '' in (trim(new.source), trim(new.data_reported), trim(new.description), trim(new.impacts),
                 trim(new.stakeholders)) then
        perform approvals_refuse('An entry says everything; what is not known is said as not known.');
    elsif cardinality(new.versions) = 0 or exists (
        select from unnest(new.versions) of_version where not exists (
            select from models_modelversion v where v.id = of_version and v.project_id = incident.project_id)) then
        perform approvals_refuse('An incident affects model versions of its own project.');
    elsif not new.versions @> coalesce(before.versions, '{}') or new.aware_at > coalesce(before.aware_at, new.aware_at)
    then
        perform approvals_refuse('What an incident affects only grows, and its clocks never begin later.');
    elsif new.aware_at > clock_timestamp() or new.occurred_at > new.aware_at then
        perform approvals_refuse('It happened, then somebody became aware of it, and that was before now.');
    elsif new.death and not new.harm_to_people then
        perform approvals_refuse('A death is harm to a person.');
    end if;
    most := case when new.critical_infrastructure or new.widespread then interval '48 hours'
                 when new.death then interval '240 hours'
                 when new.harm_to_people or new.fundamental_rights or new.harm_to_property
                 then interval '360 hours' end;
    if new.authority_due_at is distinct from new.aware_at + most or new.protection_due_at is distinct from
       (case when new.personal_data then new.aware_at + interval '72 hours' end) then
        perform approvals_refuse('The clocks are not those of the law.');
    end if;
    new.at := clock_timestamp();
    return new;
end $$;
create trigger incidents_entry_made before insert on incidents_entry
    for each row execute function incidents_entry_made();

-- Whatever is said first of a serious incident, the evidence is held by the end of the transaction.
create function incidents_evidence_held() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if new.authority_due_at is not null and not exists (
        select from audits_legalhold h where h.incident_id = new.incident_id and h.versions @> new.versions) then
        perform approvals_refuse('A serious incident holds the evidence of everything that it affects.');
    end if;
    return null;
end $$;
create constraint trigger incidents_evidence_held after insert on incidents_entry deferrable initially deferred
    for each row execute function incidents_evidence_held();

create function incidents_notice_given() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare incident incidents_incident; entry incidents_entry; last incidents_notice; waits text;
begin
    select * into incident from incidents_incident where id = new.incident_id for update;
    select * into entry from incidents_entry where incident_id = new.incident_id order by number desc limit 1;
    select * into last from incidents_notice n where n.incident_id = new.incident_id and n.duty = new.duty
     order by n.id desc limit 1;
    if incident.id is null or incident.organization_id <> new.organization_id then
        perform approvals_refuse('There is no such incident in this organization.');
    elsif not approvals_acts(new.by_id, new.organization_id) or '' in (trim(new.who), trim(new.how)) then
        perform approvals_refuse('Somebody says in their own name who was told, and how.');
    elsif incidents_closed(new.incident_id) then
        perform approvals_refuse('This incident is closed.');
    elsif not exists (select from incidents_duties(new.incident_id) d where d.duty = new.duty) then
        perform approvals_refuse('This incident brings no such duty.');
    elsif new.follows_id is distinct from last.id or last.stage <> 'incomplete' then
        perform approvals_refuse('A report follows the one before it, and nothing follows the final one.');
    elsif new.told_at > clock_timestamp() or new.told_at < entry.aware_at then
        perform approvals_refuse('It was told after somebody became aware, and before now.');
    elsif new.stage = 'unreached' and new.duty <> 'provider' or new.stage = 'needless' and new.duty = 'provider'
          or new.stage not in ('incomplete', 'final') and (last.id is not null or trim(new.note) = '') then
        perform approvals_refuse('Of this duty that cannot be said, or not without a reason.');
    elsif new.stage = 'needless' and new.duty = 'authority' and exists (
        select from projects_project p where p.id = incident.project_id and p.risk_class = 'high') then
        perform approvals_refuse('The authority is always told of a high-risk system.');
    end if;
    select d.duty into waits from incidents_duties(new.incident_id) d
     where d.first_at is null and new.duty in ('importer', 'authority')
       and array_position(array['provider', 'importer', 'authority'], d.duty)
           < array_position(array['provider', 'importer', 'authority'], new.duty::text) limit 1;
    if waits is not null then perform approvals_refuse('First the ' || waits || ' is told.'); end if;
    new.at := clock_timestamp();
    return new;
end $$;
create trigger incidents_notice_given before insert on incidents_notice
    for each row execute function incidents_notice_given();
"""

SIGNED = """
create function incidents_signature_given() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare incident incidents_incident; entry incidents_entry; hold audits_legalhold; signer accounts_membership;
    payload bytea; said jsonb;
begin
    select * into incident from incidents_incident where id = new.incident_id for update;
    select * into entry from incidents_entry where incident_id = new.incident_id order by number desc limit 1;
    select * into hold from audits_legalhold where incident_id = new.incident_id;
    select * into signer from accounts_membership where id = new.signer_id;
    if incident.id is null or incident.organization_id <> new.organization_id then
        perform approvals_refuse('There is no such incident in this organization.');
    elsif not (approvals_is(new.signer_id, new.organization_id, 'owner')
               or approvals_is(new.signer_id, new.organization_id, 'reviewer')) then
        perform approvals_refuse('An owner or a reviewer signs, in their own name.');
    elsif not approvals_proved(new.authentication_id, signer.user_id) then
        perform approvals_refuse('Nobody signs without proving again who they are.');
    elsif incidents_closed(new.incident_id) then
        perform approvals_refuse('This incident is closed.');
    end if;
    if new.purpose in ('ask', 'release') then
        if hold.id is null or hold.released_at is not null or trim(coalesce(new.said ->> 'reason', '')) = '' then
            perform approvals_refuse('There is no evidence to release, or no reason to.');
        elsif (new.purpose = 'ask') <> (hold.asked_by_id is null) or hold.asked_by_id = signer.user_id then
            perform approvals_refuse('One person asks for the release of evidence, and a second grants it.');
        elsif new.purpose = 'release' and exists (select from incidents_duties(new.incident_id) d
                                                   where d.duty = 'authority' and d.first_at is null) then
            perform approvals_refuse('The authority is told before anything is altered.');
        end if;
    elsif exists (select from accounts_membership m where m.id = incident.reported_by_id and m.user_id = signer.user_id)
    then
        perform approvals_refuse('Whoever reported an incident does not close it.');
    elsif hold.id is not null and hold.released_at is null then
        perform approvals_refuse('The evidence of this incident is still held.');
    elsif exists (select from incidents_duties(new.incident_id) d where not d.final) then
        perform approvals_refuse('Somebody is still to be told of this incident.');
    elsif exists (select from unnest(array['root_cause', 'corrective_action', 'verification', 'hazards']) part
                   where trim(coalesce(new.said ->> part, '')) = '') then
        perform approvals_refuse('A closing says the cause, the correction, its verification and the hazards.');
    end if;
    begin
        payload := decode(new.envelope ->> 'payload', 'base64');
        said := convert_from(payload, 'UTF8')::jsonb -> 'predicate';
    exception when others then perform approvals_refuse('A signature carries its envelope.');
    end;
    if said is null or new.digest is distinct from encode(sha256(payload), 'hex') or not said @> jsonb_build_object(
            'incident', new.incident_id, 'purpose', new.purpose, 'said', new.said, 'entry', entry.digest,
            'signer', jsonb_build_object('id', signer.user_id, 'printed_name', new.printed_name, 'role', signer.role),
            'authentication', jsonb_build_object('id', new.authentication_id))
       or new.entry_digest is distinct from entry.digest
       or not exists (select from audits_signingkey k where k.organization_id = new.organization_id
                         and k.key_id = new.envelope -> 'signatures' -> 0 ->> 'keyid' and k.retired_at is null) then
        perform approvals_refuse('The envelope does not say what the signature says.');
    end if;
    return new;
end $$;
create trigger incidents_signature_given before insert on incidents_signature
    for each row execute function incidents_signature_given();

create function incidents_confirmed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not approvals_acts(new.by_id, new.organization_id) or not exists (
        select from projects_project p where p.id = new.project_id and p.organization_id = new.organization_id) then
        perform approvals_refuse('Who confirms a project''s register does so in their own name.');
    end if;
    new.incidents := (select count(*) from incidents_incident i where i.project_id = new.project_id);
    new.at := clock_timestamp();
    return new;
end $$;
create trigger incidents_confirmation_made before insert on incidents_confirmation
    for each row execute function incidents_confirmed();

create function incidents_snapshot_within() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select from incidents_entry e where e.id = new.entry_id and e.organization_id = new.organization_id)
       or new.digest is distinct from encode(sha256(convert_to(new.body, 'UTF8')), 'hex') then
        perform approvals_refuse('A snapshot is with an entry of its own organization, under its own digest.');
    end if;
    return new;
end $$;
create trigger incidents_snapshot_within before insert on incidents_snapshot
    for each row execute function incidents_snapshot_within();

create function incidents_reminder_within() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select from incidents_incident i where i.id = new.incident_id
                      and i.organization_id = new.organization_id) then
        perform approvals_refuse('There is no such incident in this organization.');
    end if;
    return new;
end $$;
create trigger incidents_reminder_within before insert on incidents_reminder
    for each row execute function incidents_reminder_within();

revoke all on function incidents_incident_reported(), incidents_entry_made(), incidents_evidence_held(),
    incidents_notice_given(), incidents_signature_given(), incidents_confirmed(), incidents_snapshot_within(),
    incidents_reminder_within() from public;
"""
FOR_GOOD = {
    "incident": "An incident",
    "entry": "What was said of an incident",
    "notice": "Who was told",
    "snapshot": "A snapshot",
    "signature": "A signature",
    "confirmation": "A confirmation",
    "reminder": "A reminder",
}


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0001_initial"),
        ("approvals", "0016_incidents"),
        ("audits", "0010_evidence_hold"),
        ("deployments", "0005_evidence"),
        ("training", "0003_evidence"),
    ]
    operations = [
        *(Tenant(f"incidents_{table}") for table in FOR_GOOD),
        *(AppendOnly(f"incidents_{table}", what=what) for table, what in FOR_GOOD.items()),
        migrations.RunSQL(DUTIES + REPORTED + SIGNED, migrations.RunSQL.noop),
    ]
