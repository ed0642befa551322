"""The signature over the files of a model version: one for each, for good, and over exactly what was registered."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from apps.common.tenancy import AppendOnly, Tenant

WALL = """
create function models_modelsignature_given() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare version models_modelversion; said jsonb;
begin
    select * into version from models_modelversion where id = new.version_id;
    said := convert_from(decode(new.envelope ->> 'payload', 'base64'), 'UTF8')::jsonb;
    if version.organization_id is distinct from new.organization_id
       or said ->> 'predicateType' is distinct from 'https://model_signing/signature/v1.0'
       or (select jsonb_object_agg(file ->> 'name', file -> 'digest')
             from jsonb_array_elements(said #> '{predicate,resources}') file)
          is distinct from (select jsonb_object_agg(key, value -> 'digest') from jsonb_each(version.files)) then
        raise exception 'A model''s signature is over exactly its registered files.'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger models_modelsignature_given before insert on models_modelsignature
    for each row execute function models_modelsignature_given();
revoke all on function models_modelsignature_given() from public;
"""


class Migration(migrations.Migration):
    dependencies = [("models", "0002_walls")]
    operations = [
        migrations.CreateModel(
            name="ModelSignature",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("envelope", models.JSONField()),
                ("signed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="signature", to="models.modelversion"
                    ),
                ),
            ],
            options={"abstract": False},
        ),
        Tenant("models_modelsignature"),
        AppendOnly("models_modelsignature", what="The signature of a model"),
        migrations.RunSQL(WALL, "drop function models_modelsignature_given() cascade"),
    ]
