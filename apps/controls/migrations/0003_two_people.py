"""How long things are kept is proposed by one person and published by another."""

import django.db.models.deletion
from django.db import migrations, models

from apps.common.tenancy import WEB_ROLE

PUBLISHED = f"""
alter table controls_retentionschedule disable trigger user;
update controls_retentionschedule set published_at = at;
alter table controls_retentionschedule enable trigger user;

create or replace function controls_retentionschedule_frozen() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare free text[] := array['published_by_id', 'published_at'];
begin
    if tg_op = 'DELETE' or to_jsonb(old) - free <> to_jsonb(new) - free or old.published_at is not null then
        perform approvals_refuse('A retention schedule cannot be changed or deleted.');
    elsif not (approvals_is(new.published_by_id, new.organization_id, 'owner')
               or approvals_is(new.published_by_id, new.organization_id, 'reviewer')) then
        perform approvals_refuse('An owner or a reviewer publishes a retention schedule, in their own name.');
    elsif exists (select from accounts_membership a, accounts_membership b
                   where a.id = new.published_by_id and b.id = old.by_id and a.user_id = b.user_id) then
        perform approvals_refuse('Who proposed a retention schedule does not publish it.');
    elsif exists (select from controls_retentionschedule later where later.organization_id = new.organization_id
                     and later.number > new.number and later.published_at is not null) then
        perform approvals_refuse('A later retention schedule is published already.');
    end if;
    new.published_at := clock_timestamp();
    return new;
end $$;

create function controls_retentionschedule_proposed() returns trigger language plpgsql as $$
begin
    if num_nonnulls(new.published_by_id, new.published_at) > 0 then
        perform approvals_refuse('A retention schedule is proposed first; a second person publishes it.');
    end if;
    return new;
end $$;
create trigger controls_retentionschedule_proposed before insert on controls_retentionschedule
    for each row execute function controls_retentionschedule_proposed();
revoke all on function controls_retentionschedule_frozen(), controls_retentionschedule_proposed() from public;
grant update (published_by_id, published_at) on controls_retentionschedule to {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("controls", "0002_walls"),
        ("approvals", "0005_bound_and_gates"),
        ("accounts", "0008_emergency_walls"),
    ]
    operations = [
        migrations.AddField(
            "retentionschedule",
            "published_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.membership"
            ),
        ),
        migrations.AddField("retentionschedule", "published_at", models.DateTimeField(null=True)),
        migrations.RunSQL(PUBLISHED, migrations.RunSQL.noop),
    ]
