"""The README's walk with curl does what it says, word for word."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.journeys.live import ROOT


@pytest.mark.skipif(not shutil.which("curl"), reason="NOT RUN: curl is not installed")
def test_the_walk_with_curl_does_what_it_says(portal, people, tmp_path):
    text = (ROOT / "README.md").read_text()
    (walk,) = re.findall(r"<!-- curl -->\s*```sh\n(.*?)```\s*<!-- /curl -->", text, re.S)
    environment = os.environ | {
        "PORTAL": portal.address,
        "DEMO": str(portal.home / "demo.json"),
        "PYTHON": sys.executable,
    }
    done = subprocess.run(
        ["bash", "-c", "set -e\n" + walk],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"predictions":[{"probability":' in done.stdout
    assert "intact to record" in done.stdout
    assert done.stdout.count("\nVERIFIED: ") == 2
