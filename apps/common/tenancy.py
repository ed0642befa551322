"""The tenant's walls: who is asking is told to PostgreSQL, and row-level security answers.

Two settings of the transaction carry it, `assay.organization` and `assay.person`; with neither set, nothing is seen.
The operations below put the walls into migrations, so that they stand beside the tables they guard."""

from contextlib import contextmanager

from django.db import connection, migrations, models, transaction

from apps.common.afterwards import ended

WEB_ROLE = "assay_web"


def become(organization_id: int | None, person_id: int | None = None) -> None:
    """Tell PostgreSQL, until the end of this transaction, for whom the following statements are made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('assay.organization', %s, true), set_config('assay.person', %s, true)",
            [str(organization_id or ""), str(person_id or "")],
        )


@contextmanager
def as_organization(organization_id: int):
    """One transaction on behalf of an organization: for workers, commands and streams, which have no request."""
    with ended(), transaction.atomic():
        become(organization_id)
        yield


def organization_ids() -> list[int]:
    """Every organization's id, and nothing else of them: the round a worker makes."""
    with connection.cursor() as cursor:
        cursor.execute("select accounts_organization_ids()")
        return [row[0] for row in cursor.fetchall()]


class TenantModel(models.Model):
    """A row that belongs to one organization."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", editable=False
    )

    class Meta:
        abstract = True


THIS_ORGANIZATION = "nullif(current_setting('assay.organization', true), '')::bigint"
THIS_PERSON = "nullif(current_setting('assay.person', true), '')::bigint"


def Tenant(table: str, column: str = "organization_id", or_seen_if: str = "") -> migrations.RunSQL:  # noqa: N802
    """Row-level security on a tenant's table; `or_seen_if` lets more be read, never written."""
    mine = f"{column} = {THIS_ORGANIZATION}"
    seen = f"{mine} or {or_seen_if}" if or_seen_if else mine
    return migrations.RunSQL(
        f"""
        alter table {table} enable row level security;
        create policy tenant_reads on {table} for select using ({seen});
        create policy tenant_writes on {table} for all using ({mine}) with check ({mine});
        """,
        f"""
        drop policy tenant_reads on {table};
        drop policy tenant_writes on {table};
        alter table {table} disable row level security;
        """,
    )


def Frozen(table: str, *, when: str = "true", free: tuple[str, ...] = (), what: str) -> migrations.RunSQL:  # noqa: N802
    """Refuse, to everybody, a change of a row that is final.

    `when`: SQL over `old` that says a row is final; `free`: columns that may change all the same;
    `what`: the subject of the sentence that is answered, such as "A published policy"."""
    kept = " - ".join(["to_jsonb({row})", *(f"'{name}'" for name in free)])
    name = f"{table}_frozen"
    return migrations.RunSQL(
        f"""
        create function {name}() returns trigger language plpgsql as $$
        begin
            if ({when}) and (tg_op = 'DELETE' or {kept.format(row="old")} <> {kept.format(row="new")}) then
                raise exception '{what} cannot be changed or deleted.' using errcode = 'restrict_violation';
            end if;
            return coalesce(new, old);
        end $$;
        create trigger {name} before update or delete on {table} for each row execute function {name}();
        create function {name}_whole() returns trigger language plpgsql as $$
        begin raise exception '{what} cannot be changed or deleted.' using errcode = 'restrict_violation'; end $$;
        create trigger {name}_whole before truncate on {table} for each statement execute function {name}_whole();
        revoke truncate on {table} from {WEB_ROLE};
        """,
        f"drop function {name}() cascade; drop function {name}_whole() cascade;",
    )


def AppendOnly(table: str, *, what: str) -> migrations.RunSQL:  # noqa: N802
    """Refuse every update and delete, by right and by trigger."""
    frozen = Frozen(table, what=what)
    return migrations.RunSQL(
        f"{frozen.sql} revoke update, delete, truncate on {table} from {WEB_ROLE};",
        f"grant update, delete on {table} to {WEB_ROLE}; {frozen.reverse_sql}",
    )
