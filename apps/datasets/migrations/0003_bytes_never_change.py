from django.db import migrations

SQL = """
create function datasets_datasetversion_bytes() returns trigger language plpgsql as $$
begin
    if to_jsonb(old) - array['declaration', 'declaration_digest', 'declared_by_id', 'declared_at',
                             'withdrawn_at', 'withdrawn_by_id', 'withdrawn_reason']
        <> to_jsonb(new) - array['declaration', 'declaration_digest', 'declared_by_id', 'declared_at',
                                 'withdrawn_at', 'withdrawn_by_id', 'withdrawn_reason'] then
        raise exception 'The bytes of a dataset version cannot be changed.' using errcode = 'restrict_violation';
    end if;
    if old.withdrawn_at is not null and (new.withdrawn_at, new.withdrawn_by_id, new.withdrawn_reason, new.declaration)
        is distinct from (old.withdrawn_at, old.withdrawn_by_id, old.withdrawn_reason, old.declaration) then
        raise exception 'A withdrawn dataset version cannot be changed.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger datasets_datasetversion_bytes before update on datasets_datasetversion
    for each row execute function datasets_datasetversion_bytes();
"""


class Migration(migrations.Migration):
    """Before it is declared too, a version's bytes stay what they are; a withdrawal is for good."""

    dependencies = [("datasets", "0002_walls")]
    operations = [migrations.RunSQL(SQL, "drop function datasets_datasetversion_bytes() cascade;")]
