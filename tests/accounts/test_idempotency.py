"""One Idempotency-Key, one result; and the same answer, except for a secret."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.models import IdempotencyKey, Token
from apps.datasets.models import DatasetVersion
from apps.projects import rules
from apps.projects.models import Project
from tests.accounts import make
from tests.datasets import make as datasets

ANSWERS = dict.fromkeys(rules.NAMES, False)
BODY = {"name": "Churn", "purpose": "Tell who may leave.", "answers": ANSWERS}


def open_project(client, secret, key, body=BODY, slug="acme"):
    headers = make.bearer(secret) | ({"HTTP_IDEMPOTENCY_KEY": key} if key else {})
    return client.post(f"/api/v1/{slug}/projects/", body, content_type="application/json", **headers)


@pytest.fixture
def secret(acme):
    return make.token(acme.builder, "read", "project.open", "token.create")[1]


@pytest.mark.django_db
class TestAKey:
    def test_it_repeats_the_answer_and_does_nothing_again(self, acme, client, secret):
        first, second = (open_project(client, secret, "once") for _ in range(2))
        assert (first.status_code, first.content) == (201, second.content)
        assert second.status_code == 201
        assert first.headers["Content-Type"] == second.headers["Content-Type"]
        assert second.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
        assert Project.objects.filter(slug="churn").count() == 1

    def test_without_a_key_the_second_is_refused_by_the_rules(self, acme, client, secret):
        first, second = (open_project(client, secret, "") for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 400)
        assert "already" in second.json()["errors"]["name"]

    def test_another_body_under_the_same_key_is_refused(self, acme, client, secret):
        open_project(client, secret, "once")
        other = open_project(client, secret, "once", BODY | {"name": "Fraud"})
        assert other.status_code == 422
        assert other.headers["Content-Type"] == "application/problem+json"
        assert "another request" in other.json()["detail"]
        assert not Project.objects.filter(slug="fraud").exists()

    def test_another_address_under_the_same_key_is_refused(self, acme, client, secret):
        open_project(client, secret, "once")
        headers = make.bearer(secret) | {"HTTP_IDEMPOTENCY_KEY": "once"}
        other = client.post("/api/v1/acme/tokens/", BODY, content_type="application/json", **headers)
        assert other.status_code == 422

    def test_a_refusal_uses_no_key_up(self, acme, client, secret):
        refused = open_project(client, secret, "once", BODY | {"purpose": ""})
        assert refused.status_code == 400
        acme.enter()
        assert not IdempotencyKey.objects.exists()
        assert open_project(client, secret, "once").status_code == 201

    def test_it_belongs_to_one_membership(self, acme, client, secret):
        open_project(client, secret, "once")
        acme.enter()
        _, owners = make.token(acme.owner, "read", "project.open")
        assert open_project(client, owners, "once", BODY | {"name": "Fraud"}).status_code == 201

    def test_it_is_forgotten_after_a_week(self, acme, client, secret):
        open_project(client, secret, "once")
        acme.enter()
        IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=8))
        assert open_project(client, secret, "once", BODY | {"name": "Fraud"}).status_code == 201

    def test_it_has_a_length(self, acme, client, secret):
        assert open_project(client, secret, "x" * 201).status_code == 400
        assert open_project(client, secret, "x" * 200).status_code == 201

    def test_a_file_sent_twice_is_kept_once_and_another_file_is_another_request(self, acme, client):
        def upload(content):
            acme.enter()
            _, secret = make.token(acme.builder, "read", "dataset.add")
            body = {"project": "lending", "name": "loans", "file": datasets.sent(content, "loans.csv")}
            return client.post("/api/v1/acme/datasets/", body, HTTP_IDEMPOTENCY_KEY="once", **make.bearer(secret))

        first, second = upload(datasets.TABLE), upload(datasets.TABLE)
        assert (first.status_code, second.status_code) == (201, 201), first.content
        assert first.content == second.content and second.headers["Idempotency-Replayed"] == "true"
        assert upload(datasets.TABLE + datasets.TABLE[-20:]).status_code == 422
        acme.enter()
        assert DatasetVersion.objects.count() == 1

    def test_no_secret_is_kept_with_it(self, acme, client, secret):
        headers = make.bearer(secret) | {"HTTP_IDEMPOTENCY_KEY": "once"}
        body = {"name": "child", "scopes": ["read"]}
        first, second = (
            client.post("/api/v1/acme/tokens/", body, content_type="application/json", **headers).json()
            for _ in range(2)
        )
        acme.enter()
        assert first["secret"].startswith("assay_") and second == first | {"secret": None}
        assert Token.objects.filter(name="child").count() == 1
        assert first["secret"].encode() not in bytes(IdempotencyKey.objects.get().body)


def at_once(act, times: int = 2) -> list:
    """The answers of the same act, begun at the same moment on as many connections."""
    start = Barrier(times)

    def one(_):
        try:
            start.wait(10)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


class TestTwoAtOnce:
    """On real connections, each committing: what waits for what is PostgreSQL's to say."""

    @pytest.fixture
    def secret(self, standing):
        with transaction.atomic():
            standing.enter()
            return make.token(standing.builder, "read", "project.open")[1]

    def test_one_result_and_the_same_answer(self, standing, secret):
        slug = standing.organization.slug
        answers = at_once(lambda: open_project(Client(), secret, "twice", slug=slug), 4)
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
        with transaction.atomic():
            standing.enter()
            assert Project.objects.filter(slug="churn").count() == 1

    def test_without_a_key_one_wins_and_the_others_are_told(self, standing, secret):
        slug = standing.organization.slug
        answers = at_once(lambda: open_project(Client(), secret, "", slug=slug), 4)
        assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
        with transaction.atomic():
            standing.enter()
            assert Project.objects.filter(slug="churn").count() == 1

    def test_when_the_first_is_refused_the_second_is_carried_out_for_itself(self, standing, secret):
        slug = standing.organization.slug
        answers = at_once(lambda: open_project(Client(), secret, "bad", BODY | {"purpose": " "}, slug=slug))
        assert [answer.status_code for answer in answers] == [400, 400]
        said = [{name: value for name, value in answer.json().items() if name != "request"} for answer in answers]
        assert said[0] == said[1]
