from django.db import migrations

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, Frozen, Tenant

TRUE = f"""
-- As of a report, and of the rows it is of: what is asked for is settled then, and a worker alone answers.
create function reports_operationreport_true() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    version models_modelversion; brought datasets_datasetversion; fixed text[] := array['organization_id', 'project_id',
        'model_version_id', 'dataset_version_id', 'kind', 'since', 'until', 'parameters', 'started_by_id', 'queued_at'];
begin
    select * into version from models_modelversion where id = new.model_version_id;
    select * into brought from datasets_datasetversion where id = new.dataset_version_id;
    if tg_op = 'UPDATE' and exists (
        select from unnest(fixed) name where to_jsonb(new) -> name is distinct from to_jsonb(old) -> name) then
        perform reports_refuse('What is measured in operation is settled when it is asked for.');
    elsif tg_op = 'INSERT' and (new.state <> 'queued' or '' <> any (array[new.result, new.digest, new.verdict])) then
        perform reports_refuse('What the portal computes begins in the queue, with nothing in it.');
    elsif array[version.organization_id, brought.organization_id]
             is distinct from array_fill(new.organization_id, array[2])
          or array[version.project_id, brought.project_id] is distinct from array_fill(new.project_id, array[2]) then
        perform reports_refuse('A report in operation is of a model and of rows of one project.');
    elsif brought.digest = version.data_digest or exists (
        select from datasets_datasetversion test
         where test.id = version.test_dataset_version_id and test.digest = brought.digest) then
        perform reports_refuse('The model was made from these rows; they are not from operation.');
    elsif new.state <> 'finished' and '' <> any (array[new.result, new.digest, new.verdict]) then
        perform reports_refuse('A report that is not finished says nothing.');
    elsif tg_op = 'INSERT' or new.state = old.state or new.state not in ('running', 'finished') then
        return new;
    elsif {THIS_PERSON} is not null then
        perform reports_refuse('A worker measures, for whom no person acts.');
    elsif new.state = 'finished' and (old.state <> 'running' or old.attempt < 1 or old.worker = '') then
        perform reports_refuse('A report is finished by the worker that took it up.');
    elsif new.state = 'finished' and (
        new.digest <> encode(sha256(convert_to(new.result, 'UTF8')), 'hex')
        or array[new.result::jsonb ->> 'provenance', new.result::jsonb ->> 'kind']
           is distinct from array['recomputed by the portal', new.kind::text]
        or new.result::jsonb -> 'inputs' is distinct from new.inputs
        or array[new.inputs ->> 'artifact', new.inputs ->> 'test_data', new.inputs ->> 'test_declaration',
                 new.result::jsonb #>> '{{operation,digest}}']
           is distinct from array[version.artifact_digest, brought.digest, brought.declaration_digest,
                                  brought.digest]::text[])
    then
        perform reports_refuse('A report in operation says which bytes it is of.');
    end if;
    return new;
end $$;
create trigger reports_operationreport_true before insert or update on reports_operationreport
    for each row execute function reports_operationreport_true();
alter table reports_operationreport add constraint reports_operationreport_kind
    check (kind in ('performance', 'fairness'));
revoke all on function reports_operationreport_true() from public;
-- Neither is it taken away: who stops one is told in the record, and it stays as stopped.
revoke delete, truncate on reports_operationreport from {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("reports", "0004_operation_reports")]
    operations = [
        Tenant("reports_operationreport"),
        Frozen("reports_operationreport", when="old.state = 'finished'", what="A finished report in operation"),
        migrations.RunSQL(
            TRUE,
            f"grant delete on reports_operationreport to {WEB_ROLE};"
            " alter table reports_operationreport drop constraint reports_operationreport_kind;"
            " drop function reports_operationreport_true() cascade;",
        ),
    ]
