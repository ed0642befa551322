"""What must never be false of emergency access and of access reviews, whoever writes: nobody gives it to themselves, it
never signs, it ends, a third person reviews it; nobody reviews their own access, and what was decided stays."""

from django.db import migrations

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, AppendOnly, Frozen, Tenant

# the same words as IN_EMERGENCY
WORDS = (
    '["token.revoke", "project.change", "project.close", "dataset.download", "dataset.withdraw", "run.cancel",'
    ' "model.download", "model.retire", "deployment.open", "deployment.stop", "predict", "record.export"]'
)

PERSON = f"""
create function accounts_refuse(sentence text) returns void language plpgsql as $$
begin raise exception '%', sentence using errcode = 'restrict_violation'; end $$;

create function accounts_is(membership_id bigint, tenant bigint, roles text[]) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select 1 from accounts_membership m join accounts_user u on u.id = m.user_id
                    where m.id = membership_id and m.organization_id = tenant and m.is_active and u.is_active
                      and m.user_id = {THIS_PERSON} and m.role = any (roles))
$$;
revoke all on function accounts_is(bigint, bigint, text[]) from public;
"""

EMERGENCY = f"""
alter table accounts_emergencyaccess add constraint accounts_emergencyaccess_within
    foreign key (organization_id, asked_by_id) references accounts_membership (organization_id, id);

create function accounts_emergencyaccess_stands() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    free text[] := array['agreed_by_id', 'agreed_at', 'until', 'ended_by_id', 'ended_at', 'reviewed_by_id',
                         'reviewed_at', 'finding'];
    over timestamptz; moment timestamptz := clock_timestamp();
begin
    if tg_op = 'DELETE' then perform accounts_refuse('Emergency access cannot be deleted.'); end if;
    if tg_op = 'INSERT' then
        if num_nonnulls(new.agreed_by_id, new.agreed_at, new.until, new.ended_by_id, new.ended_at, new.reviewed_by_id,
                        new.reviewed_at) > 0 then
            perform accounts_refuse('Emergency access begins with a request.');
        elsif not accounts_is(new.asked_by_id, new.organization_id, array['owner', 'builder', 'reviewer']) then
            perform accounts_refuse('Nobody asks for emergency access in another''s name.');
        elsif jsonb_typeof(new.words) <> 'array' or new.words = '[]' or not new.words <@ '{WORDS}' then
            perform accounts_refuse('Emergency access never gives that right.');
        elsif new.minutes not between 1 and 240 or trim(new.reason) = '' then
            perform accounts_refuse('Emergency access has a reason, and lasts four hours at most.');
        end if;
        new.asked_at := moment;
        return new;
    end if;
    over := least(old.until, coalesce(old.ended_at, old.until));
    if to_jsonb(new) - free <> to_jsonb(old) - free then
        perform accounts_refuse('What was asked for cannot be changed.');
    end if;
    if new.agreed_by_id is distinct from old.agreed_by_id then
        if old.agreed_by_id is not null or old.ended_at is not null or old.asked_at < moment - interval '1 hour' then
            perform accounts_refuse('There is nothing to agree to.');
        elsif not accounts_is(new.agreed_by_id, new.organization_id, array['owner', 'reviewer'])
           or new.agreed_by_id = old.asked_by_id then
            perform accounts_refuse('A second person with authority agrees, in their own name.');
        end if;
        new.agreed_at := moment;
        new.until := moment + make_interval(mins => old.minutes);
    elsif (new.agreed_at, new.until) is distinct from (old.agreed_at, old.until) then
        perform accounts_refuse('Emergency access is not prolonged.');
    end if;
    if new.ended_at is distinct from old.ended_at or new.ended_by_id is distinct from old.ended_by_id then
        if old.ended_at is not null or new.ended_at is null
           or not accounts_is(new.ended_by_id, new.organization_id, array['owner', 'builder', 'reviewer']) then
            perform accounts_refuse('What was ended stays ended.');
        end if;
        new.ended_at := moment;
    end if;
    if (new.reviewed_by_id, new.reviewed_at, new.finding)
       is distinct from (old.reviewed_by_id, old.reviewed_at, old.finding) then
        if old.reviewed_by_id is not null or over is null or over > moment then
            perform accounts_refuse('Only access that was given and is over is reviewed, once.');
        elsif not accounts_is(new.reviewed_by_id, new.organization_id, array['owner', 'reviewer'])
           or new.reviewed_by_id in (old.asked_by_id, old.agreed_by_id) or trim(new.finding) = '' then
            perform accounts_refuse('Somebody else reviews it, in their own name and in words.');
        end if;
        new.reviewed_at := moment;
    end if;
    return new;
end $$;
create trigger accounts_emergencyaccess_stands before insert or update or delete on accounts_emergencyaccess
    for each row execute function accounts_emergencyaccess_stands();
revoke all on function accounts_emergencyaccess_stands() from public;
revoke delete, truncate on accounts_emergencyaccess from {WEB_ROLE};
"""

