"""The pages about people and keys, as a browser without scripts uses them."""

import re

import pytest
from django.urls import reverse

from apps.accounts import actions
from apps.accounts.models import Invitation, Membership, Role, Token, User
from apps.accounts.permissions import GRANTS, Permission
from apps.audits.models import Record
from tests import make as people
from tests.accounts import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def sign_in(client, acme):
    def as_(member):
        client.force_login(member.user)
        return client

    return as_


def text(response) -> str:
    """What a reader reads of a page."""
    assert response.status_code == 200, response.content[:500]
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_anybody_sees_who_belongs(acme, sign_in):
    for member in acme.members.values():
        found = text(sign_in(member).get("/acme/members/"))
        assert "1 owner, 1 builder, 2 reviewers, 1 auditor." in found
        assert "second.reviewer@acme.example" in found


def test_the_list_is_filtered_by_address(acme, sign_in):
    client = sign_in(acme.auditor)
    found = text(client.get("/acme/members/?role=reviewer"))
    assert "second.reviewer@acme.example" in found and "builder@acme.example" not in found
    assert "Nobody has been removed" in text(client.get("/acme/members/?former=yes"))
    acme.enter()
    actions.remove(acme.builder, by=acme.owner)
    assert "builder@acme.example" in text(client.get("/acme/members/?former=yes"))
    assert "builder@acme.example" not in text(client.get("/acme/members/"))


def test_who_may_not_invite_reads_why(acme, sign_in):
    page = sign_in(acme.builder).get("/acme/members/").content.decode()
    assert re.search(r"<button[^>]* disabled[^>]*>Invite someone</button>", page)
    assert "Only owners of this organization invite people" in page


