"""Row security; and that each word stands in the name of who said it, with the right to, and for good."""

from django.db import migrations

from apps.common.tenancy import AppendOnly, Tenant

SAID = """
create function controls_said() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare sentence text;
begin
    if tg_table_name in ('controls_frameworkchoice', 'controls_retentionschedule') then
        if not approvals_is(new.by_id, new.organization_id, 'owner') then
            sentence := 'An owner of this organization decides this, in their own name.';
        end if;
    elsif not exists (select 1 from projects_project p
                       where p.id = new.project_id and p.organization_id = new.organization_id) then
        sentence := 'The project is not of this organization.';
    elsif tg_table_name = 'controls_statedfact' then
        if not (approvals_is(new.by_id, new.organization_id, 'owner')
                or approvals_is(new.by_id, new.organization_id, 'builder')) then
            sentence := 'Owners and builders state facts of a system, in their own name.';
        end if;
    elsif not approvals_is(new.by_id, new.organization_id, 'reviewer') then
        sentence := 'A reviewer of this organization judges evidence, in their own name.';
    elsif trim(new.reason) = '' then
        sentence := 'A judgement gives its reason.';
    elsif new.model_version_id is not null and not exists (
        select 1 from models_modelversion v where v.id = new.model_version_id and v.project_id = new.project_id) then
        sentence := 'The model version is of another project.';
    elsif exists (select 1 from approvals_hands(new.model_version_id) h
                    join accounts_membership m on m.id = new.by_id and m.user_id = h.user_id) then
        sentence := 'Whoever had a hand in a model does not judge its evidence.';
    end if;
    if sentence is not null then raise exception '%', sentence using errcode = 'restrict_violation'; end if;
    new.at := now();
    return new;
end $$;
revoke all on function controls_said() from public;
"""
SAID_IN = ("statedfact", "frameworkchoice", "judgement", "retentionschedule")
FOR_GOOD = {
    "statedfact": "A stated fact",
    "frameworkchoice": "A choice of framework",
    "judgement": "A judgement",
    "retentionschedule": "A retention schedule",
    "disposalrun": "A round of disposal",
    "disposal": "A disposal",
}
TRIGGERS = "".join(
    f"create trigger controls_{table}_said before insert on controls_{table}"
    " for each row execute function controls_said();\n"
    for table in SAID_IN
)


class Migration(migrations.Migration):
    dependencies = [("controls", "0001_initial"), ("approvals", "0005_bound_and_gates")]
    operations = [
        *(Tenant(f"controls_{table}") for table in FOR_GOOD),
        *(AppendOnly(f"controls_{table}", what=what) for table, what in FOR_GOOD.items()),
        migrations.RunSQL(SAID + TRIGGERS, "drop function controls_said() cascade"),
    ]
