"""Who is joined by a delegation counts as one; overdue conditions take a sign-off down; deadlines send back."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, AppendOnly, Frozen, Tenant

CONFLICTS = f"""
-- A person and everybody joined with them by delegations, both ways, since a sign-off was asked for.
create function approvals_kin(of_approval bigint, person bigint) returns table (user_id bigint)
language sql stable set search_path = public, pg_temp as $$
    with recursive joined as (
        select giver.user_id as one, taker.user_id as other
          from approvals_approval a
          join approvals_delegation d on d.organization_id = a.organization_id
                                     and (d.project_id is null or d.project_id = a.project_id)
          join accounts_membership giver on giver.id = d.delegator_id
          join accounts_membership taker on taker.id = d.delegate_id
         where a.id = of_approval and d.starts_at <= clock_timestamp()
           and least(d.ends_at, coalesce(d.ended_at, 'infinity')) >= greatest(a.requested_at, d.starts_at)),
    kin (user_id) as (
        select person
        union
        select case when joined.one = kin.user_id then joined.other else joined.one end
          from kin join joined on kin.user_id in (joined.one, joined.other))
    select user_id from kin
$$;

-- What keeps a person from deciding about a sign-off: their own deeds, and those of their kin; none is no row.
create function approvals_conflict(of_approval bigint, person bigint) returns table (own boolean, name text, deed text)
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

-- Whether its deadline is over and the policy says that it is sent back then.
create function approvals_lapsed(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select from approvals_approval a join approvals_policyversion pv on pv.id = a.policy_version_id
                    where a.id = of_approval and a.state = 'open' and pv.body ->> 'on_deadline' = 'return'
                      and a.requested_at + make_interval(days => (pv.body ->> 'deadline_days')::int) < now())
$$;
grant execute on function approvals_kin(bigint, bigint), approvals_conflict(bigint, bigint), approvals_lapsed(bigint)
    to {WEB_ROLE};
"""

CONDITIONS = f"""
-- What is bound now, as far as this sign-off is concerned: a report that a condition of it asks for is no surprise.
create function approvals_bound_now(of_approval bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select case when asked.kinds is null then now_bound
                else jsonb_set(now_bound, '{{reports}}', (
                    select coalesce(jsonb_agg(report order by report ->> 'kind'), '[]')
                      from jsonb_array_elements(now_bound -> 'reports') report
                     where not report ->> 'kind' = any (asked.kinds)
                        or a.bound -> 'reports' @> jsonb_build_array(jsonb_build_object('kind', report ->> 'kind'))))
           end
      from approvals_approval a
      cross join lateral approvals_bound(a.model_version_id, a.policy_version_id) now_bound
      cross join lateral (
        select array_agg(condition -> 'check' ->> 'report') filter (where condition -> 'check' ? 'report') as kinds
          from approvals_signature s cross join lateral jsonb_array_elements(s.conditions) condition
         where s.approval_id = a.id) asked
     where a.id = of_approval
$$;

create or replace function approvals_unchanged(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select coalesce(a.bound = approvals_bound_now(a.id), false) from approvals_approval a where a.id = of_approval
$$;

-- Every condition of a sign-off: whether it is met, and whether its day has passed unmet. One that blocks is met in
-- time or not at all. A check on a figure is made by the database itself, on the newest report since the signature.
create function approvals_conditions(of_approval bigint)
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
            select from (select result::jsonb as result, finished_at from reports_report r
                          where r.model_version_id = asked.model_version_id and r.state = 'finished'
                            and r.kind = condition -> 'check' ->> 'report' and r.finished_at > asked.signed_at
                          order by r.id desc limit 1) newest
              cross join lateral jsonb_array_elements(newest.result -> 'figures') figure
             where figure ->> 'name' = condition -> 'check' ->> 'figure'
               and figure ->> 'of' = coalesce(condition -> 'check' ->> 'of', '')
               and (newest.finished_at <= due or condition ->> 'consequence' <> 'block')
               and approvals_clears(condition -> 'check', figure)) end as met
          from asked)
    select id, number, condition, met, not met and due < now() from judged
$$;

create or replace function approvals_stands(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select 1 from approvals_approval a where a.id = of_approval
                      and a.state = 'approved' and a.valid_until > now() and approvals_unchanged(a.id)
                      and not exists (select from approvals_conditions(a.id)
                                       where overdue and condition ->> 'consequence' in ('block', 'suspend')))
