"""A destination's walls: seen by its tenant, sent to where it was made for, and only onward through the record."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE, Frozen, Tenant

FREE = (
    "name", "events", "secret", "secret_before", "before_until", "verifier", "paused_at", "paused_why", "removed_at",
    "cursor", "sending_to", "attempts", "tried_at", "next_at", "status", "problem", "arrived_at", "failing_since",
    "told_at", "held_by", "held_until", "test_asked_at", "tested_at", "test_answer",
)  # fmt: skip
ONWARD = """
create function notifications_destination_onward() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if old.removed_at is not null then
            raise exception 'A destination that was removed stays so.' using errcode = 'restrict_violation';
        elsif new.cursor < old.cursor then
            raise exception 'The cursor of a destination cannot be set back.' using errcode = 'restrict_violation';
        elsif new.cursor = old.cursor then
            return new;
        end if;
    end if;
    if new.cursor < 0 or new.cursor >
       (select coalesce(max(seq), 0) from audits_record where organization_id = new.organization_id) then
        raise exception 'The cursor of a destination stays within the record.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger notifications_destination_onward before insert or update on notifications_destination
    for each row execute function notifications_destination_onward();
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial"), ("audits", "0008_witnesses")]
    operations = [
        Tenant("notifications_destination"),
        Frozen("notifications_destination", free=FREE, what="A destination"),
        migrations.RunSQL(f"revoke delete on notifications_destination from {WEB_ROLE};", migrations.RunSQL.noop),
        migrations.RunSQL(ONWARD, "drop function notifications_destination_onward() cascade;"),
    ]
