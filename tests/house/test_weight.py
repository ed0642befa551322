"""The web process is light: no mathematics, and small."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "shap", "opacus", "sklearn", "skops", "fairlearn", "pandas", "apps.ml")
LIMIT = 200 * 2**20  # bytes
ASK = """
import json, sys
from portal.wsgi import application
from django.urls import get_resolver

def load(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            load(pattern)
        else:
            pattern.callback

load(get_resolver())
memory = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(json.dumps({"modules": sorted(sys.modules), "memory": int(memory) * 1024}))
"""


@pytest.fixture(scope="module")
def web(django_db_setup) -> dict:
    """The modules and the peak memory (bytes) of a web process with every address loaded."""
    if not Path("/proc/self/status").exists():
        pytest.skip("NOT RUN: memory is read from /proc, which this system has not")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    root = Path(__file__).parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", ASK], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_it_imports_no_mathematics(web):
    loaded = set(web["modules"])
    assert [name for name in HEAVY if any(found == name or found.startswith(f"{name}.") for found in loaded)] == []


def test_it_stays_small(web):
    assert web["memory"] < LIMIT