$$;
grant execute on function approvals_bound_now(bigint), approvals_conditions(bigint) to {WEB_ROLE};

create function approvals_fulfilment_kept() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare condition jsonb; of_approval bigint; tenant bigint;
begin
    select s.approval_id, s.organization_id, c into of_approval, tenant, condition
      from approvals_signature s cross join lateral jsonb_array_elements(s.conditions) c
     where s.id = new.signature_id and (c ->> 'number')::int = new.number;
    if tg_op = 'INSERT' then
        if condition is null or tenant <> new.organization_id
           or (select state from approvals_approval where id = of_approval) <> 'approved' then
            perform approvals_refuse('There is no such condition of a sign-off that was given.');
        elsif condition -> 'check' <> 'null' then
            perform approvals_refuse('This condition is checked on a figure; nobody declares it met.');
        elsif (condition ->> 'owner')::bigint is distinct from new.fulfilled_by_id
              or not approvals_is(new.fulfilled_by_id, tenant) then
            perform approvals_refuse('A condition is fulfilled by its owner, in their own name.');
        elsif trim(new.evidence) = '' or num_nonnulls(new.confirmed_by_id, new.confirmed_at) > 0 then
            perform approvals_refuse('A condition is fulfilled with evidence, and confirmed by a reviewer afterwards.');
        end if;
        new.fulfilled_at := now();
        return new;
    end if;
    if old.confirmed_by_id is not null or new.confirmed_by_id is null
       or not approvals_is(new.confirmed_by_id, tenant, 'reviewer')
       or exists (select from accounts_membership a, accounts_membership b
                   where a.id = new.confirmed_by_id and b.id = old.fulfilled_by_id and a.user_id = b.user_id) then
        perform approvals_refuse('Another reviewer confirms what was fulfilled, once and in their own name.');
    elsif exists (select from approvals_conflict(of_approval, (select user_id from accounts_membership
                   where id = new.confirmed_by_id)) c where c.deed <> 'signed it already') then
        perform approvals_refuse('Who had a hand in it confirms no condition of it.');
    end if;
    new.confirmed_at := now();
    return new;
end $$;
create trigger approvals_fulfilment_kept before insert or update on approvals_fulfilment
    for each row execute function approvals_fulfilment_kept();
"""

DELEGATED = """
create function approvals_delegation_made() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare taker accounts_membership; giver accounts_membership;
begin
    select m.* into giver from accounts_membership m where m.id = new.delegator_id;
    select m.* into taker from accounts_membership m where m.id = new.delegate_id;
    if tg_op = 'UPDATE' then
        if old.ended_at is not null or new.ended_at is null
           or not approvals_is(new.delegator_id, new.organization_id) then
            perform approvals_refuse('Only who handed their place on takes it back, once.');
        end if;
        new.ended_at := clock_timestamp();
        return new;
    end if;
    if not approvals_is(new.delegator_id, new.organization_id, 'reviewer') then
        perform approvals_refuse('A reviewer hands on their own place, in their own name.');
    elsif taker.organization_id is distinct from new.organization_id or not taker.is_active
          or taker.user_id = giver.user_id or taker.role not in ('reviewer', 'builder') then
        perform approvals_refuse('A place is handed to another reviewer or builder of this organization.');
    elsif new.project_id is not null and not exists (
            select from projects_project p where p.id = new.project_id and p.organization_id = new.organization_id) then
        perform approvals_refuse('A delegation is for a project of its own organization.');
    elsif new.ends_at <= new.starts_at or new.ends_at <= now() or new.ends_at > new.starts_at + interval '90 days'
          or new.starts_at < now() - interval '1 minute' or new.ended_at is not null then
        perform approvals_refuse('A delegation begins now or later and ends within 90 days of its start.');
    elsif trim(new.reason) = '' or not approvals_proved(new.authentication_id, giver.user_id) then
        perform approvals_refuse('A delegation gives its reason and is signed.');
    elsif exists (
        with recursive further (membership_id) as (
            select new.delegate_id
            union
            select d.delegate_id from approvals_delegation d join further on d.delegator_id = further.membership_id
             where (d.project_id is null or new.project_id is null or d.project_id = new.project_id)
               and d.starts_at < new.ends_at and least(d.ends_at, coalesce(d.ended_at, 'infinity')) > new.starts_at)
        select from further where membership_id = new.delegator_id) then
        perform approvals_refuse('This place would come back to who handed it on.');
    end if;
    new.made_at := now();
    return new;
