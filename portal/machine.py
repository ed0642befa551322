"""What machine a worker is on. The GPU is asked for in a process of its own, so that the worker stays small."""

import json
import os
import subprocess
import sys

ASK = """
import json, torch
found = torch.cuda.is_available() and torch.cuda.get_device_properties(0)
print(json.dumps({"type": "cuda", "name": found.name, "memory": found.total_memory,
                  "bf16": torch.cuda.is_bf16_supported()} if found else {"type": "cpu"}))
"""


def describe() -> dict:
    """Name, cores, memory (bytes) and device of this machine."""
    from apps.common.work import worker_name

    return {
        "name": worker_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "device": _device(),
    }


def _device() -> dict:
    if not any(os.path.exists(path) for path in ("/dev/nvidia0", "/dev/dxg", "/dev/kfd")):
        return {"type": "cpu"}
    answer = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, timeout=120, check=False)
    return json.loads(answer.stdout) if answer.returncode == 0 else {"type": "cpu"}