REVIEW = f"""
create function accounts_accessdecision_made() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select 1 from accounts_accessreview r where r.id = new.review_id and r.finished_at is null
                      and r.organization_id = new.organization_id) then
        perform accounts_refuse('There is no open review to decide in.');
    elsif not exists (select 1 from accounts_membership m where m.id = new.member_id
                         and m.organization_id = new.organization_id)
       or new.token_id is not null and not exists (select 1 from accounts_token t where t.id = new.token_id
                         and t.membership_id = new.member_id and t.organization_id = new.organization_id) then
        perform accounts_refuse('There is no such access in this organization.');
    elsif not accounts_is(new.decided_by_id, new.organization_id, array['owner', 'reviewer'])
       or new.decided_by_id = new.member_id then
        perform accounts_refuse('Nobody decides about their own access, or in another''s name.');
    end if;
    new.decided_at := clock_timestamp();
    return new;
end $$;
create trigger accounts_accessdecision_made before insert on accounts_accessdecision
    for each row execute function accounts_accessdecision_made();

create function accounts_accessreview_finished() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if num_nonnulls(new.finished_by_id, new.finished_at, new.envelope) > 0
           or not accounts_is(new.started_by_id, new.organization_id, array['owner', 'reviewer']) then
            perform accounts_refuse('A review begins open, in one''s own name.');
        end if;
        return new;
    end if;
    if (new.organization_id, new.started_by_id, new.started_at)
       is distinct from (old.organization_id, old.started_by_id, old.started_at) then
        perform accounts_refuse('A review can only be finished.');
    elsif new.finished_at is not null and (num_nonnulls(new.finished_by_id, new.envelope) < 2
       or not accounts_is(new.finished_by_id, new.organization_id, array['owner', 'reviewer'])) then
        perform accounts_refuse('A review is finished in one''s own name, with its signed result.');
    elsif new.finished_at is not null and exists (
        select 1 from accounts_membership m where m.organization_id = new.organization_id and m.is_active
           and not exists (select 1 from accounts_accessdecision d where d.review_id = new.id and d.token_id is null
                              and d.member_id = m.id and d.held = m.role)
        union all
        select 1 from accounts_token t join accounts_membership m on m.id = t.membership_id and m.is_active
         where t.organization_id = new.organization_id and t.revoked_at is null and t.expires_at > clock_timestamp()
           and not exists (select 1 from accounts_accessdecision d
                            where d.review_id = new.id and d.token_id = t.id)) then
        perform accounts_refuse('Somebody''s access is still to be decided about.');
    end if;
    return new;
end $$;
create trigger accounts_accessreview_finished before insert or update on accounts_accessreview
    for each row execute function accounts_accessreview_finished();
revoke all on function accounts_accessdecision_made(), accounts_accessreview_finished() from public;
revoke delete, truncate on accounts_accessreview from {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_emergency_and_reviews")]
    operations = [
        Tenant("accounts_emergencyaccess"),
        Tenant("accounts_accessreview"),
        Tenant("accounts_accessdecision"),
        migrations.RunSQL(PERSON, "drop function accounts_refuse(text); drop function accounts_is;"),
        migrations.RunSQL(EMERGENCY, "drop function accounts_emergencyaccess_stands() cascade;"),
        migrations.RunSQL(
            REVIEW,
            "drop function accounts_accessdecision_made() cascade;"
            " drop function accounts_accessreview_finished() cascade;",
        ),
        Frozen("accounts_accessreview", when="old.finished_at is not null", what="A finished review"),
        AppendOnly("accounts_accessdecision", what="A decision about access"),
    ]
