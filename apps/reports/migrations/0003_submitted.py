"""Figures submitted from outside stand beside those the portal recomputed, and never pass for them: how a report came
to be is fixed when its row is made, and its own bytes must say the same."""

import django.db.models.deletion
from django.db import migrations, models

from apps.common.tenancy import THIS_PERSON, WEB_ROLE, Frozen

SPEAKS = f"""
-- The report of each kind that speaks for a model version: the newest that the portal recomputed; only where there is
-- none, the newest that was submitted. One withdrawn leaves its place empty: none older comes back by itself.
create function reports_speaking(of_version bigint) returns setof reports_report
language sql stable set search_path = public, pg_temp as $$
    select latest.* from (
        select distinct on (kind) * from reports_report
         where model_version_id = of_version and state = 'finished'
         order by kind, (provenance = 'recomputed') desc, id desc) latest
     where latest.withdrawn_at is null
$$;
grant execute on function reports_speaking(bigint) to {WEB_ROLE};
"""

TRUE = f"""
create function reports_refuse(sentence text) returns void language plpgsql as $$
begin raise exception '%', sentence using errcode = 'restrict_violation'; end $$;

-- What the bytes of a finished report must say of themselves, or null.
create function reports_objection(report reports_report) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare said jsonb; version models_modelversion;
begin
    begin
        said := report.result::jsonb;
    exception when others then
        return 'A finished report is JSON.';
    end;
    select * into version from models_modelversion where id = report.model_version_id;
    if report.digest <> encode(sha256(convert_to(report.result, 'UTF8')), 'hex') then
        return 'A report has the digest of its bytes.';
    elsif said ->> 'kind' is distinct from report.kind then
        return 'The bytes of a report are of its kind.';
    elsif report.provenance = 'recomputed' then
        return case when said ->> 'provenance' is distinct from 'recomputed by the portal'
                    then 'A recomputed report says that the portal recomputed it.' end;
    elsif said ->> 'provenance' is distinct from 'submitted from outside' then
        return 'A submitted report says that it was submitted from outside.';
    elsif array[said #>> '{{inputs,artifact}}', report.inputs ->> 'artifact']
          is distinct from array_fill(version.artifact_digest::text, array[2]) then
        return 'Submitted figures are about the bytes of their model version.';
    elsif array[said #>> '{{original,digest}}'] is distinct from array[report.original ->> 'digest'] then
        return 'A submitted report names the file it came with.';
    elsif report.finished_at is distinct from (said #>> '{{measured,on}}')::date::timestamp at time zone 'UTC'
          or report.finished_at > now() + interval '14 hours' then  -- it is tomorrow already, somewhere
        return 'Submitted figures are as old as the day on which they were measured.';
    end if;
    return null;
end $$;

create function reports_report_true() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare objection text;
begin
    if tg_op = 'INSERT' then
        if not exists (select from models_modelversion v where v.id = new.model_version_id
                          and (v.project_id, v.organization_id) = (new.project_id, new.organization_id)) then
            perform reports_refuse('A report is of a model version of its own project.');
        elsif new.withdrawn_at is not null then
            perform reports_refuse('A report is not born withdrawn.');
        elsif new.provenance = 'recomputed' then
            if new.state <> 'queued' or '' <> any (array[new.result, new.digest, new.verdict])
               or new.original is not null then
                perform reports_refuse('What the portal recomputes begins in the queue, with nothing in it.');
            end if;
        elsif new.state <> 'finished' or new.verdict <> '' then
            perform reports_refuse('Submitted figures are there at once, and judge nothing themselves.');
        elsif not accounts_is(new.started_by_id, new.organization_id, array['builder']) then
            perform reports_refuse('A builder submits figures, in their own name.');
        else
            objection := reports_objection(new);
        end if;
    elsif (new.provenance, new.original) is distinct from (old.provenance, old.original) then
        perform reports_refuse('How a report came to be does not change.');
    elsif (new.withdrawn_at, new.withdrawn_by_id, new.withdrawn_reason)
          is distinct from (old.withdrawn_at, old.withdrawn_by_id, old.withdrawn_reason) then
        if new.provenance = 'recomputed' then
            perform reports_refuse('What the portal recomputed is not withdrawn; it is measured again.');
        elsif old.withdrawn_at is not null or new.withdrawn_at is null or trim(new.withdrawn_reason) = ''
              or not coalesce(accounts_is(new.withdrawn_by_id, new.organization_id, array['builder']), false) then
            perform reports_refuse('A builder withdraws a submission, once, in their own name and with a reason.');
        end if;
        new.withdrawn_at := clock_timestamp();
    elsif new.state <> old.state and new.state in ('running', 'finished') then
        if {THIS_PERSON} is not null then
            perform reports_refuse('A worker measures, for whom no person acts.');
        elsif new.state = 'finished' then
            if old.state <> 'running' or old.attempt < 1 or old.worker = '' then
                perform reports_refuse('A report is finished by the worker that took it up.');
            end if;
            objection := reports_objection(new);
        end if;
    elsif new.state <> 'finished' and '' <> any (array[new.result, new.digest, new.verdict]) then
        perform reports_refuse('A report that is not finished says nothing.');
    end if;
    if objection is not null then perform reports_refuse(objection); end if;
    return new;
end $$;
create trigger reports_report_true before insert or update on reports_report
    for each row execute function reports_report_true();
revoke all on function reports_objection(reports_report), reports_report_true() from public;
"""

WAS = Frozen("reports_report", when="old.state = 'finished'", what="A finished report")
IS = Frozen(
    "reports_report",
    when="old.state = 'finished'",
    free=("withdrawn_at", "withdrawn_by_id", "withdrawn_reason"),
    what="A finished report",
)


class Migration(migrations.Migration):
    dependencies = [("reports", "0002_walls"), ("accounts", "0008_emergency_walls"), ("models", "0002_walls")]
    operations = [
        migrations.AddField(
            "report",
            "provenance",
            models.CharField(
                choices=[("recomputed", "recomputed by the portal"), ("submitted", "submitted from outside")],
                default="recomputed",
                max_length=10,
            ),
        ),
        migrations.AddField("report", "original", models.JSONField(null=True)),
        migrations.AddField("report", "withdrawn_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "report",
            "withdrawn_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.membership"
            ),
        ),
        migrations.AddField("report", "withdrawn_reason", models.TextField(blank=True)),
        migrations.AddConstraint(
            "report",
            models.CheckConstraint(
                condition=models.Q(provenance="recomputed", original__isnull=True, withdrawn_at=None)
                | models.Q(provenance="submitted", state="finished"),
                name="reports_report_provenance",
            ),
        ),
        migrations.AddConstraint(
            "report",
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="")
                | ~models.Q(withdrawn_reason="") & models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="reports_report_withdrawal",
            ),
        ),
        migrations.RunSQL(WAS.reverse_sql, WAS.sql),
        migrations.RunSQL(IS.sql, IS.reverse_sql),
        migrations.RunSQL(SPEAKS, "drop function reports_speaking(bigint);"),
        migrations.RunSQL(
            TRUE,
            "drop function reports_report_true() cascade; drop function reports_objection(reports_report);"
            " drop function reports_refuse(text);",
        ),
    ]
