"""Queries start from the viewer, even where the database's own wall would have let more through."""

import pytest

from apps.datasets import actions, queries
from tests.datasets import make


@pytest.fixture
def version(acme):
    version = make.version(acme.builder, acme.project, declaration=make.SAID)
    actions.charge(version, run_id=1, epsilon=1.0, delta=1e-5, mechanism={})
    return version


def test_another_organizations_viewer_sees_nothing_though_the_tenant_is_set(acme, rival, version):
    acme.enter()
    viewer = rival.builder
    assert not queries.versions(viewer=viewer).exists()
    assert not queries.datasets(viewer=viewer).exists()
    assert not queries.usable(viewer=viewer, project=acme.project).exists()
    assert not queries.siblings(version, viewer=viewer).exists()
    assert not queries.budget(viewer=viewer, dataset=version.dataset).exists()
    assert queries.spent(viewer=viewer, dataset=version.dataset)["entries"] == 0


def test_without_a_tenant_nothing_is_seen(acme, version):
    from apps.common.tenancy import become

    become(None)
    assert not queries.versions(viewer=acme.builder).exists()
    assert queries.latest_profile(version) is None


def test_a_dataset_knows_its_newest_version_and_what_was_spent(acme, version):
    newer = make.version(acme.builder, acme.project, make.TABLE + b"30,F,1,1\n")
    dataset = queries.datasets(viewer=acme.auditor, project=acme.project).get()
    assert (dataset.version_count, dataset.newest_id, dataset.epsilon_spent) == (2, newer.pk, 1.0)
    told = {one.number: one.superseded for one in queries.siblings(newer, viewer=acme.auditor)}
    assert told == {1: True, 2: False}


def test_usable_is_what_is_declared_and_not_withdrawn(acme, version):
    make.version(acme.builder, acme.project, name="undeclared")
    assert list(queries.usable(viewer=acme.builder, project=acme.project)) == [version]
    actions.withdraw(version, reason="x", by=acme.builder)
    assert not queries.usable(viewer=acme.builder, project=acme.project)


def test_facts_come_from_the_newest_finished_profile(acme, version):
    assert queries.facts_by_column(version) == {}
    make.profiled(version)
    assert queries.facts_by_column(version)["income"]["missing"] == 1
    assert queries.profile_result(version)["declared"] is True
