"""What is learned from, what is learned, and what came of it in operation."""

import io
import random

from django.core.files.uploadedfile import SimpleUploadedFile

from apps.approvals.models import Approval
from apps.models.models import ModelVersion
from apps.projects.models import Project
from apps.projects.rules import NAMES
from portal.isolation.canaries.canary import Canary, worked


def table(canary: Canary, *, seed: int = 0, wrong: bool = False) -> bytes:
    """240 rows that a regression learns easily, with the canary's words in header and cells; or whose outcomes are the
    opposite."""
    dice, lines = random.Random(seed), io.StringIO()  # noqa: S311  nothing secret
    lines.write(f"decision,{canary.word('column')},income\n")
    for _ in range(240):
        group, income = dice.choice((canary.word("cell"), "other")), dice.gauss(0, 1)
        lines.write(f"{int((income + dice.gauss(0, 0.4) > 0) != wrong)},{group},{income:.4f}\n")
    return lines.getvalue().encode()


def data_and_model(canary: Canary) -> None:
    answers = dict.fromkeys(NAMES, False)
    named_by = {"name": canary.word("project"), "purpose": canary.word("purpose")}
    made = canary.do("builder", "api-projects", answers=answers, **named_by)
    canary.enter()
    canary.rows[Project] = Project.objects.get(slug=made["slug"])
    data = uploaded(canary, "dataset")
    worked(canary)
    declared(canary, data)
    canary.do("builder", "api-runs", project=canary.project, model=canary.word("model"), dataset_version=data,
              recipe={"estimator": "logistic"}, gpu=False)  # fmt: skip
    worked(canary)
    canary.enter()
    canary.rows[ModelVersion] = ModelVersion.objects.get(organization=canary.organization)


def uploaded(canary: Canary, place: str, **rows) -> int:
    file = SimpleUploadedFile(canary.word("file") + ".csv", table(canary, **rows), content_type="text/csv")
    return canary.do("builder", "api-datasets", project=canary.project, name=canary.word(place), file=file)["id"]


def declared(canary: Canary, data: int) -> None:
    group = canary.word("column")
    said = {"target": "decision", "favourable": "1", "missing": [canary.word("missing")], "left_out": []}
    sensitive = [{"name": group, "kind": "column", "column": group}]
    canary.do("builder", "api-dataset-version-declaration", data, sensitive=sensitive, **said)


def operation(canary: Canary) -> None:
    """What became of the people since, with every decision proved wrong; and so a sign-off that falls, and why."""
    data = uploaded(canary, "operation", seed=1, wrong=True)
    worked(canary)
    declared(canary, data)
    canary.enter()
    approval = Approval.objects.get(organization=canary.organization).pk
    canary.do("builder", "api-approval-operation-reports", approval, dataset_version=data, kinds=["performance"])
    worked(canary)
