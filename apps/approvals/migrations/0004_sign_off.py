"""What the database itself knows about a sign-off.

`approvals_bound` states what a sign-off would bind now; a dossier carries the same, frozen. Their comparison is the one
truth about staleness: pages, the serving process and the triggers below all ask it. The triggers refuse, to everybody,
a dossier that does not say what is so, a name under it that has no right to stand there, and a state that was not
earned. They run as the owner, because they must see what row security would hide from a liar."""

from django.db import migrations

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, Frozen

FACTS = f"""
create function approvals_bound(of_version bigint, under_policy bigint) returns jsonb
language sql stable set search_path = public, pg_temp as $$
    select jsonb_build_object(
        'organization', jsonb_build_object('slug', o.slug),
        'project', jsonb_build_object('slug', p.slug, 'purpose', p.purpose, 'risk_class', p.risk_class,
            'answers', p.answers, 'closed', p.closed_at is not null),
        'model', jsonb_build_object('name', m.name, 'version', v.number, 'artifact_digest', v.artifact_digest,
            'files', (select coalesce(jsonb_object_agg(file.key, file.value -> 'digest'), '{{}}')
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
                      from (select distinct on (kind) kind, digest from reports_report
                             where model_version_id = v.id and state = 'finished' order by kind, id desc) latest),
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

create function approvals_same(dossier text, bound jsonb) returns boolean
language sql immutable as $$
    select bound = (select jsonb_object_agg(part, dossier::jsonb -> part) from jsonb_object_keys(bound) part)
$$;

create function approvals_unchanged(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select coalesce(approvals_same(a.dossier, approvals_bound(a.model_version_id, a.policy_version_id)), false)
      from approvals_approval a where a.id = of_approval
$$;

create function approvals_stands(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select 1 from approvals_approval a where a.id = of_approval
                      and a.state = 'approved' and a.valid_until > now() and approvals_unchanged(a.id))
$$;

create function approvals_hands(of_version bigint) returns table (user_id bigint, deed text)
language sql stable set search_path = public, pg_temp as $$
    select m.user_id, hand.deed
      from models_modelversion v
      cross join lateral (
        select v.trained_by_id as membership_id, 'trained this model' as deed
        union all select dv.uploaded_by_id, 'uploaded its data' from datasets_datasetversion dv
         where dv.id in (v.dataset_version_id, v.test_dataset_version_id)
        union all select dv.declared_by_id, 'declared its data' from datasets_datasetversion dv
         where dv.id in (v.dataset_version_id, v.test_dataset_version_id)) hand
      join accounts_membership m on m.id = hand.membership_id
     where v.id = of_version
$$;

create function approvals_complete(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select bool_and((select count(*) from approvals_signature s where s.approval_id = a.id and s.decision = 'sign'
                        and s.meaning = wanted ->> 'meaning' and s.role = wanted ->> 'role')
                    >= coalesce((wanted ->> 'count')::int, 1))
      from approvals_approval a
      join approvals_policyversion pv on pv.id = a.policy_version_id
      cross join lateral jsonb_array_elements(pv.body -> 'signers') wanted
     where a.id = of_approval
$$;

grant execute on function approvals_bound(bigint, bigint), approvals_same(text, jsonb), approvals_unchanged(bigint),
    approvals_stands(bigint), approvals_hands(bigint), approvals_complete(bigint) to {WEB_ROLE};

create function approvals_refuse(sentence text) returns void language plpgsql as $$
begin raise exception '%', sentence using errcode = 'restrict_violation'; end $$;

create function approvals_is(membership_id bigint, tenant bigint, wanted_role text default null) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select 1 from accounts_membership m join accounts_user u on u.id = m.user_id
                    where m.id = membership_id and m.organization_id = tenant and m.is_active and u.is_active
                      and m.user_id = {THIS_PERSON} and (wanted_role is null or m.role = wanted_role))
$$;
"""

