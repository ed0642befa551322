"""A model that is kept as evidence may be stopped; no deployment takes the place of what served."""

from django.db import migrations

KEPT = """
create function deployments_not_replaced() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if models_kept((select v.model_id from models_modelversion v where v.id = new.model_version_id)) then
        perform approvals_refuse('Its model is kept as evidence of an incident; two people sign its release first.');
    end if;
    return new;
end $$;
create trigger deployments_deployment_not_replaced before insert on deployments_deployment
    for each row execute function deployments_not_replaced();
revoke all on function deployments_not_replaced() from public;
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0004_permits"), ("models", "0004_evidence"), ("approvals", "0016_incidents")]
    operations = [migrations.RunSQL(KEPT, "drop function deployments_not_replaced() cascade")]
