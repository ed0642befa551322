"""A bundle: how long it takes to build, with its reports set as documents, and to check without the portal."""

import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.db import transaction

from apps.approvals import queries
from apps.bundles import actions
from apps.common.tenancy import as_organization
from tests.benchmarks.clock import best, took
from tests.benchmarks.table import Row

BUILT, CHECKED = 5.0, 2.0  # seconds


def measure(*, small: bool):
    tenant, approval = _signed_off()
    with as_organization(tenant.organization.pk):
        tenant.enter(tenant.builder)
        found = queries.approvals(viewer=tenant.builder).get(pk=approval.pk)
        archives: list[bytes] = []
        build = lambda: archives.append(b"".join(actions.build(found, by=tenant.builder, files=True).content))  # noqa: E731
        first = took(build)  # a process that has set no document yet
    yield _built(first, archives[-1])
    yield from _checked(archives[-1])


def _built(first: float, archive: bytes) -> Row:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        count = len(opened.namelist())
    return Row(
        "bundle of a model version built", "nothing: a person waits for it",
        f"**{first:.1f} s** in a process that has set no document yet; {count} files, {len(archive) / 10**6:.1f} MB",
        f"at most {BUILT:.0f} s", first <= BUILT,
    )  # fmt: skip


def _checked(archive: bytes) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(archive)) as opened:
        Path(folder, "bundle.zip").write_bytes(archive)
        opened.extractall(folder, ["verify.py", "decide.py"])
        for program, what in (("verify.py", "verified"), ("decide.py", "verified and decided again")):
            command = [sys.executable, "-I", program, "bundle.zip"]
            whole = best(lambda command=command: subprocess.run(command, cwd=folder, check=True, capture_output=True))
            yield Row(
                f"the same bundle {what} by {program}", "nothing: the start of Python is in it",
                f"**{whole:.2f} s**", f"at most {CHECKED:.0f} s", whole <= CHECKED,
            )  # fmt: skip


POLICY = """
name: benchmark
risk_class: high
valid_days: 365
rules:
  - {report: performance}
  - {report: fairness}
  - {report: privacy}
  - {report: explainability}
  - {report: performance, figure: balanced_accuracy, bound: lower, at_least: 0.5}
signers:
  - {role: reviewer, meaning: validated}
  - {role: reviewer, meaning: approved}
"""


def _signed_off():
    """Real mortgage decisions, a model trained on them, four measured reports, two signatures."""
    from apps.reports.models import Kind
    from tests import make
    from tests.approvals import make as approvals
    from tests.reports import make as reports

    with transaction.atomic():
        tenant = make.tenant("bundles")
    with as_organization(tenant.organization.pk):
        tenant.enter(tenant.builder)
        version = reports.model_version(tenant.builder, project=tenant.project)
        for kind in Kind:
            reports.report(tenant.builder, version, kind)
        approvals.publish(tenant, POLICY)
        approval = approvals.asked_for(tenant, version)
        for signer, meaning in ((tenant.reviewer, "validated"), (tenant.second_reviewer, "approved")):
            tenant.enter(signer)
            approvals.sign(approval, signer, meaning)
    return tenant, approval
