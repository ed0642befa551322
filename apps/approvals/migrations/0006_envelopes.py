"""Signatures in envelopes, each in a place of the policy, given by somebody who has read and has proved who they are.

While a sign-off is open its verdicts are sealed: each fills a place, a refusal too, and only when no place is open, or
nobody could approve any more, do they decide. So nobody learns another's verdict from what the portal does next."""

from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE

PLACED = """
alter table approvals_signature disable trigger approvals_signature_frozen;
update approvals_signature s set place = coalesce(
    (select wanted.place from approvals_approval a
       join approvals_policyversion pv on pv.id = a.policy_version_id
       cross join lateral jsonb_array_elements(pv.body -> 'signers') with ordinality as wanted (signer, place)
      where a.id = s.approval_id and wanted.signer ->> 'meaning' = s.meaning limit 1), 1);
alter table approvals_signature enable trigger approvals_signature_frozen;
"""

PLACES = f"""
-- Whether a dossier may be signed, by its own verdict; that the verdict is true is asked as it comes.
create function approvals_signable(dossier text) returns boolean language sql immutable as $$
    select coalesce(dossier::jsonb -> 'gates' ->> 'verdict' = 'pass', false)
$$;
grant execute on function approvals_signable(text) to {WEB_ROLE};

-- The places of a sign-off's policy, from 1: how many names each takes, how many it has, and whether it is its turn.
create function approvals_places(of_approval bigint)
returns table (place int, role text, meaning text, wanted int, given int, turn boolean)
language sql stable set search_path = public, pg_temp as $$
    with places as (
        select listed.place::int, signer ->> 'role' as role, signer ->> 'meaning' as meaning,
               coalesce((signer ->> 'count')::int, 1) as wanted,
               (select count(*)::int from approvals_signature s where s.approval_id = a.id and s.place = listed.place)
                   as given,
               pv.body ->> 'order' is not distinct from 'sequence' as in_order
          from approvals_approval a
          join approvals_policyversion pv on pv.id = a.policy_version_id
          cross join lateral jsonb_array_elements(pv.body -> 'signers') with ordinality as listed (signer, place)
         where a.id = of_approval)
    select place, role, meaning, wanted, given,
           not in_order or not exists (select from places before where before.place < places.place
                                                                  and before.given < before.wanted)
      from places
$$;

create or replace function approvals_complete(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select bool_and(given >= wanted)
       and not exists (select from approvals_signature s where s.approval_id = of_approval and s.decision <> 'sign')
      from approvals_places(of_approval)
$$;

-- Whether a refusal among the verdicts decides now: nothing is left to wait for, or one after the other is the order.
create function approvals_refusal_decides(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select from approvals_signature s where s.approval_id = of_approval and s.decision <> 'sign')
       and (not exists (select from approvals_places(of_approval) where given < wanted)
            or not approvals_signable(a.dossier)
            or pv.body ->> 'order' is not distinct from 'sequence'
            or not approvals_unchanged(a.id))
      from approvals_approval a join approvals_policyversion pv on pv.id = a.policy_version_id
     where a.id = of_approval
$$;

-- Evidence the policy rests on that a person has not opened since the request.
create function approvals_unread(of_approval bigint, person bigint) returns table (kind text, digest text)
language sql stable set search_path = public, pg_temp as $$
    select demanded.kind, demanded.digest
      from approvals_approval a
      join approvals_policyversion pv on pv.id = a.policy_version_id
      cross join lateral (
        select item ->> 'kind' as kind, item ->> 'digest' as digest
          from jsonb_array_elements(a.dossier::jsonb -> 'evidence') item
         where exists (select from jsonb_array_elements(pv.body -> 'rules') rule
                        where rule ->> 'report' = item ->> 'kind')) demanded
     where a.id = of_approval
       and not exists (select from audits_reading r where r.organization_id = a.organization_id and r.by_id = person
                          and r.digest = demanded.digest and r.at >= a.requested_at)
$$;
grant execute on function approvals_places(bigint), approvals_refusal_decides(bigint), approvals_unread(bigint, bigint)
    to {WEB_ROLE};

-- Whether a re-entry proves who this person is, now: all that they have enrolled, within five minutes.
create function approvals_proved(proof bigint, person bigint) returns boolean
language sql stable security definer set search_path = public, pg_temp as $$
    select exists (select from accounts_reentry r
                    where r.id = proof and r.user_id = person and r.components ? 'password'
                      and r.at > now() - interval '5 minutes'
                      and (r.components ?| array['authenticator code', 'recovery code']
                           or not exists (select from mfa_authenticator f
                                       where f.user_id = person and f.type = 'totp')))
$$;
revoke all on function approvals_proved(bigint, bigint) from public;
"""

