"""Pages of models: what they say, what they refuse, and to whom."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audits.events import Event
from apps.audits.models import Record
from apps.models.models import ModelVersion
from tests.models import make

pytestmark = pytest.mark.django_db
ROOT = "/acme/lending/models/"


@pytest.fixture
def version(acme):
    acme.enter(acme.builder)
    return make.version(acme)


@pytest.fixture
def as_(client, acme):
    def become(role):
        client.force_login(acme.members[role].user)
        return client

    return become


def test_an_empty_list_says_what_it_is_for(as_):
    page = as_("auditor").get(ROOT)
    assert page.status_code == 200
    assert "A training run ends as a model version." in page.content.decode()


def test_the_list_shows_each_figure_with_interval_and_n(acme, version, as_):
    make.version(acme, on=version.dataset_version, name="private", privacy=make.PRIVACY)
    page = as_("auditor").get(ROOT).content.decode()
    assert "approve v1" in page
    assert "n 60" in page
    assert "no guarantee" in page
    assert "ε 2.9" in page
    filtered = as_("auditor").get(f"{ROOT}?name=private").content.decode()
    assert "approve v1" not in filtered
    assert "private v1" in filtered


def test_a_version_shows_all_that_made_it(acme, version, as_):
    page = as_("auditor").get(version.get_absolute_url()).content.decode()
    for words in (
        "A logistic regression that predicts paid = yes", version.artifact_digest, version.data_digest,
        version.declaration_digest, version.recipe_digest, "model.json", "There is no proved bound",
        "sensitive columns are not among them", "Only builders and reviewers of this organization download models.",
    ):  # fmt: skip
        assert words in page, words


def test_a_private_version_shows_its_account(acme, as_):
    acme.enter(acme.builder)
    version = make.version(acme, privacy=make.PRIVACY)
    page = as_("reviewer").get(version.get_absolute_url()).content.decode()
    assert "At most ε 2.9" in page
    assert "One row is protected." in page


def test_as_many_statements_for_many_versions_as_for_one(acme, version, as_):
    def statements():
        client, counts = as_("auditor"), []
        for address in (ROOT, version.get_absolute_url()):
            with CaptureQueriesContext(connection) as counted:
                client.get(address)
            counts.append(len(counted))
        acme.enter(acme.builder)
        return counts

    few = statements()
    for _ in range(8):
        make.version(acme, on=version.dataset_version)
    assert statements() == few
    assert max(few) <= 15


def test_a_file_comes_as_registered_and_is_remembered(acme, version, as_):
    answer = as_("builder").get(f"{version.get_absolute_url()}files/model.json")
    assert b"".join(answer.streaming_content) == make.FILES["model.json"]
    assert answer["Content-Disposition"] == 'attachment; filename="approve-v1-model.json"'
    acme.enter()
    assert Record.objects.filter(event=Event.MODEL_DOWNLOADED, on_id=version.pk).count() == 1
    assert as_("builder").get(f"{version.get_absolute_url()}files/other").status_code == 404


def test_who_may_not_download_is_led_back_with_the_reason(acme, version, as_):
    answer = as_("auditor").get(f"{version.get_absolute_url()}files/model.json", follow=True)
    assert "Only builders and reviewers" in answer.content.decode()
    acme.enter()
    assert not Record.objects.filter(event=Event.MODEL_DOWNLOADED).exists()


def test_retiring_asks_for_a_reason_and_keeps_the_page_open(acme, version, as_):
    refused = as_("builder").post(version.get_absolute_url(), {"reason": ""})
    assert refused.status_code == 400
    done = as_("builder").post(version.get_absolute_url(), {"reason": "Replaced."}, follow=True)
    assert "approve v1 is retired." in done.content.decode()
    assert "Replaced." in done.content.decode()
    denied = as_("reviewer").post(version.get_absolute_url(), {"reason": "Mine too."})
    assert "Only builders" in denied.content.decode()
    acme.enter()
    assert ModelVersion.objects.get(pk=version.pk).retired_reason == "Replaced."


@pytest.mark.parametrize("path", ["", "files/model.json"])
def test_a_rival_finds_nothing(client, version, rival, path):
    client.force_login(rival.owner.user)
    assert client.get(f"{version.get_absolute_url()}{path}").status_code == 404
    assert client.post(version.get_absolute_url(), {"reason": "x"}).status_code == 404
    assert client.get(version.get_absolute_url().replace("acme", "rival")).status_code == 404
