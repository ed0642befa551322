"""On a worker: the same measurements on rows from operation, all those of a dataset version brought for it."""

from dataclasses import replace

import polars as pl

from apps.common import work
from apps.common.errors import WorkProblem
from apps.common.tenancy import as_organization
from apps.datasets.models import DatasetVersion
from apps.ml import tables
from apps.reports import actions, answers, rules, runs
from apps.reports.models import OperationReport


def run(organization_id: int, work_id: int) -> None:
    work.carry_out(
        OperationReport, organization_id, work_id, _measure_in_operation, fail=actions.fail, cancel=actions.stop
    )


def _measure_in_operation(report, pulse):
    pulse.progress(words="reading the registered model and the rows from operation", share=0.05, at_once=True)
    registered = runs.registered_of(report)
    with as_organization(report.organization_id):
        brought = DatasetVersion.objects.select_related("dataset").get(pk=report.dataset_version_id)
    with runs.problems_told():
        evidence = runs.gather(registered)
        pulse.progress(words="measuring", share=0.2, at_once=True)
        evidence, seen = from_operation(evidence, brought)
        result = runs.measured(report, registered, evidence, lambda share: pulse.progress(share=0.2 + 0.75 * share))
    with as_organization(report.organization_id):
        actions.keep(report, result | _told_of_operation(report, brought, result, seen))


def from_operation(evidence: runs.Evidence, brought: DatasetVersion) -> tuple[runs.Evidence, int]:
    """The evidence with all rows of `brought` in place of the unseen ones, and how many of them the model learned.

    Rows that only repeat what it learned are no operation: a WorkProblem."""
    declaration, rows = runs.table(brought)
    seen = _also_learned(rows.frame, evidence.learned.frame)
    if seen == rows.frame.height:
        raise WorkProblem(f"Every row of {brought} is one the model learned from. Bring rows from operation.")
    inputs = evidence.inputs | {
        "test_data": brought.digest,
        "test_declaration": brought.declaration_digest,
        "rows": rows.digest,
        "n": len(rows.outcome),
    }
    return replace(evidence, unseen=rows, declaration=declaration, inputs=inputs), seen


def _also_learned(rows: pl.DataFrame, learned: pl.DataFrame) -> int:
    """How many rows stand word for word, in all columns that both tables have, among those it learned from."""
    shared = [name for name in rows.columns if name in learned.columns]
    mine, known = (frame.select(tables.text_of(frame[name]) for name in shared) for frame in (rows, learned))
    return mine.join(known.unique(), on=shared, how="semi", nulls_equal=True).height


def _told_of_operation(report, brought, result, seen: int) -> dict:
    """What the result says more, and otherwise, because it was measured in operation."""
    since, until = (day.isoformat() if day else None for day in (report.since, report.until))
    operation = {
        "dataset": brought.dataset.name,
        "version": brought.number,
        "digest": brought.digest,
        "declaration": brought.declaration_digest,
        "since": since,
        "until": until,
        "n": result["inputs"]["n"],
        "also_learned": seen,
    }
    caveats = [f"Whether these are all rows of the time, or chosen ones, {brought.dataset.name} does not show."]
    if seen:
        caveats.append(
            f"{seen:,} of the {operation['n']:,} rows stand word for word among those the model learned from."
        )
    return {
        "operation": operation,
        "answer": answers.in_operation(report.kind, result, rules.in_words(operation)),
        "caveats": [*result["caveats"], *caveats],
    }