end $$;
create trigger approvals_delegation_made before insert or update on approvals_delegation
    for each row execute function approvals_delegation_made();
"""

SIGNED = """
create or replace function approvals_signature_given() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare approval approvals_approval; signer accounts_membership; holder accounts_membership; printed text;
        against record; seat record; unread text; objection text;
begin
    select * into approval from approvals_approval where id = new.approval_id for update;
    select m.* into signer from accounts_membership m where m.id = new.signer_id;
    select u.name into printed from accounts_user u where u.id = signer.user_id;
    holder := signer;
    if new.delegation_id is not null then  -- whose place it is decides the role, and since when
        select m.* into holder from approvals_delegation d join accounts_membership m on m.id = d.delegator_id
         where d.id = new.delegation_id and d.delegate_id = new.signer_id and d.organization_id = new.organization_id
           and (d.project_id is null or d.project_id = approval.project_id)
           and d.starts_at <= clock_timestamp() and d.ends_at > clock_timestamp() and d.ended_at is null
           and m.is_active and signer.role in ('reviewer', 'builder');
        if holder.id is null then perform approvals_refuse('No delegation lets this person sign here now.'); end if;
    end if;
    select * into against from approvals_conflict(approval.id, signer.user_id);
    if approval.id is null or approval.organization_id <> new.organization_id or approval.state <> 'open' then
        perform approvals_refuse('There is no open sign-off to put this name under.');
    elsif not approvals_is(new.signer_id, new.organization_id) or holder.role <> 'reviewer'
          or new.role <> holder.role then
        perform approvals_refuse('Only a reviewer of this organization signs, and only in their own name.');
    elsif new.printed_name is distinct from printed then
        perform approvals_refuse('The printed name is not the signer''s.');
    elsif against.own then
        perform approvals_refuse('Whoever ' || against.deed || ' does not sign it.');
    elsif against.deed is not null then
        perform approvals_refuse('A delegation joins the signer with ' || against.name || ', who '
                                 || against.deed || '.');
    elsif exists (select 1 from audits_record r
                   where r.organization_id = new.organization_id and r.on_type = 'membership' and r.on_id = holder.id
                     and r.event in ('member.joined', 'member.changed') and r.at > approval.requested_at) then
        perform approvals_refuse('A role gained after the request does not count for it.');
    elsif approvals_lapsed(approval.id) then
        perform approvals_refuse('The time to sign it is over.');
    elsif new.dossier_digest <> approval.dossier_digest then
        perform approvals_refuse('The signature is under another dossier.');
    elsif trim(new.reason) = '' then
        perform approvals_refuse('A signature gives its reason.');
    elsif (new.decision = 'sign') <> (new.meaning <> '') then
        perform approvals_refuse('A signature that approves names its meaning; one that refuses has none.');
    end if;
    select * into seat from approvals_places(approval.id) p where p.place = new.place;
    if seat.place is null or seat.given >= seat.wanted or not seat.turn or seat.role <> new.role
       or new.decision = 'sign' and new.meaning not in (seat.meaning,
              case when seat.meaning = 'approved' then 'approved with conditions' else seat.meaning end) then
        perform approvals_refuse('The policy asks for no further signature of this meaning.');
    elsif (new.meaning = 'approved with conditions') <> (new.conditions <> '[]') then
        perform approvals_refuse('Conditions belong to a signature that approves with conditions, and only to it.');
    elsif jsonb_array_length(new.conditions) > (select coalesce(
              case when pv.body ? 'conditions' then coalesce((pv.body -> 'conditions' ->> 'at_most')::int, 5) end, 0)
              from approvals_policyversion pv where pv.id = approval.policy_version_id) then
        perform approvals_refuse('The policy allows no such conditions.');
    elsif new.decision = 'sign' and not approvals_signable(approval.dossier) then
        perform approvals_refuse('Not every rule of the policy passes.');
    elsif new.decision = 'sign' and not approvals_unchanged(approval.id) then
        perform approvals_refuse('What the dossier binds has changed.');
    end if;
    select string_agg(distinct kind, ', ' order by kind) into unread from approvals_unread(approval.id, signer.user_id);
    if new.decision = 'sign' and unread is not null then
        perform approvals_refuse('Not opened since the request: ' || unread || '.');
    elsif not approvals_proved(new.authentication_id, signer.user_id) then
        perform approvals_refuse('Nobody signs without proving again who they are.');
    end if;
    objection := approvals_envelope_objection(new, signer.user_id);
    if objection is null and (convert_from(decode(new.envelope ->> 'payload', 'base64'), 'UTF8')::jsonb
                              -> 'predicate' ->> 'delegation')::bigint is distinct from new.delegation_id then
        objection := 'The envelope names another delegation.';
    end if;
    if objection is not null then perform approvals_refuse(objection); end if;
    new.signed_at := now();
    return new;
