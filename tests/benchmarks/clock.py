"""Taking time and memory."""

import gc
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path


def took(do: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    gc.collect()
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def middle(do: Callable[[], object], times: int = 5) -> float:
    """The median of several calls."""
    return statistics.median(took(do) for _ in range(times))


def best(do: Callable[[], object], times: int = 3) -> float:
    """The quickest of several calls: what the machine can do when nothing else is done."""
    return min(took(do) for _ in range(times))


def grown(do: Callable[[], object]) -> int:
    """Bytes by which this process's memory rose above where it stood, at its highest, while `do` ran."""
    gc.collect()
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest so far
    do()
    return _memory("VmHWM") - before


def _memory(name: str) -> int:
    return 1024 * int(re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)[1])


def megabytes(count: int) -> str:
    return f"{count / 10**6:.0f} MB"