ENVELOPE = """
-- The objection to a signature whose envelope does not say what its row says, or null.
create function approvals_envelope_objection(s approvals_signature, person bigint) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare payload bytea; said jsonb;
begin
    begin
        payload := decode(s.envelope ->> 'payload', 'base64');
        said := convert_from(payload, 'UTF8')::jsonb -> 'predicate';
    exception when others then return 'A signature carries its envelope.';
    end;
    if said is null then return 'A signature carries its envelope.'; end if;
    if s.digest is distinct from encode(sha256(payload), 'hex') then
        return 'The digest is not that of the statement that was signed.';
    elsif not said @> jsonb_build_object(
            'signature', s.id, 'approval', s.approval_id, 'dossier_digest', s.dossier_digest, 'place', s.place,
            'decision', s.decision, 'meaning', s.meaning, 'reason', s.reason, 'key_id', s.key_id,
            'signer', jsonb_build_object('id', person, 'printed_name', s.printed_name, 'role', s.role),
            'authentication', jsonb_build_object('id', s.authentication_id))
          or said -> 'conditions' is distinct from s.conditions
          or (said ->> 'signed_at')::timestamptz is distinct from now() then
        return 'The envelope does not say what the signature says.';
    elsif said ->> 'previous' is distinct from coalesce((select before.digest from approvals_signature before
              where before.approval_id = s.approval_id order by before.id desc limit 1), '') then
        return 'The signature does not follow the one before it.';
    elsif s.envelope -> 'signatures' -> 0 ->> 'keyid' is distinct from s.key_id
          or not exists (select from audits_signingkey k where k.organization_id = s.organization_id
                            and k.key_id = s.key_id and k.retired_at is null) then
        return 'The envelope is not under the key of this organization.';
    end if;
    return null;
end $$;
"""

SIGNED = """
create or replace function approvals_signature_given() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare approval approvals_approval; signer accounts_membership; printed text; hand text; seat record; unread text;
        objection text;
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
    end if;
    select * into seat from approvals_places(approval.id) p where p.place = new.place;
    if seat.place is null or seat.given >= seat.wanted or not seat.turn or seat.role <> new.role
       or new.decision = 'sign' and new.meaning not in (seat.meaning,
              case when seat.meaning = 'approved' then 'approved with conditions' else seat.meaning end) then
        perform approvals_refuse('The policy asks for no further signature of this meaning.');
    elsif (new.meaning = 'approved with conditions') <> (new.conditions <> '[]') then
        perform approvals_refuse('Conditions belong to a signature that approves with conditions, and only to it.');
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
    if objection is not null then perform approvals_refuse(objection); end if;
    new.signed_at := now();
    return new;
end $$;
drop function approvals_open_place(bigint, text);
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
        end if;
        select now() + make_interval(days => (pv.body ->> 'valid_days')::int) into new.valid_until
          from approvals_policyversion pv where pv.id = new.policy_version_id;
    when 'open to returned', 'open to rejected' then
        if not exists (select 1 from approvals_signature s where s.approval_id = new.id and s.decision =
                       case new.state when 'returned' then 'return' else 'reject' end) then
            perform approvals_refuse('Nobody signed this decision.');
        elsif not approvals_refusal_decides(new.id) then
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
"""


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0005_bound_and_gates"),
        ("accounts", "0006_reentry"),
        ("audits", "0006_reading"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [
        migrations.AlterField("signature", "meaning", models.CharField(blank=True, max_length=30)),
        migrations.AddField("signature", "place", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField("signature", "conditions", models.JSONField(default=list)),
        migrations.AddField("signature", "authentication_id", models.BigIntegerField(null=True)),
        migrations.AddField("signature", "envelope", models.JSONField(null=True)),
        migrations.AddField("signature", "digest", models.CharField(blank=True, max_length=64, default="")),
        migrations.AddField("signature", "key_id", models.CharField(blank=True, max_length=64, default="")),
        migrations.RunSQL(PLACED, migrations.RunSQL.noop),
        migrations.AlterField("signature", "place", models.PositiveSmallIntegerField()),
        migrations.AlterField("signature", "digest", models.CharField(blank=True, max_length=64)),
        migrations.AlterField("signature", "key_id", models.CharField(blank=True, max_length=64)),
        migrations.AddConstraint(
            "signature",
            models.UniqueConstraint(fields=["authentication_id"], name="approvals_signature_one_proof"),
        ),
        migrations.RunSQL(PLACES + ENVELOPE + SIGNED + CHANGED, migrations.RunSQL.noop),
    ]