def test_an_owner_invites_and_sees_the_link_once(acme, sign_in, client):
    client = sign_in(acme.owner)
    answer = client.post("/acme/members/invite/", {"email": "Nora@people.example", "role": "reviewer"})
    (link,) = re.findall(r"http://testserver(/invitations/[^<\s]+)", answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert link.split("/")[2] not in client.get("/acme/members/").content.decode()
    assert "nora@people.example" in text(client.get("/acme/members/"))
    client.logout()
    assert "Join Acme as reviewer?" in text(client.get(link))


def test_a_refused_invitation_keeps_what_was_typed(acme, sign_in):
    client = sign_in(acme.owner)
    answer = client.post("/acme/members/invite/", {"email": "builder@acme.example", "role": "auditor"})
    assert "builder@acme.example is a member already." in text(answer)
    page = answer.content.decode()
    assert 'value="builder@acme.example"' in page
    assert re.search(r'value="auditor"[^>]* checked', page)
    answer = client.post("/acme/members/invite/", {"email": "not an address"})
    assert 'value="not an address"' in answer.content.decode()
    assert not Invitation.objects.exists()


def test_only_an_owner_invites_whatever_the_page_showed(acme, sign_in):
    answer = sign_in(acme.reviewer).post("/acme/members/invite/", {"email": "n@p.example", "role": "owner"})
    assert "Only owners" in text(answer)
    acme.enter()
    assert not Invitation.objects.exists()


def test_an_owner_takes_an_invitation_back(acme, sign_in):
    invitation, secret = make.invitation(acme.owner)
    answer = sign_in(acme.owner).post(reverse("invitation-revoke", args=["acme", invitation.pk]), follow=True)
    assert answer.redirect_chain[-1] == ("/acme/members/", 303)
    assert "opens nothing any more" in text(answer)
    assert "was taken back" in text(answer.client.get(f"/invitations/{secret}/"))
    again = answer.client.post(reverse("invitation-revoke", args=["acme", invitation.pk]), follow=True)
    assert "revoked already" in text(again)


# --- the way in -----------------------------------------------------------------------------------------------------


def test_a_newcomer_gives_name_and_password_and_is_in(acme, client):
    _, secret = make.invitation(acme.owner, role=Role.REVIEWER)
    page = client.get(f"/invitations/{secret}/")
    assert "Owner invites new@people.example" in text(page)
    answer = client.post(f"/invitations/{secret}/", {"name": "Nora Neu", "password": people.PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/acme/")
    assert "Nora Neu" in text(client.get("/acme/members/"))
    client.logout()
    assert client.login(email="new@people.example", password=people.PASSWORD)


@pytest.mark.parametrize(
    ("password", "says"),
    [("four 4 four", "too short"), ("nora.neu@people", "too similar"), ("1q2w3e4r5t6y", "too common")],
)
def test_a_weak_password_is_refused_and_the_name_kept(acme, client, password, says):
    _, secret = make.invitation(acme.owner, "nora.neu@people.example")
    answer = client.post(f"/invitations/{secret}/", {"name": "Nora Neu", "password": password})
    assert says in text(answer)
    assert 'value="Nora Neu"' in answer.content.decode()
    assert f'value="{password}"' not in answer.content.decode()
    assert not User.objects.filter(email="nora.neu@people.example").exists()


def test_a_known_person_signs_in_and_joins(acme, rival, client):
    _, secret = make.invitation(acme.owner, "builder@rival.example", Role.AUDITOR)
    address = f"/invitations/{secret}/"
    page = client.get(address).content.decode()
    assert f"/accounts/login/?next={address}" in page
    client.force_login(rival.builder.user)
    assert "You are signed in as Builder" in text(client.get(address))
    assert client.post(address).headers["Location"] == "/acme/"
    assert client.get("/acme/").status_code == client.get("/rival/").status_code == 200
    acme.enter()
    assert Membership.objects.get(user=rival.builder.user, organization=acme.organization).role == "auditor"


def test_the_page_does_not_tell_who_has_an_account(acme, rival, client):
    """Before anything is sent, the page for a known address differs from one for an unknown only in the address."""
    pages = []
    for email in ("builder@rival.example", "nobodyx@rival.example"):
        _, secret = make.invitation(acme.owner, email)
        page = client.get(f"/invitations/{secret}/").content.decode()
        acme.enter()
        page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"|<time .*?</time>', "", page)
        pages.append(page.replace(email, "").replace(secret, ""))
    assert pages[0] == pages[1]


def test_a_known_address_is_not_taken_over_with_a_new_password(acme, rival, client):
    _, secret = make.invitation(acme.owner, "builder@rival.example")
    answer = client.post(f"/invitations/{secret}/", {"name": "Mallory", "password": "a password of mallory"})
    assert "sign in with it to join" in text(answer)
    assert 'value="Mallory"' in answer.content.decode()
    assert "_auth_user_id" not in client.session
    assert client.login(email="builder@rival.example", password=people.PASSWORD)


def test_somebody_else_who_is_signed_in_cannot_use_the_link(acme, rival, client):
    _, secret = make.invitation(acme.owner)
    client.force_login(rival.builder.user)
    page = client.get(f"/invitations/{secret}/")
    assert "This invitation is for new@people.example, and you are signed in as builder@rival.example." in text(page)
    assert "Sign out and come back here" in text(page)
    assert client.post(f"/invitations/{secret}/").status_code == 200
    assert client.get("/acme/").status_code == 404


@pytest.mark.parametrize("secret", ["x", "x" * 43, "x" * 5000, "ä", "a b"])
def test_an_unknown_link_is_not_found(acme, client, secret):
    assert client.get(f"/invitations/{secret}/").status_code == 404
    assert client.post(f"/invitations/{secret}/", {"name": "N", "password": people.PASSWORD}).status_code == 404


# --- members --------------------------------------------------------------------------------------------------------


def test_an_owner_changes_a_role(acme, sign_in):
    client = sign_in(acme.owner)
    answer = client.post(reverse("member", args=["acme", acme.builder.pk]), {"role": "auditor"}, follow=True)
    assert answer.redirect_chain[-1][1] == 303
    assert "Builder has been auditor at Acme since" in text(answer)


def test_nobody_changes_their_own_role(acme, sign_in):
    page = sign_in(acme.owner).get(acme.owner.get_absolute_url())
    assert "Nobody changes their own role: another owner can." in text(page)
    answer = page.client.post(acme.owner.get_absolute_url(), {"role": "builder"})
    assert "Nobody changes their own role" in text(answer)
    answer = sign_in(acme.builder).post(acme.builder.get_absolute_url(), {"role": "owner"})
    assert "Only owners of this organization change roles" in text(answer)
    acme.enter()
    assert Membership.objects.get(pk=acme.builder.pk).role == "builder"


def test_an_owner_removes_a_member_who_is_out_at_once(acme, sign_in, client):
    sign_in(acme.builder)
    session = client.cookies["sessionid"].value
    client.logout()
    answer = sign_in(acme.owner).post(reverse("member-remove", args=["acme", acme.builder.pk]), follow=True)
    assert "no longer a member" in text(answer)
    assert session
    assert sign_in(acme.builder).get("/acme/").status_code == 404


def test_the_last_owner_cannot_leave(acme, sign_in):
    answer = sign_in(acme.owner).post(reverse("member-remove", args=["acme", acme.owner.pk]), follow=True)
    assert "only owner" in text(answer)
    acme.enter()
    assert Membership.objects.get(pk=acme.owner.pk).is_active


def test_the_table_of_permissions_is_the_one_that_decides(acme, sign_in):
    page = sign_in(acme.auditor).get("/acme/permissions/").content.decode()
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)<td[^>]*><code>(.*?)</code>', page, re.S)
    assert [row[2] for row in rows] == [word.value for word in Permission]
    for _, cells, word in rows:
        said = re.findall(r'class="unseen">(yes|no)<', cells)
        assert said == ["yes" if word in words else "no" for words in GRANTS.values()]


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_is_made_and_shown_once(acme, sign_in):
    client = sign_in(acme.builder)
    body = {"name": "nightly", "scopes": ["read", "run.launch"], "days": 30}
    answer = client.post("/acme/tokens/new/", body)
    (secret,) = re.findall(r"assay_[\w-]{43}", answer.content.decode())
    assert "no-store" in answer.headers["Cache-Control"]
    assert client.get("/api/v1/acme/me/", **make.bearer(secret)).json()["permissions"] == ["read", "run.launch"]
    acme.enter()
    for address in ("/acme/tokens/", Token.objects.get().get_absolute_url()):
        page = client.get(address).content.decode()
        assert secret not in page and secret[:12] in page


def test_only_what_one_may_can_be_given_away(acme, sign_in):
    client = sign_in(acme.auditor)
    page = client.get("/acme/tokens/new/").content.decode()
    offered = re.findall(r'name="scopes" value="([^"]+)"', page)
    assert set(offered) == set(GRANTS["auditor"])
    answer = client.post("/acme/tokens/new/", {"name": "kept name", "scopes": ["read", "run.launch"], "days": 400})
    assert 'value="kept name"' in answer.content.decode() and 'value="400"' in answer.content.decode()
    assert "run.launch is not one of the available choices" in text(answer)
    assert not Token.objects.exists()


def test_a_token_is_revoked_on_its_page(acme, sign_in):
    token, secret = make.token(acme.builder)
    client = sign_in(acme.owner)
    assert "Builder" in text(client.get("/acme/tokens/"))
    answer = client.post(reverse("token-revoke", args=["acme", token.pk]), follow=True)
    assert "its next request is refused" in text(answer)
    assert client.get("/api/v1/acme/me/", **make.bearer(secret)).status_code == 404
    again = client.post(reverse("token-revoke", args=["acme", token.pk]), follow=True)
    assert "revoked already" in text(again)


# --- strangers and names --------------------------------------------------------------------------------------------


def pages_of(tenant) -> list[str]:
    token, _ = make.token(tenant.builder)
    invitation, _ = make.invitation(tenant.owner)
    slug = tenant.organization.slug
    return [
        *(reverse(name, args=[slug]) for name in ("members", "member-invite", "permissions", "tokens", "token-new")),
        *(reverse(name, args=[slug, tenant.builder.pk]) for name in ("member", "member-remove")),
        *(reverse(name, args=[slug, token.pk]) for name in ("token", "token-revoke")),
        reverse("invitation-revoke", args=[slug, invitation.pk]),
        reverse("project-new", args=[slug]),
        *(reverse(name, args=[slug, "lending"]) for name in ("project-edit", "project-risk", "project-close")),
    ]


def test_a_rival_finds_nothing_and_learns_nothing(acme, rival, client):
    addresses = pages_of(acme)
    records = Record.objects.count()
    for member in rival.members.values():
        client.force_login(member.user)
        for address in addresses:
            for verb in (client.get, client.post):
                here, nowhere = verb(address), verb(address.replace("/acme/", "/nowhere/"))
                assert (here.status_code, nowhere.status_code) == (404, 404), address
                assert here.content == nowhere.content
    acme.enter()
    assert Record.objects.count() == records


def test_a_rival_finds_nothing_of_others_at_home(acme, rival, client):
    """A foreign id below one's own organization is no more than a number that does not exist."""
    client.force_login(rival.owner.user)
    for address in pages_of(acme):
        own = address.replace("/acme/", "/rival/")
        if re.search(r"/\d+/", own):
            for verb in (client.get, client.post):
                found, missing = verb(own), verb(re.sub(r"/\d+/", "/999999999999/", own))
                assert found.status_code == missing.status_code in (404, 405)
                assert found.content == missing.content


def test_nobody_is_sent_to_sign_in_alike_everywhere(acme, client):
    for address in pages_of(acme):
        for verb in (client.get, client.post):
            here, nowhere = verb(address), verb(address.replace("/acme/", "/nowhere/"))
            assert here.status_code == nowhere.status_code == 302
            assert here.headers["Location"].replace("acme", "nowhere") == nowhere.headers["Location"]


def test_a_part_that_polls_leads_the_whole_page_to_sign_in(acme, client):
    answer = client.get("/acme/members/", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://testserver/acme/?a=b")
    assert answer.status_code == 200 and not answer.content
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/acme/%3Fa%3Db"


def test_a_person_changes_the_name_they_sign_with(acme, sign_in):
    client = sign_in(acme.reviewer)
    assert "Under what name do you sign?" in text(client.get("/accounts/profile/"))
    answer = client.post("/accounts/profile/", {"name": "Rita Reviewer"}, follow=True)
    assert "You sign as Rita Reviewer from now on." in text(answer)
    acme.enter()
    assert Record.objects.order_by("-seq").first().event == "member.renamed"
    assert 'value=""' not in text(client.post("/accounts/profile/", {"name": ""}))
    assert client.logout() is None and client.get("/accounts/profile/").status_code == 302
