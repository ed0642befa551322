"""Two at once: one result, and the other gets a clear answer."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from apps.common import work
from apps.common.errors import ActionDenied
from apps.common.tenancy import become
from apps.datasets import actions
from apps.datasets.models import DatasetVersion, Profile
from tests.datasets import make


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    """These commits are real; nobody listens at the broker."""
    monkeypatch.setattr(work, "_ring", lambda row: None)


def together(living, act, times: int = 3) -> list[str]:
    """What each of several simultaneous calls says: “done”, or the refusal."""
    barrier = Barrier(times)

    def one(_):
        barrier.wait()
        try:
            with transaction.atomic():
                become(living.organization.pk, living.builder.user_id)
                act()
        except ActionDenied as denied:
            return str(denied)
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return sorted(threads.map(one, range(times)))


def test_a_double_upload_makes_one_version(living):
    said = together(living, lambda: make.version(living.builder, living.project))
    assert said.count("done") == 1
    assert all("are loans v1 already" in words for words in said if words != "done")
    with transaction.atomic():
        living.enter()
        assert DatasetVersion.objects.count() == 1


def test_different_bytes_at_once_make_versions_in_a_row(living):
    contents = iter([make.TABLE + b"%d,F,1,1\n" % age for age in (20, 30, 40)])
    said = together(living, lambda: make.version(living.builder, living.project, next(contents)))
    assert said == ["done"] * 3
    with transaction.atomic():
        living.enter()
        assert sorted(DatasetVersion.objects.values_list("number", flat=True)) == [1, 2, 3]


def test_a_double_declaration_is_one(living):
    with transaction.atomic():
        living.enter()
        version = make.version(living.builder, living.project)
    said = together(living, lambda: actions.declare(version, declaration=make.SAID, by=living.builder), times=2)
    assert said.count("done") == 1 and any("never changes" in words for words in said)
    with transaction.atomic():
        living.enter()
        assert Profile.objects.filter(version=version, declared=True).count() == 1