ASKED = """
create function approvals_approval_asked() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (
        select 1 from models_modelversion v
          join projects_project p on p.id = v.project_id
          join approvals_policyversion pv on pv.id = new.policy_version_id and pv.withdrawn_at is null
          join approvals_policy policy on policy.id = pv.policy_id and policy.risk_class = p.risk_class
         where v.id = new.model_version_id and v.project_id = new.project_id
           and array[v.organization_id, p.organization_id, pv.organization_id, policy.organization_id]
               = array_fill(new.organization_id, array[4])) then
        perform approvals_refuse('A sign-off binds a model and a policy for its risk class, of its own organization.');
    end if;
    if not approvals_is(new.requested_by_id, new.organization_id) then
        perform approvals_refuse('Nobody asks for a sign-off in another''s name.');
    end if;
    if new.state <> 'open' or num_nonnulls(new.decided_at, new.valid_until, new.ended_by_id) > 0 then
        perform approvals_refuse('A sign-off begins open.');
    end if;
    if exists (select 1 from approvals_approval a where a.model_version_id = new.model_version_id
                                                and a.state in ('revoked', 'rejected')) then
        perform approvals_refuse('This model version was rejected or revoked, and that is final.');
    end if;
    if new.dossier_digest <> encode(sha256(convert_to(new.dossier, 'UTF8')), 'hex') then
        perform approvals_refuse('The digest is not that of the dossier.');
    end if;
    if approvals_same(new.dossier, approvals_bound(new.model_version_id, new.policy_version_id)) is not true then
        perform approvals_refuse('The dossier does not say what is so.');
    end if;
    return new;
end $$;
create trigger approvals_approval_asked before insert on approvals_approval
    for each row execute function approvals_approval_asked();
"""

CHANGED = """
create function approvals_approval_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare free text[] := array['state', 'decided_at', 'valid_until', 'ended_by_id', 'ended_reason'];
begin
    if tg_op = 'DELETE' then perform approvals_refuse('A sign-off cannot be deleted.'); end if;
    if to_jsonb(new) - free <> to_jsonb(old) - free or (new.state = old.state and new is distinct from old) then
        perform approvals_refuse('A sign-off cannot be changed, only decided.');
    end if;
    case old.state || ' to ' || new.state
    when 'open to approved' then
        if new.dossier::jsonb -> 'gates' ->> 'verdict' is distinct from 'pass' then
            perform approvals_refuse('Not every rule of the policy passes.');
        elsif not coalesce(approvals_complete(new.id), false) then
            perform approvals_refuse('Signatures are missing.');
        elsif not approvals_unchanged(new.id) then
            perform approvals_refuse('What the dossier binds has changed.');
        end if;
        select now() + make_interval(days => (pv.body ->> 'valid_days')::int) into new.valid_until
          from approvals_policyversion pv where pv.id = new.policy_version_id;
    when 'open to returned', 'open to rejected' then
        if not exists (select 1 from approvals_signature s where s.approval_id = new.id and s.decision =
                       case new.state when 'returned' then 'return' else 'reject' end) then
            perform approvals_refuse('Nobody signed this decision.');
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
create trigger approvals_approval_changed before update or delete on approvals_approval
    for each row execute function approvals_approval_changed();
"""

