"""A project's people are its organization's own, its address never moves, and once closed it stays as it is."""

from django.db import migrations

from apps.common.tenancy import WEB_ROLE

WITHIN = """
alter table projects_project add constraint projects_project_within unique (organization_id, id);
alter table projects_project add constraint projects_project_owner_within
    foreign key (organization_id, owner_id) references accounts_membership (organization_id, id);
alter table projects_project add constraint projects_project_created_by_within
    foreign key (organization_id, created_by_id) references accounts_membership (organization_id, id);
alter table projects_project add constraint projects_project_class
    check (risk_class in ('minimal', 'limited', 'high'));
"""

STANDS = """
create function projects_project_stands() returns trigger language plpgsql as $$
begin
    if old.closed_at is not null then
        raise exception 'A closed project cannot be changed.' using errcode = 'restrict_violation';
    end if;
    if (new.organization_id, new.slug, new.created_by_id, new.created_at)
       is distinct from (old.organization_id, old.slug, old.created_by_id, old.created_at) then
        raise exception 'A project keeps its organization, address and beginning.' using errcode = 'restrict_violation';
    end if;
    return new;
end $$;
create trigger projects_project_stands before update on projects_project
    for each row execute function projects_project_stands();
"""


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_walls"), ("accounts", "0003_membership_walls")]
    operations = [
        migrations.RunSQL(
            WITHIN,
            "alter table projects_project drop constraint projects_project_class;"
            " alter table projects_project drop constraint projects_project_created_by_within;"
            " alter table projects_project drop constraint projects_project_owner_within;"
            " alter table projects_project drop constraint projects_project_within;",
        ),
        migrations.RunSQL(STANDS, "drop function projects_project_stands() cascade;"),
        migrations.RunSQL(
            f"revoke delete, truncate on projects_project from {WEB_ROLE};",
            f"grant delete on projects_project to {WEB_ROLE};",
        ),
    ]