end $$;
"""

CHANGED = """
create or replace function approvals_approval_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare free text[] := array['state', 'decided_at', 'valid_until', 'ended_by_id', 'ended_reason'];
begin
    if tg_op = 'DELETE' then perform approvals_refuse('A sign-off cannot be deleted.'); end if;
    if to_jsonb(new) - free <> to_jsonb(old) - free or (new.state = old.state and new is distinct from old) then
        perform approvals_refuse('A sign-off cannot be changed, only decided.');
    end if;
    case old.state || ' to ' || new.state
    when 'open to approved' then
        if not approvals_signable(new.dossier) then
            perform approvals_refuse('Not every rule of the policy passes.');
        elsif not coalesce(approvals_complete(new.id), false) then
            perform approvals_refuse('Signatures are missing.');
        elsif not approvals_unchanged(new.id) then
            perform approvals_refuse('What the dossier binds has changed.');
        elsif exists (select from approvals_signature s join accounts_membership m on m.id = s.signer_id
                       cross join lateral approvals_conflict(new.id, m.user_id) where s.approval_id = new.id) then
            perform approvals_refuse('Somebody whose name is under it has a conflict of interest by now.');
        end if;
        select now() + make_interval(days => (pv.body ->> 'valid_days')::int) into new.valid_until
          from approvals_policyversion pv where pv.id = new.policy_version_id;
    when 'open to returned', 'open to rejected' then
        if not exists (select 1 from approvals_signature s where s.approval_id = new.id and s.decision =
                       case new.state when 'returned' then 'return' else 'reject' end)
           and not (new.state = 'returned' and approvals_lapsed(new.id)) then
            perform approvals_refuse('Nobody signed this decision.');
        elsif not approvals_refusal_decides(new.id) and not approvals_lapsed(new.id) then
            perform approvals_refuse('Verdicts are sealed until every place has given its own.');
        elsif new.state = 'returned' and exists (select 1 from approvals_signature s where s.approval_id = new.id
                                                                                   and s.decision = 'reject') then
            perform approvals_refuse('Somebody rejected it; that is final.');
        end if;
    when 'open to withdrawn' then
        if new.ended_by_id is distinct from new.requested_by_id
           or not approvals_is(new.ended_by_id, new.organization_id) then
            perform approvals_refuse('Only who asked withdraws the request.');
        end if;
    when 'approved to revoked' then
        if not approvals_is(new.ended_by_id, new.organization_id, 'reviewer') or trim(new.ended_reason) = '' then
            perform approvals_refuse('A reviewer revokes, in their own name and with a reason.');
        end if;
    else
        if new is distinct from old then
            perform approvals_refuse('A sign-off does not go from ' || old.state || ' to ' || new.state || '.');
        end if;
    end case;
    if new.state <> 'revoked' and new is distinct from old then new.decided_at := now(); end if;
    if new.state = 'revoked' then new.decided_at := old.decided_at; new.valid_until := old.valid_until; end if;
    return new;
end $$;
revoke all on function approvals_fulfilment_kept(), approvals_delegation_made() from public;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0009_delegations")]
    operations = [
        Tenant("approvals_delegation"),
        Tenant("approvals_fulfilment"),
        Tenant("approvals_notice"),
        Frozen("approvals_delegation", free=("ended_at",), what="A delegation"),
        Frozen("approvals_fulfilment", free=("confirmed_by_id", "confirmed_at"), what="What was fulfilled"),
        AppendOnly("approvals_notice", what="A notice"),
        migrations.RunSQL(CONFLICTS + CONDITIONS + DELEGATED + SIGNED + CHANGED, migrations.RunSQL.noop),
    ]