SIGNED = """
create function approvals_signature_given() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare approval approvals_approval; signer accounts_membership; printed text; hand text;
begin
    select * into approval from approvals_approval where id = new.approval_id for update;
    select m.* into signer from accounts_membership m where m.id = new.signer_id;
    select u.name into printed from accounts_user u where u.id = signer.user_id;
    select h.deed into hand from approvals_hands(approval.model_version_id) h where h.user_id = signer.user_id limit 1;
    if approval.id is null or approval.organization_id <> new.organization_id or approval.state <> 'open' then
        perform approvals_refuse('There is no open sign-off to put this name under.');
    elsif not approvals_is(new.signer_id, new.organization_id, 'reviewer') or new.role <> 'reviewer' then
        perform approvals_refuse('Only a reviewer of this organization signs, and only in their own name.');
    elsif new.printed_name is distinct from printed then
        perform approvals_refuse('The printed name is not the signer''s.');
    elsif hand is not null then
        perform approvals_refuse('Whoever ' || hand || ' does not sign it.');
    elsif exists (select 1 from accounts_membership m
                   where m.id = approval.requested_by_id and m.user_id = signer.user_id) then
        perform approvals_refuse('Whoever asked for a sign-off does not sign it.');
    elsif exists (select 1 from audits_record r
                   where r.organization_id = new.organization_id and r.on_type = 'membership' and r.on_id = signer.id
                     and r.event in ('member.joined', 'member.changed') and r.at > approval.requested_at) then
        perform approvals_refuse('A role gained after the request does not count for it.');
    elsif new.dossier_digest <> approval.dossier_digest then
        perform approvals_refuse('The signature is under another dossier.');
    elsif trim(new.reason) = '' then
        perform approvals_refuse('A signature gives its reason.');
    elsif (new.decision = 'sign') <> (new.meaning <> '') then
        perform approvals_refuse('A signature that approves names its meaning; one that refuses has none.');
    elsif new.decision = 'sign' and not approvals_open_place(approval.id, new.meaning) then
        perform approvals_refuse('The policy asks for no further signature of this meaning.');
    elsif new.decision = 'sign' and approval.dossier::jsonb -> 'gates' ->> 'verdict' is distinct from 'pass' then
        perform approvals_refuse('Not every rule of the policy passes.');
    elsif new.decision = 'sign' and not approvals_unchanged(approval.id) then
        perform approvals_refuse('What the dossier binds has changed.');
    end if;
    new.signed_at := now();
    return new;
end $$;

create function approvals_open_place(of_approval bigint, of_meaning text) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (
        select 1 from approvals_approval a
          join approvals_policyversion pv on pv.id = a.policy_version_id
          cross join lateral jsonb_array_elements(pv.body -> 'signers') wanted
         where a.id = of_approval and wanted ->> 'meaning' = of_meaning
           and (select count(*) from approvals_signature s
                 where s.approval_id = of_approval and s.decision = 'sign' and s.meaning = of_meaning)
               < coalesce((wanted ->> 'count')::int, 1))
$$;
create trigger approvals_signature_given before insert on approvals_signature
    for each row execute function approvals_signature_given();
revoke all on function approvals_approval_asked(), approvals_approval_changed(), approvals_signature_given(),
    approvals_is(bigint, bigint, text) from public;
"""

PUBLISHED = """
create function approvals_policyversion_published() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if tg_op = 'INSERT' then
        if new.withdrawn_at is not null or new.published_by_id is not null
           and not approvals_is(new.published_by_id, new.organization_id, 'owner') then
            perform approvals_refuse('An owner publishes a policy, in their own name.');
        elsif new.published_by_id is null and exists (
            select 1 from approvals_policyversion pv join approvals_policy earlier on earlier.id = pv.policy_id
              join approvals_policy mine on mine.id = new.policy_id and mine.risk_class = earlier.risk_class
             where pv.organization_id = new.organization_id) then
            perform approvals_refuse('A built-in policy comes into force by itself only where there is no other.');
        end if;
    elsif old.withdrawn_at is not null and new is distinct from old then
        perform approvals_refuse('A withdrawn policy stays withdrawn.');
    end if;
    return new;
end $$;
create trigger approvals_policyversion_published before insert or update on approvals_policyversion
    for each row execute function approvals_policyversion_published();
revoke all on function approvals_policyversion_published() from public;
"""

UNDONE = """
drop function approvals_policyversion_published() cascade;
drop function approvals_signature_given() cascade; drop function approvals_approval_changed() cascade;
drop function approvals_approval_asked() cascade; drop function approvals_open_place(bigint, text);
drop function approvals_is(bigint, bigint, text); drop function approvals_refuse(text);
drop function approvals_complete(bigint); drop function approvals_hands(bigint); drop function approvals_stands(bigint);
drop function approvals_unchanged(bigint); drop function approvals_same(text, jsonb);
drop function approvals_bound(bigint, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0003_meanings"),
        ("accounts", "0002_walls"),
        ("projects", "0001_initial"),
        ("datasets", "0001_initial"),
        ("models", "0001_initial"),
        ("reports", "0001_initial"),
        ("audits", "0002_chain"),
    ]
    operations = [
        Frozen("approvals_policy", what="The name and risk class of a policy"),
        migrations.RunSQL(FACTS + ASKED + CHANGED + SIGNED + PUBLISHED, UNDONE),
    ]
