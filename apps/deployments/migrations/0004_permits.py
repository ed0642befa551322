"""No permit without a sign-off that stands: a row of this table says exactly what its token says, and the database
refuses both where the deployment may not serve. The token's signature is the serving process's to check."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.deployments.models
from apps.common.tenancy import WEB_ROLE, Tenant

WALL = f"""
alter table deployments_deployment alter column limits set default '{{"rows": 10000}}';
alter table deployments_deployment add constraint deployments_limits check (
    jsonb_typeof(limits -> 'rows') = 'number' and (limits ->> 'rows')::numeric between 1 and 10000);

create function deployments_permit_stands(of_permit bigint) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select exists (
        select 1 from deployments_permit p join deployments_deployment d on d.id = p.deployment_id
         where p.id = of_permit and p.revoked_at is null
           and p.not_before <= clock_timestamp() and p.expires_at > clock_timestamp()
           and d.state = 'serving' and approvals_stands(d.approval_id))
$$;
grant execute on function deployments_permit_stands(bigint) to {WEB_ROLE};

create function deployments_permit_says(permit deployments_permit, slug text) returns boolean
language sql stable set search_path = public, pg_temp as $$
    select split_part(permit.token, '.', 2) ~ '^[A-Za-z0-9_-]+$'
       and jsonb_build_object(
            'iss', slug, 'aud', permit.environment, 'sub', 'sha256:' || permit.artifact_digest, 'jti', permit.number,
            'iat', extract(epoch from permit.issued_at), 'nbf', extract(epoch from permit.not_before),
            'exp', extract(epoch from permit.expires_at), 'deployment', permit.deployment_id,
            'approval', permit.approval_id, 'dossier', permit.dossier_digest, 'limits', permit.limits)
         = convert_from(decode(rpad(body, (length(body) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
      from translate(split_part(permit.token, '.', 2), '-_', '+/') body
$$;

create function deployments_permit_issued() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    free text[] := array['revoked_at', 'revoked_reason'];
    deployment deployments_deployment; slug text; version models_modelversion; approval approvals_approval;
begin
    if tg_op = 'DELETE' then perform approvals_refuse('A permit cannot be deleted.'); end if;
    if tg_op = 'UPDATE' then
        if to_jsonb(new) - free <> to_jsonb(old) - free
           or old.revoked_at is not null or new.revoked_at is null then
            perform approvals_refuse('A permit cannot be changed, only revoked.');
        end if;
        new.revoked_at := clock_timestamp();
        return new;
    end if;
    select * into deployment from deployments_deployment where id = new.deployment_id for share;
    select * into approval from approvals_approval where id = deployment.approval_id for share;
    select * into version from models_modelversion where id = deployment.model_version_id;
    select o.slug into slug from accounts_organization o where o.id = new.organization_id;
    if deployment.id is null or (deployment.organization_id, deployment.project_id, deployment.approval_id)
       is distinct from (new.organization_id, new.project_id, new.approval_id) then
        perform approvals_refuse('A permit is for a deployment of its own organization, on its own sign-off.');
    elsif deployment.state <> 'serving' then
        perform approvals_refuse('What was stopped gets no permit.');
    elsif not approvals_stands(deployment.approval_id) then
        perform approvals_refuse('The sign-off does not stand.');
    elsif (new.artifact_digest, new.dossier_digest, new.limits)
       is distinct from (version.artifact_digest::varchar, approval.dossier_digest::varchar, deployment.limits) then
        perform approvals_refuse('A permit is for exactly what was signed.');
    elsif new.revoked_at is not null or new.environment = ''
       or new.not_before > clock_timestamp() + interval '5 seconds'
       or new.expires_at <= new.not_before or new.expires_at > clock_timestamp() + interval '1 hour'
       or new.expires_at > approval.valid_until then
        perform approvals_refuse('A permit is short-lived, and ends before its sign-off.');
    elsif new.token_digest <> encode(sha256(convert_to(new.token, 'UTF8')), 'hex')
       or deployments_permit_says(new, slug) is not true then
        perform approvals_refuse('The token says something else than its row.');
    end if;
    return new;
end $$;
create trigger deployments_permit_issued before insert or update or delete on deployments_permit
    for each row execute function deployments_permit_issued();
revoke all on function deployments_permit_issued() from public;
revoke delete, truncate on deployments_permit from {WEB_ROLE};
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0003_sign_off"), ("approvals", "0005_bound_and_gates")]
    operations = [
        migrations.AddField("deployment", "limits", models.JSONField(default=apps.deployments.models.usual_limits)),
        migrations.CreateModel(
            name="Permit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("environment", models.CharField(max_length=40)),
                ("artifact_digest", models.CharField(max_length=64)),
                ("dossier_digest", models.CharField(max_length=64)),
                ("limits", models.JSONField()),
                ("token", models.TextField()),
                ("token_digest", models.CharField(max_length=64)),
                ("issued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("not_before", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_reason", models.TextField(blank=True)),
                (
                    "approval",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.approval"
                    ),
                ),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="permits",
                        to="deployments.deployment",
                    ),
                ),
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
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="projects.project"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["deployment", "-id"], name="deployments_permit_newest"),
                    models.Index(fields=["deployment", "-expires_at"], name="deployments_permit_longest"),
                ]
            },
        ),
        Tenant("deployments_permit"),
        migrations.RunSQL(
            WALL,
            "drop function deployments_permit_issued() cascade; drop function deployments_permit_stands(bigint);"
            " drop function deployments_permit_says(deployments_permit, text);"
            " alter table deployments_deployment drop constraint deployments_limits;"
            " alter table deployments_deployment alter column limits drop default;",
        ),
    ]
