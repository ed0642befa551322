"""One document: read its evidence, write it, set its pages."""

import statistics

from django.db import transaction

from apps.common.tenancy import as_organization
from tests.benchmarks.clock import took
from tests.benchmarks.table import Row

REACH = 1.0  # seconds


def measure(*, small: bool):
    from apps.documents import runs
    from apps.documents.models import DocumentKind
    from tests import make
    from tests.documents import make as documents

    with transaction.atomic():
        tenant = make.tenant("papers")
        version = documents.measured(tenant)
        documents.everything_stated(tenant, version)
    times = {}
    for kind in DocumentKind:
        about = version.dataset_version if kind == DocumentKind.DATASHEET else version
        with as_organization(tenant.organization.pk):
            documents.built(tenant, kind, about)  # what is only done once in a process
        word = "dataset_version" if kind == DocumentKind.DATASHEET else "model_version"
        times[kind] = statistics.median(_built(tenant, runs, kind, word, about) for _ in range(1 if small else 5))
    slowest = max(times, key=times.__getitem__)
    yield Row(
        "documents of a model trained on 1,989 rows, with four reports and eighteen statements",
        "a second each",
        f"{', '.join(f'{kind.label.lower()} {seconds:.2f} s' for kind, seconds in times.items())}",
        f"{REACH:g} s each",
        times[slowest] <= REACH,
    )


def _built(tenant, runs, kind, word, about) -> float:
    from apps.documents import actions

    with as_organization(tenant.organization.pk):
        document = actions.build(kind, by=tenant.builder, **{word: about})
    return took(lambda: runs.run(tenant.organization.pk, document.pk))
