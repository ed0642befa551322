"""From rows brought from operation to a model that answers no more: worker, database, permit, serving and record."""

import csv
import io

import pytest
from django.test import override_settings

from apps.approvals import actions as approvals
from apps.audits.models import Record
from apps.deployments import actions, queries, runs
from apps.reports import in_operation
from tests.approvals import make
from tests.reports import make as real
from tests.reports.test_operation import brought, later, rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_shelf():
    runs.shelf._models.clear()


@pytest.fixture
def serving(acme):
    """A model trained on real mortgage decisions, signed off and deployed."""
    version = real.model_version(acme.builder, project=acme.project)
    return actions.open_deployment(make.approved_of(acme, version), name="screening", by=acme.builder)


def ask(client, acme, deployment):
    row = next(csv.DictReader(io.StringIO(real.loans().decode())))
    inputs = [column["name"] for column in deployment.model_version.input_schema]
    body = {"rows": [{name: float(row[name]) if row[name] else None for name in inputs}]}
    client.force_login(acme.builder.user)
    with override_settings(ROOT_URLCONF="portal.serving_urls"):
        path = f"/api/v1/acme/deployments/{deployment.pk}/predict"
        answer = client.post(path, body, content_type="application/json")
    acme.enter(acme.builder)
    return answer


def measure(acme, deployment, data, *kinds):
    for report in approvals.measure_in_operation(deployment.approval, data, kinds=list(kinds), by=acme.builder):
        in_operation.run(report.organization_id, report.pk)
        report.refresh_from_db()
        assert report.state == "finished", report.problem
    acme.enter(acme.builder)


def turned(row):
    """What came of it is the opposite of what it was."""
    return later(row) | {"approve": str(1 - int(row["approve"]))}


def test_what_keeps_its_rules_goes_on_serving(client, acme, serving):
    measure(acme, serving, brought(acme), "performance")
    assert ask(client, acme, serving).status_code == 200


def test_what_breaks_a_rule_in_operation_answers_no_further_request(client, acme, serving):
    assert ask(client, acme, serving).status_code == 200 and serving in runs.shelf
    data = brought(acme, rows(turned))
    measure(acme, serving, data, "performance")
    refused = ask(client, acme, serving)
    assert refused.status_code == 409
    for words in ("its sign-off does not stand", "in operation a required figure is out of bounds",
                  "Rule 5 fails in operation: Balanced accuracy is at least 0.65", "on june v1"):  # fmt: skip
        assert words in refused.json()["detail"], words
    assert not queries.permit(serving).stands


def test_what_is_loaded_is_dropped_and_its_permit_revoked_by_the_portals_round(client, acme, serving):
    ask(client, acme, serving)
    measure(acme, serving, brought(acme, rows(turned)), "performance")
    runs.shelf.look()
    assert serving not in runs.shelf
    actions.keep_permits()
    approvals.notice()
    acme.enter(acme.builder)
    permit = queries.permit(serving)
    assert permit.revoked_at and "out of bounds" in permit.revoked_reason
    events = list(Record.objects.order_by("seq").values_list("event", flat=True))
    for event in ("operation-report.finished", "permit.revoked", "approval.broken", "approval.stale"):
        assert events.count(event) == 1, event


def test_no_deployment_is_opened_on_it_and_no_permit_given(acme, serving):
    measure(acme, serving, brought(acme, rows(turned)), "performance")
    with pytest.raises(actions.ActionDenied, match="out of bounds"):
        actions.open_deployment(serving.approval, name="other", by=acme.builder)
    actions.keep_permits()
    acme.enter(acme.builder)
    assert serving.permits.count() == 1


def test_the_page_of_the_deployment_shows_what_was_measured_newest_first(client, acme, serving):
    measure(acme, serving, brought(acme), "performance")
    measure(acme, serving, brought(acme, rows(turned), name="july"), "performance")
    client.force_login(acme.auditor.user)
    page = client.get(serving.get_absolute_url()).content.decode()
    assert page.index("july v1</a>, 900 rows") < page.index("june v1</a>, 900 rows")
    assert "Out of bounds: a required figure broke its rule in operation" in page
    assert f'href="{serving.approval.get_absolute_url()}operation/"' in page
