"""Refusals in real transactions: each has ended, committed or rolled back, before the record of it is written."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from apps.audits.models import Record, Refusal
from apps.common.errors import NotPermitted
from apps.common.tenancy import as_organization
from apps.projects import actions as projects
from tests.accounts import make


@pytest.fixture
def signed_in(living):
    client = Client(raise_request_exception=False)
    client.force_login(living.builder.user)
    return client


def kept(tenant) -> list[Record]:
    with as_organization(tenant.organization.pk):
        return list(Record.objects.filter(event__startswith="action.").order_by("seq"))


def test_a_program_is_refused_and_its_transaction_leaves_nothing_else(living, signed_in):
    slug = living.organization.slug
    answer = signed_in.post(
        f"/api/v1/{slug}/projects/lending/close/", {"reason": "Enough."}, content_type="application/json"
    )
    assert answer.status_code == 403, answer.content
    (record,) = kept(living)
    assert record.facts["verb"] == "projects.close"
    assert record.origin == {"door": "rest", "request": answer.headers["X-Request-ID"]}
    assert answer.json()["request"] == answer.headers["X-Request-ID"]
    with as_organization(living.organization.pk):
        assert Record.objects.count() == 2  # the founding, and the refusal
        assert type(living.project).objects.get().closed_at is None


def test_a_page_that_shows_the_refusal_keeps_it_too(living, signed_in):
    slug = living.organization.slug
    answer = signed_in.post(f"/{slug}/lending/close/", {"reason": "Enough."})
    assert "Only owners" in answer.content.decode()
    (record,) = kept(living)
    assert record.origin == {"door": "page", "request": answer.headers["X-Request-ID"]}


def test_a_download_that_is_refused_is_kept(living, signed_in):
    slug = living.organization.slug
    assert signed_in.get(f"/{slug}/records/export/?format=csv").status_code == 403
    (record,) = kept(living)
    assert record.facts["verb"] == "audits.export"


def test_a_token_is_named_with_its_refusal(living):
    with as_organization(living.organization.pk):
        token, secret = make.token(living.owner, "read")
    answer = Client().post(
        f"/api/v1/{living.organization.slug}/invitations/", {"email": "n@p.example", "role": "builder"},
        content_type="application/json", headers={"Authorization": f"Bearer {secret}"},
    )  # fmt: skip
    assert answer.status_code == 403
    (record,) = kept(living)
    assert record.by_token == token.pk and record.facts["reason"] == "This token has no scope “member.invite”."


def test_a_command_that_acts_for_somebody_keeps_it(living):
    with pytest.raises(NotPermitted), as_organization(living.organization.pk):
        projects.close(living.project, reason="Enough.", by=living.builder)
    assert len(kept(living)) == 1


def test_a_refusal_outlives_the_failure_after_it(living):
    with pytest.raises(ZeroDivisionError), as_organization(living.organization.pk):
        try:
            projects.close(living.project, reason="Enough.", by=living.builder)
        except NotPermitted:
            raise ZeroDivisionError from None
    assert len(kept(living)) == 1


def test_two_at_once_are_one_and_a_count(living):
    def ask(_):
        try:
            with pytest.raises(NotPermitted), as_organization(living.organization.pk):
                projects.close(living.project, reason="Enough.", by=living.builder)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as at_once:
        list(at_once.map(ask, range(8)))
    assert len(kept(living)) == 1
    with as_organization(living.organization.pk):
        assert Refusal.objects.get().repeated == 7
