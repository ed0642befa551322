"""A sign-off is suspended by one person at once, and stands again by two, one of whom had no hand in the model."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import AppendOnly, Frozen, Tenant

STANDS = """
create or replace function approvals_stands(of_approval bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select 1 from approvals_approval a where a.id = of_approval
                      and a.state = 'approved' and a.valid_until > now() and approvals_unchanged(a.id)
                      and not exists (select from approvals_suspension s where s.approval_id = a.id
                                                                           and s.resumed_at is null)
                      and not exists (select from approvals_conditions(a.id)
                                       where overdue and condition ->> 'consequence' in ('block', 'suspend')))
$$;

create function approvals_approval_not_held() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (select from approvals_approval a
                 join approvals_suspension s on s.approval_id = a.id and s.resumed_at is null
                where a.model_version_id = new.model_version_id and a.state = 'approved') then
        perform approvals_refuse('Its sign-off is suspended; no other takes its place.');
    end if;
    return new;
end $$;
create trigger approvals_approval_not_held before insert on approvals_approval
    for each row execute function approvals_approval_not_held();
"""

KEPT = """
create function approvals_acts(membership_id bigint, tenant bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select approvals_is(membership_id, tenant)
       and exists (select from accounts_membership m where m.id = membership_id and m.role <> 'auditor')
$$;

create function approvals_suspension_kept() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare approval approvals_approval; person bigint;
begin
    select * into approval from approvals_approval where id = new.approval_id for share;
    if approval.id is null or approval.organization_id <> new.organization_id or approval.state <> 'approved' then
        perform approvals_refuse('There is no sign-off to suspend, or to let stand again.');
    elsif tg_op = 'INSERT' then
        if not approvals_acts(new.suspended_by_id, new.organization_id) or trim(new.reason) = '' then
            perform approvals_refuse('Who suspends does so in their own name and with a reason.');
        elsif num_nonnulls(new.asked_by_id, new.asked_at, new.resumed_by_id, new.resumed_at) > 0 then
            perform approvals_refuse('A suspension begins in force.');
        end if;
        new.suspended_at := clock_timestamp();
        return new;
    elsif old.resumed_at is not null then
        perform approvals_refuse('It was over already; suspend anew.');
    elsif (new.asked_by_id, new.asked_at, new.asked_reason)
          is distinct from (old.asked_by_id, old.asked_at, old.asked_reason) then
        if old.asked_by_id is not null or num_nonnulls(new.resumed_by_id, new.resumed_at) > 0
           or not approvals_acts(new.asked_by_id, new.organization_id) or trim(new.asked_reason) = '' then
            perform approvals_refuse('One person asks for it to stand again, in their own name and with a reason.');
        end if;
        new.asked_at := clock_timestamp();
        return new;
    end if;
    select user_id into person from accounts_membership where id = new.resumed_by_id;
    if old.asked_by_id is null or not approvals_is(new.resumed_by_id, new.organization_id, 'reviewer')
       or exists (select from accounts_membership m where m.id = old.asked_by_id and m.user_id = person) then
        perform approvals_refuse('A second person, a reviewer, lets it stand again, in their own name.');
    elsif exists (select from approvals_conflict(approval.id, person) c where c.deed <> 'signed it already') then
        perform approvals_refuse('Who had a hand in it does not let it stand again.');
    end if;
    new.resumed_at := clock_timestamp();
    return new;
end $$;
create trigger approvals_suspension_kept before insert or update on approvals_suspension
    for each row execute function approvals_suspension_kept();

create function approvals_telling_kept() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not approvals_acts(new.by_id, new.organization_id) or '' in (trim(new.who), trim(new.how)) then
        perform approvals_refuse('Somebody says in their own name who was told, and how.');
    elsif not exists (select from approvals_approval a where a.id = new.approval_id
                         and a.organization_id = new.organization_id and (a.state = 'revoked' or exists (
                             select from approvals_suspension s where s.approval_id = a.id and s.resumed_at is null)))
    then
        perform approvals_refuse('Nothing is to be told of a sign-off that is neither suspended nor revoked.');
    end if;
    new.told_at := clock_timestamp();
    return new;
end $$;
create trigger approvals_telling_kept before insert on approvals_telling
    for each row execute function approvals_telling_kept();
revoke all on function approvals_approval_not_held(), approvals_suspension_kept(), approvals_telling_kept(),
    approvals_acts(bigint, bigint) from public;
"""


def to(what: str, **more) -> models.ForeignKey:
    return models.ForeignKey(
        **{"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": what, **more}
    )


IDENTITY = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_erasure"), ("approvals", "0012_two_people")]
    operations = [
        migrations.CreateModel(
            name="Suspension",
            fields=[
                IDENTITY,
                ("organization", to("accounts.organization", editable=False)),
                ("approval", to("approvals.approval", related_name="suspensions")),
                ("drill", models.BooleanField(default=False)),
                ("reason", models.TextField()),
                ("suspended_by", to("accounts.membership")),
                ("suspended_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("asked_by", to("accounts.membership", null=True)),
                ("asked_at", models.DateTimeField(null=True)),
                ("asked_reason", models.TextField(blank=True)),
                ("resumed_by", to("accounts.membership", null=True)),
                ("resumed_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("approval",), condition=models.Q(resumed_at=None), name="approvals_suspension_one_open"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="Telling",
            fields=[
                IDENTITY,
                ("organization", to("accounts.organization", editable=False)),
                ("approval", to("approvals.approval", related_name="tellings")),
                ("who", models.CharField(max_length=200)),
                ("how", models.CharField(max_length=200)),
                ("told_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("by", to("accounts.membership")),
            ],
            options={"abstract": False},
        ),
        Tenant("approvals_suspension"),
        Tenant("approvals_telling"),
        Frozen(
            "approvals_suspension",
            free=("asked_by_id", "asked_at", "asked_reason", "resumed_by_id", "resumed_at"),
            what="A suspension",
        ),
        AppendOnly("approvals_telling", what="Who was told"),
        migrations.RunSQL(STANDS + KEPT, migrations.RunSQL.noop),
    ]
