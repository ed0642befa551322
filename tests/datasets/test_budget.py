"""The privacy budget of a dataset: set by an owner, never below what is spent, asked at every launch."""

import pytest

from apps.audits.models import Record
from apps.common.errors import BadInput, NotPermitted
from apps.datasets import actions
from apps.datasets.models import Dataset
from tests.accounts.make import bearer, token
from tests.datasets import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def data(acme):
    version = make.version(acme.builder, acme.project)
    actions.charge(version, run_id=1, epsilon=2.0, delta=1e-5, mechanism={})
    return version


def test_an_owner_sets_it_and_it_is_remembered_with_what_it_was(acme, data):
    acme.enter(acme.owner)
    actions.set_budget(data.dataset, cap=4.0, by=acme.owner)
    actions.set_budget(data.dataset, cap=None, by=acme.owner)
    assert Dataset.objects.get(pk=data.dataset_id).epsilon_cap is None
    told = Record.objects.filter(event="budget.set").order_by("seq").values_list("facts", flat=True)
    assert list(told) == [{"cap": 4.0, "before": None}, {"cap": None, "before": 4.0}]


@pytest.mark.parametrize("cap", [1.9, 0, -1, 1001, float("inf"), float("nan")])
def test_a_number_that_promises_nothing_is_refused_and_changes_nothing(acme, data, cap):
    acme.enter(acme.owner)
    with pytest.raises(BadInput):
        actions.set_budget(data.dataset, cap=cap, by=acme.owner)
    assert Dataset.objects.get(pk=data.dataset_id).epsilon_cap is None


def test_who_spends_it_does_not_set_it(acme, data):
    acme.enter(acme.builder)
    with pytest.raises(NotPermitted, match="Only owners"):
        actions.set_budget(data.dataset, cap=4.0, by=acme.builder)


def test_the_page_keeps_what_was_typed_beside_the_objection(acme, data, client):
    client.force_login(acme.owner.user)
    where = f"{data.get_absolute_url()}budget/"
    refused = client.post(where, {"cap": "1"})
    assert refused.status_code == 400
    assert "nobody can take that back" in refused.content.decode() and 'value="1' in refused.content.decode()
    assert client.post(where, {"cap": "5"}).status_code == 303
    assert "Of ε 5" in client.get(data.get_absolute_url()).content.decode()


def test_a_program_sets_it_too(acme, data, api_client):
    acme.enter(acme.owner)
    where, header = (
        f"/api/v1/acme/datasets/{data.dataset_id}/budget/",
        bearer(token(acme.owner, "read", "budget.set")[1]),
    )
    refused = api_client.put(where, {"cap": 1.0}, format="json", **header)
    assert refused.status_code == 400 and "cap" in refused.json()["errors"]
    assert api_client.put(where, {"cap": 3.5}, format="json", **header).json()["epsilon_cap"] == 3.5
