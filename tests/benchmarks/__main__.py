"""`python -m tests.benchmarks [part…] [--small]`: measure and print; all of it also rewrites the table in README.md.

Parts, each in a process and with a database of its own: records bundles documents pages start fairness explanation
private profile. Some of them, or --small (a hundredth of the rows), are for trying: README's table is of one run."""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.table import rewrite

PARTS = ("records", "bundles", "documents", "pages", "start", "fairness", "explanation", "private", "profile")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
KEPT, MISSED = 0, 3  # exit statuses; what failed to measure ends as Python does, with 1
NEEDS_DATABASE = {"records", "pages", "bundles", "documents"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=f"of: {', '.join(PARTS)}; all if none is given")
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.part) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}.")
    if len(asked.part) != 1:
        return _apart(asked.part or PARTS, asked.small, into_readme=not asked.part and not asked.small)
    home = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    os.environ |= {"ASSAY_HOME": str(home), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    os.environ |= dict.fromkeys(ONE_THREAD, "1")  # as a worker's job runs; both sides alike
    try:
        rows = list(_measured(asked.part[0], asked.small))
    finally:
        _clear(home)
    return KEPT if all(row.kept for row in rows) else MISSED


def _apart(parts: Sequence[str], small: bool, *, into_readme: bool) -> int:
    """Each part in a process of its own, until one cannot be measured."""
    lines, worst = [], KEPT
    for part in parts:
        again = [sys.executable, "-m", "tests.benchmarks", part, *["--small"] * small]
        with subprocess.Popen(again, stdout=subprocess.PIPE, text=True) as running:
            for line in running.stdout:
                print(line, end="", flush=True)
                lines += [line.rstrip()] * line.startswith("| ")
        if running.returncode not in (KEPT, MISSED):
            return running.returncode
        worst = max(worst, running.returncode)
    if into_readme:
        rewrite(lines)
    return worst


def _measured(part: str, small: bool):
    if part in NEEDS_DATABASE:
        _database()
    for row in importlib.import_module(f"tests.benchmarks.{part}").measure(small=small):
        print(row, flush=True)
        yield row


def _database() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", database="owner", verbosity=0)


def _clear(home: Path) -> None:
    """Stop the database of this run and remove its folder."""
    from portal import embedded

    if (home / "postgres").exists() and "DATABASE_URL" not in os.environ:
        embedded.stop(home / "postgres")
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
