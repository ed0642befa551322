"""Nothing serves without a sign-off that stands: the database refuses it, whoever asks."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE

PERMIT = f"""
create function deployments_permit() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare free text[] := array['state', 'stopped_at', 'stopped_by_id', 'stop_reason'];
begin
    if tg_op = 'DELETE' then perform approvals_refuse('A deployment cannot be deleted.'); end if;
    if tg_op = 'UPDATE' then
        if old.state <> 'serving' and new is distinct from old then
            perform approvals_refuse('What was stopped stays stopped; open a new deployment.');
        elsif to_jsonb(new) - free <> to_jsonb(old) - free or new.state not in ('serving', 'stopped') then
            perform approvals_refuse('A deployment cannot be changed, only stopped.');
        end if;
        return new;
    end if;
    if new.state <> 'serving' or new.stopped_at is not null then
        perform approvals_refuse('A deployment begins serving.');
    elsif not exists (
        select 1 from approvals_approval a where a.id = new.approval_id and a.organization_id = new.organization_id
           and a.model_version_id = new.model_version_id and a.project_id = new.project_id) then
        perform approvals_refuse('The sign-off is for another model.');
    elsif not approvals_stands(new.approval_id) then
        perform approvals_refuse('The sign-off does not stand.');
    elsif not approvals_is(new.opened_by_id, new.organization_id) then
        perform approvals_refuse('Nobody deploys in another''s name.');
    elsif exists (
        select 1 from approvals_signature s join accounts_membership signer on signer.id = s.signer_id
          join accounts_membership opener on opener.id = new.opened_by_id and opener.user_id = signer.user_id
         where s.approval_id = new.approval_id) then
        perform approvals_refuse('Whoever signed does not also deploy.');
    end if;
    return new;
end $$;
create trigger deployments_permit before insert or update or delete on deployments_deployment
    for each row execute function deployments_permit();
revoke all on function deployments_permit() from public;
revoke truncate on deployments_deployment from {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0002_walls"), ("approvals", "0004_sign_off")]
    operations = [migrations.RunSQL(PERMIT, "drop function deployments_permit() cascade")]
