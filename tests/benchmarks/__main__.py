"""`python -m tests.benchmarks [part…] [--small]`: measure, print, and rewrite the table in README.md.

Parts, each in a process and with a database of its own: records bundles documents pages start fairness explanation
private profile. With --small, a hundredth of the rows, and the README is left alone: for trying the benchmarks."""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PARTS = ("records", "bundles", "documents", "pages", "start", "fairness", "explanation", "private", "profile")
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
NEEDS_DATABASE = {"records", "pages", "bundles", "documents"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=f"of: {', '.join(PARTS)}; all if none is given")
    parser.add_argument("--small", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.part) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}.")
    parts = asked.part or PARTS
    if len(parts) > 1:
        again = [sys.executable, "-m", "tests.benchmarks", *["--small"] * asked.small]
        return max(subprocess.call([*again, part]) for part in parts)
    home = Path(tempfile.mkdtemp(prefix="assay-bench-"))
    os.environ |= {"ASSAY_HOME": str(home), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    os.environ |= dict.fromkeys(ONE_THREAD, "1")  # as a worker's job runs; both sides alike
    try:
        rows = list(_measured(parts[0], asked.small))
    finally:
        _clear(home)
    if not asked.small:
        from tests.benchmarks.table import rewrite

        rewrite(rows)
    return 0 if all(row.kept for row in rows) else 1


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
