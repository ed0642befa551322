"""The table of speeds in README.md, between its markers: what one run measured, all of it."""

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
HEAD = "| what | against | measured | reach | |\n| --- | --- | --- | --- | --- |"


@dataclass(frozen=True)
class Row:
    """One line: `measured` in words with its ratio, `reach` as promised, and whether it is kept."""

    what: str
    against: str
    measured: str
    reach: str
    kept: bool

    def __str__(self):
        verdict = "kept" if self.kept else "**missed**"
        return f"| {self.what} | {self.against} | {self.measured} | {self.reach} | {verdict} |"


def rewrite(lines: list[str]) -> None:
    """Put these lines, all of one run, into README.md as its table."""
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + "\n".join([BEGIN, machine(), "", HEAD, *lines, END]) + after, "utf-8")


def machine() -> str:
    """The machine in words, without its name."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    day = datetime.now(UTC)
    return (
        f"Measured by `make bench` on {_processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()},"
        f" Python {platform.python_version()}, {day.day} {day:%B %Y}."
    )


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.M)
    except OSError:
        found = None
    return found[1].strip() if found else platform.machine()
