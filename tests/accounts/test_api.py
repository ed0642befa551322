"""People and keys over REST, with tokens as programs use them."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.client import FakePayload
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import actions, queries
from apps.accounts.models import Membership, Role, Token
from apps.accounts.permissions import GRANTS, Permission
from apps.audits.models import Record
from tests.accounts import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(client, acme):
    """`call("get", "tokens/", token=secret, …)` at acme's REST door."""

    def request(verb: str, path: str, data=None, *, token: str = "", organization: str = "acme", **headers):
        if token:
            headers["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        address = f"/api/v1/{organization}/{path}"
        response = getattr(client, verb)(address, data, content_type="application/json", **headers)
        acme.enter()
        return response

    return request


def is_problem(response, status: int) -> dict:
    """The refusal as problem details (RFC 9457)."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status and body["title"] and body["detail"] and body["type"]
    return body


def told(response) -> dict:
    """The headers, but for the number that every request has of its own."""
    return {name: value for name, value in response.headers.items() if name != "X-Request-ID"}


def test_it_says_who_asks_and_what_they_may(acme, call):
    token, secret = make.token(acme.builder, "read", "run.launch")
    body = call("get", "me/", token=secret).json()
    assert body["name"] == "Builder" and body["organization"] == "acme" and body["role"] == "builder"
    assert body["permissions"] == ["read", "run.launch"]
    assert body["token"]["prefix"] == token.prefix and body["token"]["last_used_at"]
    assert secret not in str(body)


def test_the_table_of_permissions_is_the_one_that_decides(acme, call):
    _, secret = make.token(acme.auditor)
    rows = call("get", "permissions/", token=secret).json()["results"]
    assert {row["word"]: set(row["roles"]) for row in rows} == {
        word.value: {role for role, words in GRANTS.items() if word in words} for word in Permission
    }


@pytest.mark.parametrize(
    ("verb", "path", "data", "scope", "status"),
    [
        ("post", "invitations/", {"email": "n@p.example", "role": "builder"}, "member.invite", 201),
        ("patch", "members/{builder}/", {"role": "reviewer"}, "member.change", 200),
        ("delete", "members/{builder}/", None, "member.change", 204),
        ("delete", "invitations/{invitation}/", None, "member.invite", 204),
        ("post", "tokens/", {"name": "t", "scopes": ["read"]}, "token.create", 201),
        ("delete", "tokens/{token}/", None, "token.revoke", 204),
    ],
)
def test_a_verb_needs_its_scope(acme, call, verb, path, data, scope, status):
    invitation, _ = make.invitation(acme.owner)
    other, _ = make.token(acme.owner)
    path = path.format(builder=acme.builder.pk, invitation=invitation.pk, token=other.pk)
    records = Record.objects.count()
    _, without = make.token(acme.owner, "read")
    body = is_problem(call(verb, path, data, token=without), 403)
    assert body["detail"] == f"This token has no scope “{scope}”."
    left = Record.objects.order_by("seq").values_list("event", flat=True)[records:]
    assert list(left) == ["token.created", "action.refused"]  # of what was refused, nothing else
    _, having = make.token(acme.owner, "read", scope)
    assert call(verb, path, data, token=having).status_code == status
    assert (
        Record.objects.order_by("-seq").first().by_token
        == Token.objects.order_by("-pk").filter(scopes__contains=[scope]).first().pk
    )


def test_even_reading_needs_its_scope(acme, call):
    _, secret = make.token(acme.builder, "run.launch")
    for path in ("me/", "members/", "tokens/", "permissions/", "projects/", "projects/lending/"):
        assert "“read”" in is_problem(call("get", path, token=secret), 403)["detail"]


@pytest.mark.parametrize("role", ["builder", "reviewer", "auditor"])
def test_a_role_without_the_right_is_told_who_has_it(acme, call, role):
    _, secret = make.token(acme.members[role], *GRANTS[role])
    body = is_problem(call("post", "invitations/", {"email": "n@p.example", "role": "owner"}, token=secret), 403)
    assert body["detail"].startswith("Only owners of this organization")
    is_problem(call("patch", f"members/{acme.auditor.pk}/", {"role": "owner"}, token=secret), 403)


def test_a_refusal_by_rule_is_409(acme, call):
    _, secret = make.token(acme.owner, "read", "member.change")
    body = is_problem(call("delete", f"members/{acme.owner.pk}/", token=secret), 409)
    assert "only owner" in body["detail"]
    body = is_problem(call("patch", f"members/{acme.owner.pk}/", {"role": "builder"}, token=secret), 409)
    assert "their own role" in body["detail"]
    assert Membership.objects.get(pk=acme.owner.pk).role == Role.OWNER


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"email": "no address", "role": "builder"}, "email"),
        ({"email": "a@b.example", "role": "king"}, "role"),
        ({"role": "builder"}, "email"),
        ([], ""),
    ],
)
def test_bad_input_is_named_by_field(acme, call, data, field):
    _, secret = make.token(acme.owner, "read", "member.invite")
    body = is_problem(call("post", "invitations/", data, token=secret), 400)
    assert list(body["errors"]) == [field]


def test_what_is_no_json_is_refused(acme, client):
    _, secret = make.token(acme.owner, "read", "member.invite")
    answer = client.post("/api/v1/acme/invitations/", "{", content_type="application/json", **make.bearer(secret))
    is_problem(answer, 400)
    answer = client.post("/api/v1/acme/invitations/", "a=b", content_type="text/plain", **make.bearer(secret))
    is_problem(answer, 415)


def test_a_token_made_over_rest_works_and_is_shown_once(acme, call):
    _, maker = make.token(acme.builder, "read", "token.create")
    made = call("post", "tokens/", {"name": "child", "scopes": ["read"], "days": 7}, token=maker).json()
    assert call("get", "me/", token=made["secret"]).json()["token"]["name"] == "child"
    shown = call("get", f"tokens/{made['id']}/", token=maker).json()
    assert "secret" not in shown and made["secret"] not in str(shown)
    is_problem(call("post", "tokens/", {"name": "x", "scopes": ["run.launch"]}, token=maker), 409)


def test_a_token_can_end_itself(acme, call):
    token, secret = make.token(acme.builder)
    assert call("delete", f"tokens/{token.pk}/", token=secret).status_code == 204
    is_problem(call("get", "me/", token=secret), 404)


def test_tokens_are_their_members_own_except_to_an_owner(acme, call):
    token, _ = make.token(acme.builder)
    _, colleague = make.token(acme.reviewer)
    _, owner = make.token(acme.owner, "read", "token.revoke")
    is_problem(call("get", f"tokens/{token.pk}/", token=colleague), 404)
    assert [row["member"] for row in call("get", "tokens/", token=colleague).json()["results"]] == ["Reviewer"]
    assert len(call("get", "tokens/", token=owner).json()["results"]) == 3


def test_an_invitation_made_over_rest_opens_the_way_in(acme, call, client):
    _, secret = make.token(acme.owner, "read", "member.invite")
    made = call("post", "invitations/", {"email": "n@p.example", "role": "auditor"}, token=secret).json()
    assert made["link"].startswith("http://testserver/invitations/")
    page = client.get(made["link"].removeprefix("http://testserver"))
    assert "Join Acme as auditor?" in page.content.decode()
    shown = call("get", f"invitations/{made['id']}/", token=secret).json()
    assert shown["state"] == "open" and "link" not in shown


def test_lists_are_cut_and_go_on_by_cursor(acme, call):
    _, secret = make.token(acme.auditor)
    first = call("get", "members/?limit=2", token=secret).json()
    assert len(first["results"]) == 2 and first["next"]
    seen = [row["id"] for row in first["results"]]
    while first["next"]:
        first = call("get", "members/?" + first["next"].split("?")[1], token=secret).json()
        seen += [row["id"] for row in first["results"]]
    assert sorted(seen) == sorted(Membership.objects.values_list("pk", flat=True)) and len(seen) == 5


@pytest.mark.parametrize("said", ["after=x", "after=-1", f"after={'9' * 30}", "after=٣", "limit=-1", "limit=all"])
def test_a_cursor_that_is_none_is_refused_and_not_taken_for_the_first_page(acme, call, said):
    _, secret = make.token(acme.auditor)
    name, _, value = said.partition("=")
    body = is_problem(call("get", f"members/?{said}", token=secret), 400)
    assert f"“{value}” is not a" in body["errors"][name]


# --- what a newcomer gets wrong ---------------------------------------------------------------------------------------


def test_who_says_not_who_they_are_is_told_how_to(call):
    assert "Authorization: Bearer" in is_problem(call("get", "members/"), 401)["detail"]


def test_a_method_that_an_address_does_not_know_is_answered_with_those_it_knows(acme, call):
    _, secret = make.token(acme.auditor)
    response = call("put", "members/", {}, token=secret)
    assert "PUT is not for this address. It takes GET, " in is_problem(response, 405)["detail"]
    assert response.headers["Allow"]


def test_a_body_of_another_kind_is_answered_with_the_kind_that_is_read(acme, client):
    _, secret = make.token(acme.builder, "read", "project.open")
    headers = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    for path, kind in (("projects", "application/json"), ("datasets", "multipart/form-data")):
        response = client.post(f"/api/v1/acme/{path}/", "name=x", content_type="text/plain", **headers)
        assert f"“text/plain”. Send {kind}, " in is_problem(response, 415)["detail"]
    response = client.get("/api/v1/acme/projects/", HTTP_ACCEPT="text/xml", **headers)
    assert "The answer is application/json." in is_problem(response, 406)["detail"]


def test_a_word_that_is_none_of_a_few_is_answered_with_those(acme, call):
    _, secret = make.token(acme.owner)
    body = is_problem(call("post", "invitations/", {"email": "n@p.example", "role": "chief"}, token=secret), 400)
    assert body["errors"]["role"] == "“chief” is none of owner, builder, reviewer, auditor."


@pytest.mark.parametrize("key", ["", "k"])
def test_a_body_that_is_too_large_is_told_the_limit(acme, call, key, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
    _, secret = make.token(acme.owner, "read", "project.open")
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    response = call("post", "projects/", {"name": "x" * 2**20}, token=secret, **headers)
    assert "larger than 1 MiB" in is_problem(response, 413)["detail"]


def test_a_form_that_is_too_large_is_told_the_limit_on_a_page(acme, client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**10
    client.force_login(acme.owner.user)
    response = client.post("/acme/projects/new/", {"purpose": "x" * 2**12})
    assert response.status_code == 413 and "larger than" in response.content.decode()


def test_a_body_that_says_no_length_is_not_taken_for_an_empty_one(acme, call):
    _, secret = make.token(acme.owner, "read", "project.open")
    chunks = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    assert "Content-Length" in is_problem(call("post", "projects/", {}, token=secret, **chunks), 411)["detail"]


def test_who_is_refused_while_still_sending_gets_the_answer(acme, client):
    """The connection is shut after an answer: what is unread then is lost, and the answer with it."""
    sent = FakePayload(b"x" * 3_000_000)
    said = {"wsgi.input": sent, "CONTENT_LENGTH": "3000000", "CONTENT_TYPE": "multipart/form-data; boundary=x"}
    answer = client.generic("POST", "/api/v1/acme/datasets/", HTTP_AUTHORIZATION="Bearer nobody", **said)
    assert answer.status_code == 404
    assert len(sent) == 0


@pytest.mark.parametrize(
    ("sent", "meant"), [("projects", "projects/"), ("deployments/1/predict/", "deployments/1/predict")]
)
def test_a_slash_too_few_or_too_many_is_told_and_no_post_becomes_a_get(acme, call, sent, meant):
    _, secret = make.token(acme.builder)
    body = is_problem(call("post", sent, {}, token=secret), 404)
    assert body["detail"].endswith(f"The address is /api/v1/acme/{meant}")


# --- strangers ------------------------------------------------------------------------------------------------------


def doors(acme):
    token = make.token(acme.builder)[0]
    invitation = make.invitation(acme.owner)[0]
    return [
        "me/", "members/", f"members/{acme.owner.pk}/", "invitations/", f"invitations/{invitation.pk}/",
        "tokens/", f"tokens/{token.pk}/", "permissions/", "projects/", "projects/lending/", "projects/lending/risk/",
        "projects/lending/close/", "risk-questions/",
    ]  # fmt: skip


def test_nobody_is_asked_to_say_who_they_are_alike_everywhere(acme, call):
    for door in doors(acme):
        for verb in ("get", "post", "patch", "put", "delete"):
            here, nowhere = call(verb, door), call(verb, door, organization="nowhere")
            is_problem(here, 401)
            assert (here.content, here.status_code) == (nowhere.content, nowhere.status_code)
            assert here.headers["WWW-Authenticate"] == 'Bearer realm="assay"' == nowhere.headers["WWW-Authenticate"]


@pytest.mark.parametrize("state", ["foreign", "expired", "revoked", "removed member", "unknown", "malformed", "empty"])
def test_a_dead_or_foreign_token_is_answered_like_no_organization(acme, rival, call, state):
    secret = dead_token(acme, rival, state)
    for door in doors(acme):
        for verb in ("get", "post", "patch", "put", "delete"):
            here = call(verb, door, token=secret)
            nowhere = call(verb, door, token=secret, organization="nowhere")
            assert "mistyped, expired, revoked, or of another" in is_problem(here, 404)["detail"]
            assert here.content == nowhere.content and told(here) == told(nowhere)


def dead_token(acme, rival, state: str) -> str:
    if state == "foreign":
        rival.enter()
        _, secret = make.token(rival.owner)
        acme.enter()
        return secret
    token, secret = make.token(acme.reviewer)
    if state == "expired":
        return _expired(acme.reviewer)
    if state == "revoked":
        actions.revoke_token(token, by=acme.reviewer)
    elif state == "removed member":
        actions.remove(acme.reviewer, by=acme.owner)
    return {"unknown": "assay_" + "x" * 43, "malformed": "\u00e4 b\tc", "empty": " "}.get(state, secret)


def _expired(member) -> str:
    """The secret of a token that lived until a moment ago: made so, because no expiry can be moved."""
    secret = "assay_of_yesterday"
    now = timezone.now()
    Token.objects.create(
        organization=member.organization, membership=member, name="old", prefix="assay_of_yes", scopes=["read"],
        digest=queries.secret_digest(secret), created_at=now - timedelta(days=1), expires_at=now - timedelta(hours=1),
    )  # fmt: skip
    return secret


def test_a_token_lives_until_it_expires(acme, call):
    """The same row, a moment from its end: so that the refusal above is for the expiry and nothing else."""
    secret = "assay_of_today"
    Token.objects.create(
        organization=acme.organization, membership=acme.reviewer, name="old", prefix="assay_of_tod", scopes=["read"],
        digest=queries.secret_digest(secret), expires_at=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    assert call("get", "me/", token=secret).status_code == 200


def test_another_organizations_ids_are_not_found(acme, rival, call):
    rival.enter()
    token, _ = make.token(rival.builder)
    invitation, _ = make.invitation(rival.owner)
    acme.enter()
    _, secret = make.token(acme.owner, "read", "member.change", "member.invite", "token.revoke")
    foreign = {"members": rival.builder.pk, "tokens": token.pk, "invitations": invitation.pk}
    for noun, pk in foreign.items():
        for verb in ("get", "delete"):
            found = call(verb, f"{noun}/{pk}/", token=secret)
            missing = call(verb, f"{noun}/{10**12}/", token=secret)
            is_problem(found, 404)
            assert found.content == missing.content
    for number in (10**30, 0):
        is_problem(call("get", f"members/{number}/", token=secret), 404)


def test_a_session_works_too_and_must_show_its_csrf_token(acme, rival):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(acme.owner.user)
    assert client.get("/api/v1/acme/me/").json()["token"] is None
    body = {"email": "n@p.example", "role": "builder"}
    answer = client.post("/api/v1/acme/invitations/", body, content_type="application/json")
    assert is_problem(answer, 403)["detail"].startswith("CSRF")
    is_problem(client.get("/api/v1/rival/me/"), 404)
    assert client.get("/api/v1/rival/me/").content == client.get("/api/v1/nowhere/me/").content


def test_a_token_opens_no_page(acme, client):
    """Pages are for people: a token's scopes are weighed at the REST door alone."""
    _, secret = make.token(acme.owner)
    answer = client.get("/acme/members/", **make.bearer(secret))
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/accounts/login/")


def test_the_database_is_asked_the_same_for_a_foreign_organization_as_for_none(acme, rival, client):
    """So that neither answer takes longer: the statements are the same, and all that follows is one refusal."""
    rival.enter()
    _, secret = make.token(rival.owner)
    client.force_login(rival.owner.user)
    for address, headers in (("/api/v1/{}/me/", make.bearer(secret)), ("/api/v1/{}/me/", {}), ("/{}/members/", {})):
        assert asked(client, address.format("acme"), headers) == asked(client, address.format("nowhere"), headers)
        rival.enter()
        assert len(asked(client, address.format("rival"), headers, found=200)) > 1


def asked(client, address: str, headers: dict, found: int = 404) -> list[str]:
    """The statements one request makes, without their values."""
    with CaptureQueriesContext(connection) as made:
        assert client.get(address, **headers).status_code == found
    return [re.sub(r"'[^']*'", "?", query["sql"]) for query in made if "SAVEPOINT" not in query["sql"]]
