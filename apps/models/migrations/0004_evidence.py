"""While an evidence hold keeps a version of a model, the model gets no new version and none of it is retired."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE

KEPT = f"""
create function models_kept(of_model bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (select from models_modelversion v join audits_legalhold h on v.id = any (h.versions)
                    where v.model_id = of_model and h.organization_id = v.organization_id and h.released_at is null)
$$;
grant execute on function models_kept(bigint) to {WEB_ROLE};

create function models_not_altered() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if models_kept(new.model_id) then
        raise exception 'This model is kept as evidence of an incident; two people sign its release first.'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger models_modelversion_not_added before insert on models_modelversion
    for each row execute function models_not_altered();
create trigger models_modelversion_not_retired before update of retired_at on models_modelversion
    for each row execute function models_not_altered();
revoke all on function models_not_altered() from public;
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0003_signature"), ("audits", "0010_evidence_hold")]
    operations = [
        migrations.RunSQL(KEPT, "drop function models_not_altered() cascade; drop function models_kept(bigint);")
    ]
