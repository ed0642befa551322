"""Where no address leads: plain SQL as the web role, workers' tasks, the store, the queue, the log, what is sent."""

import json
import tempfile
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction

from apps.common import storage
from apps.common.work import Work, WorkState, claim
from apps.notifications.actions import forward
from portal.isolation import reading
from portal.isolation.canaries import Canary, owner_of, task_of, tenant_models
from portal.isolation.doors import undone

WITHOUT_WALLS = """
select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
 where a.attname = 'organization_id' and c.relkind in ('r', 'p') and not c.relrowsecurity
   and c.relnamespace = 'public'::regnamespace
"""
ABOVE_THE_WALLS = """
select rolname from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)
union all
select c.relname from pg_class c where c.relowner = (select oid from pg_roles where rolname = current_user)
   and c.relrowsecurity and not c.relforcerowsecurity
"""


def all_of(trial) -> None:
    for stage in (tables, tasks, files, silence):
        trial.say(stage.__doc__)
        stage(trial)


def tables(trial) -> None:
    """every table, by plain SQL"""
    for query, says in ((WITHOUT_WALLS, "has no row-level security"), (ABOVE_THE_WALLS, "stands above the walls")):
        for (name,) in _asked(query):
            trial.tally.found(f"table {name}", "catalogue", says)
    for model in tenant_models():
        _table(trial, model._meta.db_table, model._meta.get_field("id").column, owner_of(model))


def _table(trial, name: str, key: str, owner: str) -> None:
    whose = {"id": trial.theirs.organization.pk}
    trial.theirs.enter()
    rows = _asked(f"select to_jsonb(t) from {name} t where {owner} = %(id)s limit 1", whose)
    if not rows:
        trial.tally.not_tried(f"table {name}", "plain SQL", "the canary has no row in it")
        return
    row = rows[0][0] if isinstance(rows[0][0], dict) else json.loads(rows[0][0])
    new = json.dumps(row | {key: 2**40} if key != owner else row)
    deeds = {
        "select": f"select 1 from {name} where {owner} = %(id)s",
        "update": f"update {name} set {owner} = {owner} where {owner} = %(id)s",
        "delete": f"delete from {name} where {owner} = %(id)s",
        "insert": f"insert into {name} select * from jsonb_populate_record(null::{name}, %(row)s)",
    }
    for deed, sql in deeds.items():
        trial.ours.enter()
        count, refusal = _done(sql, whose | {"row": new})
        came = refusal or f"{count} rows"
        wrong = f"{deed} reached {count} rows of another organization" if count else ""
        trial.tally.tried(f"table {name}", deed, came, wrong=wrong)


def _done(sql: str, given: dict) -> tuple[int, str]:
    """(rows it reached, "") or (0, the refusal), undone."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, given)
            count = cursor.rowcount
            transaction.set_rollback(True)
        return count, ""
    except DatabaseError as error:
        return 0, f"refused: {getattr(error.__cause__, 'sqlstate', '')} {str(error).splitlines()[0]}"


def _asked(sql: str, given: dict | None = None) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall()


def tasks(trial) -> None:
    """every task of a worker, with another organization's row"""
    ours, theirs = trial.ours.organization.pk, trial.theirs.organization.pk
    for model in Work.__subclasses__():
        trial.theirs.enter()
        waiting = model._default_manager.filter(organization=theirs, state=WorkState.QUEUED).values()
        before = waiting.first()
        if before is None:
            trial.tally.not_tried(f"task {model.task}", "row", "the canary has no such work waiting")
            continue
        with undone():
            task_of(model)(organization_id=ours, work_id=before["id"])
            trial.theirs.enter()
            after = model._default_manager.filter(pk=before["id"]).values().first()
        came = "left alone" if after == before else "changed"
        wrong = "" if after == before else "took up or changed another organization's work"
        trial.tally.tried(f"task {model.task}", "row", came, wrong=wrong)
        with undone():
            if claim(model, theirs, before["id"]) is None:
                trial.tally.broken(f"task {model.task}", "does not find its own organization's work either")


def files(trial) -> None:
    """every stored file, by its digest and by its name"""
    theirs, ours = _stored(trial.theirs), _stored(trial.ours)
    client = trial.ours.clients["owner"]
    for digest, name in theirs.items():
        wrong = "" if digest in ours else _read(trial.ours, digest)
        came = "both have these bytes, each its own" if digest in ours else wrong or "not found"
        trial.tally.tried(f"file {digest[:12]}", "digest", came, wrong=wrong)
        status = client.get(f"/{name}").status_code
        wrong = "" if status == 404 else f"an address made of its name is answered {status}"
        trial.tally.tried(f"file {digest[:12]}", "name", str(status), wrong=wrong)
    for digest, name in ours.items():
        with default_storage.open(name) as file:
            words = trial.theirs.met_in(reading.plain(file.read()))
        wrong = f"holds {', '.join(sorted(words))}" if words else ""
        trial.tally.tried(f"file {digest[:12]} of one's own", "content", "read", wrong=wrong)
    if not theirs:
        trial.tally.broken("files", "the canary stored none")


def _read(canary: Canary, digest: str) -> str:
    try:
        storage.read(canary.organization.pk, digest)
    except FileNotFoundError:
        return ""
    return "its bytes were read by another organization"


def _stored(canary: Canary) -> dict[str, str]:
    """{digest: name} of every file an organization has."""
    top, found = str(canary.organization.pk), {}
    for folder in default_storage.listdir(top)[0]:
        for digest in default_storage.listdir(f"{top}/{folder}")[1]:
            found[digest] = f"{top}/{folder}/{digest}"
    return found


def silence(trial) -> None:
    """the queue, the log and the forwarded record, for every word that was planted"""
    for _sids, ring, _robust in list(connection.run_on_commit):
        ring()
    for what, texts in (("the queue", trial.messages), ("the log", trial.lines), ("forwarded record", _told(trial))):
        words = trial.theirs.met_in("\n".join(texts).encode())
        came, wrong = f"{len(texts)} read", f"holds {', '.join(sorted(words))}" if words else ""
        trial.tally.tried(what, "words", came, wrong=wrong)
    if not trial.messages:
        trial.tally.broken("the queue", "no message was sent, though work was asked for")


def shown_to_their_own(trial) -> None:
    """Who plants a word that nobody is ever shown proves nothing by not finding it."""
    for word in sorted(trial.theirs.words - trial.seen):
        where = f"word “{word.removeprefix(trial.theirs.mark)}”"
        trial.tally.broken(where, "was not even shown to its own organization")


def _told(trial) -> list[str]:
    """What a SIEM of ours is sent."""
    with tempfile.TemporaryDirectory() as folder:
        forward(trial.ours.organization, path := Path(folder) / "lines")
        return path.read_text().splitlines()
