from django.db import migrations

from apps.common.tenancy import Frozen, Tenant

# What a statement is can be checked by the database alone: its digest is of its bytes, it is about a thing of its own
# project, it supersedes one about the same thing, and a withdrawal is said once, with its reason.
TRUE = """
create function documents_statement_true() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        if old.withdrawn_at is not null then
            raise exception 'A withdrawn statement stays withdrawn.' using errcode = 'restrict_violation';
        end if;
    elsif new.withdrawn_at is not null then
        raise exception 'A statement is not born withdrawn.' using errcode = 'restrict_violation';
    end if;
    if (new.withdrawn_at is null) <> (new.withdrawn_by_id is null)
        or (new.withdrawn_at is null) <> (new.withdrawn_reason = '') then
        raise exception 'A withdrawal has a moment, a person and a reason.' using errcode = 'restrict_violation';
    end if;
    if new.digest <> encode(sha256(convert_to(new.body, 'UTF8')), 'hex') then
        raise exception 'A statement has the digest of its bytes.' using errcode = 'restrict_violation';
    end if;
    if not exists (select from projects_project
                    where id = new.project_id and organization_id = new.organization_id)
        or (new.model_version_id is not null and not exists (
            select from models_modelversion where id = new.model_version_id and project_id = new.project_id))
        or (new.dataset_version_id is not null and not exists (
            select from datasets_datasetversion where id = new.dataset_version_id and project_id = new.project_id)) then
        raise exception 'A statement is about a thing of its own project.' using errcode = 'restrict_violation';
    end if;
    if new.supersedes_id is not null and not exists (
        select from documents_statement b
         where b.id = new.supersedes_id and b.project_id = new.project_id and b.kind = new.kind
           and b.subtype = new.subtype and b.model_version_id is not distinct from new.model_version_id
           and b.dataset_version_id is not distinct from new.dataset_version_id) then
        raise exception 'A statement supersedes one of its kind about the same thing.'
            using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger documents_statement_true before insert or update on documents_statement
    for each row execute function documents_statement_true();
"""
OF_ITS_PROJECT = """
create function documents_document_true() returns trigger language plpgsql as $$
begin
    if not exists (select from projects_project
                    where id = new.project_id and organization_id = new.organization_id)
        or (new.model_version_id is not null and not exists (
            select from models_modelversion where id = new.model_version_id and project_id = new.project_id))
        or (new.dataset_version_id is not null and not exists (
            select from datasets_datasetversion where id = new.dataset_version_id and project_id = new.project_id)) then
        raise exception 'A document is about a thing of its own project.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger documents_document_true before insert or update on documents_document
    for each row execute function documents_document_true();
"""


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_initial")]
    operations = [
        Tenant("documents_statement"),
        Frozen(
            "documents_statement",
            free=("withdrawn_at", "withdrawn_by_id", "withdrawn_reason"),
            what="A statement",
        ),
        migrations.RunSQL(TRUE, "drop function documents_statement_true() cascade;"),
        Tenant("documents_document"),
        Frozen("documents_document", when="old.state = 'finished'", what="A built document"),
        migrations.RunSQL(OF_ITS_PROJECT, "drop function documents_document_true() cascade;"),
    ]
