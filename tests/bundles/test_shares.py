"""The outside auditor: a link that shows what was chosen, until its day, read-only, with a log of its own."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from apps.audits.models import Record
from apps.bundles import actions, guessing
from apps.bundles.models import Share
from apps.common.errors import ActionDenied, BadInput, NothingThere, NotPermitted
from apps.common.tenancy import become
from tests.accounts.make import bearer, token
from tests.approvals import make as sign_offs
from tests.bundles import make

pytestmark = pytest.mark.django_db
METHODS = ("post", "put", "patch", "delete")


@pytest.fixture(autouse=True)
def _nobody_has_guessed():
    cache.clear()


@pytest.fixture
def approval(acme):
    return make.approval(acme)


@pytest.fixture
def link(acme, approval) -> str:
    _, secret = make.share(acme, approval)
    become(None)
    return f"/shared/{secret}/"


@pytest.fixture
def outsider() -> Client:
    """Somebody with a browser and no account."""
    return Client()


def log(tenant) -> list[tuple[str, dict]]:
    tenant.enter()
    found = Record.objects.filter(on_type="share").order_by("seq")
    return [(record.event, record.facts) for record in found]


def content(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


# What it shows.


def test_the_link_shows_what_was_shared(outsider, link, approval):
    said = outsider.get(link).content.decode()
    assert "Auditors &amp; Co" in said
    assert str(approval.model_version) in said
    assert approval.dossier_digest in said


def test_a_sign_off_is_shown_with_its_signatures_and_files(outsider, link, approval):
    said = outsider.get(f"{link}{approval.pk}/").content.decode()
    assert "Nobody has signed" not in said
    for words in (
        "Second Reviewer",
        "I approve deployment",
        "signatures/signatures.json",
        "verify.py bundle.zip --key",
        "Balanced accuracy",
    ):
        assert words in said


def test_its_bundle_is_verified(outsider, link, approval, tmp_path):
    make.right(content(outsider.get(f"{link}{approval.pk}/bundle.zip")), tmp_path)


def test_each_file_is_the_one_in_the_bundle(outsider, link, approval):
    members = make.members(content(outsider.get(f"{link}{approval.pk}/bundle.zip")))
    members.pop("manifest.dsse.json")
    for name, wanted in members.items():
        answer = outsider.get(f"{link}{approval.pk}/files/{name}")
        assert answer.content == wanted, name
        assert answer["X-Content-Type-Options"] == "nosniff"


def test_every_page_is_kept_by_nobody_and_tells_no_other_site(outsider, link, approval):
    for address in ("", f"{approval.pk}/", f"{approval.pk}/bundle.zip", f"{approval.pk}/files/dossier.json"):
        answer = outsider.get(link + address)
        assert answer.status_code == 200
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert "no-store" in answer["Cache-Control"]
        assert "private" in answer["Cache-Control"]
    assert "/acme/" not in outsider.get(f"{link}{approval.pk}/").content.decode()


def test_each_opening_and_download_is_a_record_of_the_share(outsider, acme, link, approval):
    outsider.get(link)
    outsider.get(f"{link}{approval.pk}/")
    content(outsider.get(f"{link}{approval.pk}/bundle.zip"))
    outsider.get(f"{link}{approval.pk}/files/dossier.json")
    made, *shown = log(acme)
    assert made[0] == "share.made"
    assert shown == [
        ("share.opened", {"what": "the list"}),
        ("share.opened", {"what": f"sign-off {approval.pk}"}),
        ("share.downloaded", {"what": "bundle", "approval": approval.pk}),
        ("share.downloaded", {"what": "dossier.json", "approval": approval.pk}),
    ]
    assert set(Record.objects.filter(event__startswith="share.").values_list("by_id", flat=True)[1:]) == {None}


def test_members_read_its_log_on_its_page(outsider, client, acme, link, approval):
    outsider.get(f"{link}{approval.pk}/files/dossier.json")
    acme.enter()
    client.force_login(acme.auditor.user)
    said = client.get(Share.objects.get().get_absolute_url()).content.decode()
    assert "Somebody with the link took <code>dossier.json</code>" in said


def test_the_models_files_are_shown_only_where_the_share_says_so(outsider, acme, approval):
    from apps.common import storage

    for kept in sign_offs.FILES.values():
        storage.put(acme.organization.pk, kept)
    for files, status in ((False, 404), (True, 200)):
        _, secret = make.share(acme, approval, by=acme.reviewer, files=files)
        become(None)
        assert outsider.get(f"/shared/{secret}/{approval.pk}/files/model/files/model.json").status_code == status


# What it does not.


def shut(answer) -> bool:
    return answer.status_code == 404 and b"This link opens nothing" in answer.content


@pytest.mark.parametrize("end", ["expired", "revoked", "mistyped"])
def test_a_link_that_ended_opens_nothing_at_any_address(outsider, acme, approval, end):
    share, secret = make.share(acme, approval)
    if end == "revoked":
        actions.revoke(share, by=acme.reviewer)
    if end == "expired":
        with connection.cursor() as cursor:
            cursor.execute("select set_config('assay.organization', '', true)")
        secret = expired(acme, approval)
    if end == "mistyped":
        secret = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    become(None)
    for address in ("", f"{approval.pk}/", f"{approval.pk}/bundle.zip", f"{approval.pk}/files/dossier.json"):
        assert shut(outsider.get(f"/shared/{secret}/{address}")), address
    assert [event for event, _ in log(acme) if event in ("share.opened", "share.downloaded")] == []


def expired(tenant, approval) -> str:
    from apps.accounts.queries import secret_digest

    tenant.enter()
    now = timezone.now()
    Share.objects.create(
        organization=tenant.organization, addressee="Late & Co", approvals=[approval.pk], made_by=tenant.owner,
        digest=secret_digest("late"), made_at=now - dt.timedelta(days=2), expires_at=now - dt.timedelta(hours=1),
    )  # fmt: skip
    return "late"


def test_it_is_taken_back_at_once(outsider, acme, link):
    assert outsider.get(link).status_code == 200
    acme.enter()
    actions.revoke(Share.objects.get(), by=acme.owner)
    become(None)
    assert shut(outsider.get(link))


def test_another_sign_off_of_the_organization_is_nothing_behind_it(outsider, acme, link):
    other = sign_offs.approved(acme, number=2)
    become(None)
    for address in ("", "bundle.zip", "files/dossier.json"):
        answer = outsider.get(f"{link}{other.pk}/{address}")
        assert answer.status_code == 404
        assert other.dossier_digest.encode() not in answer.content


def test_another_organizations_sign_off_is_nothing_behind_it(outsider, acme, rival, link):
    rival.enter()
    theirs = sign_offs.approved(rival)
    become(None)
    for address in ("", "bundle.zip", "files/dossier.json"):
        answer = outsider.get(f"{link}{theirs.pk}/{address}")
        assert answer.status_code == 404
        assert b"rival" not in answer.content.lower()


@pytest.mark.parametrize(
    "name", ["../dossier.json", "../../../etc/passwd", "manifest", "reports/", "%2e%2e/dossier.json"]
)
def test_a_name_that_is_no_file_of_it_is_nothing(outsider, link, approval, name):
    assert outsider.get(f"{link}{approval.pk}/files/{name}").status_code == 404


def test_nothing_can_be_written_through_it(outsider, acme, link, approval):
    for address in ("", f"{approval.pk}/", f"{approval.pk}/bundle.zip", f"{approval.pk}/files/dossier.json"):
        for method in METHODS:
            assert getattr(outsider, method)(link + address).status_code == 405
    assert [event for event, _ in log(acme)] == ["share.made"]


def test_it_opens_nothing_else_of_the_portal(outsider, link, approval):
    outsider.get(link)
    assert not outsider.session.keys()
    for address in ("/acme/", approval.get_absolute_url(), "/acme/records/"):
        assert outsider.get(address)["Location"].startswith("/accounts/login/")
    assert outsider.get("/api/v1/acme/records/").status_code == 401


def test_who_guesses_is_soon_answered_no_more(outsider, link):
    for number in range(guessing.MISSES):
        assert outsider.get(f"/shared/guess-{number}/").status_code == 404
    answer = outsider.get(link)
    assert answer.status_code == 429
    assert answer["Retry-After"] == str(guessing.WINDOW)
    assert outsider.get(link, REMOTE_ADDR="192.0.2.7").status_code == 200


# Who makes and ends one.


def test_owners_and_reviewers_share_and_nobody_else(acme, approval):
    for member in (acme.owner, acme.reviewer):
        assert make.share(acme, approval, by=member)[0].state == "live"
    for member in (acme.builder, acme.auditor):
        with pytest.raises(NotPermitted, match="Only owners and reviewers"):
            make.share(acme, approval, by=member)


def test_an_owner_cannot_share_files_they_may_not_download(acme, approval):
    with pytest.raises(ActionDenied, match="download models"):
        make.share(acme, approval, by=acme.owner, files=True)


def test_what_is_in_review_is_not_shared(acme):
    with pytest.raises(ActionDenied, match="in review"):
        make.share(acme, sign_offs.asked(acme))


@pytest.mark.parametrize("days", [-1, 366])
def test_it_ends_on_a_day_to_come_within_a_year(acme, approval, days):
    with pytest.raises(BadInput):
        make.share(acme, approval, days=days)


def test_another_organizations_sign_off_cannot_be_shared(acme, rival):
    rival.enter()
    theirs = sign_offs.approved(rival)
    with pytest.raises(NothingThere):
        make.share(acme, theirs)


def test_it_is_made_on_the_page_and_its_link_shown_once(client, outsider, acme, approval):
    client.force_login(acme.owner.user)
    until = (timezone.now() + dt.timedelta(days=9)).date().isoformat()
    given = {"approvals": [approval.pk], "addressee": "Auditors & Co", "until": until}
    said = client.post("/acme/shares/new/", given).content.decode()
    link = said.split('id="link">')[1].split("<")[0]
    assert outsider.get(link).status_code == 200
    acme.enter()
    page = client.get(Share.objects.get().get_absolute_url()).content.decode()
    assert link.rsplit("/", 2)[1] not in page
    assert client.get("/acme/shares/").status_code == 200
    client.post(f"{Share.objects.get().get_absolute_url()}revoke/")
    assert outsider.get(link).status_code == 404


def test_bad_input_is_said_beside_the_form(client, acme, approval):
    client.force_login(acme.owner.user)
    given = {"approvals": [approval.pk], "addressee": "A", "until": "2000-01-01"}
    assert "That day has passed" in client.post("/acme/shares/new/", given).content.decode()
    assert "Choose at least one" in client.post("/acme/shares/new/", given | {"approvals": []}).content.decode()


def test_the_same_verbs_over_rest(client, outsider, acme, approval):
    acme.enter(acme.reviewer)
    _, secret = token(acme.reviewer, "read", "share.make")
    until = (timezone.now() + dt.timedelta(days=9)).date().isoformat()
    given = {"approvals": [approval.pk], "addressee": "Auditors & Co", "until": until}
    asked = {"content_type": "application/json", **bearer(secret)}
    made = client.post("/api/v1/acme/shares/", given, HTTP_IDEMPOTENCY_KEY="k", **asked).json()
    assert outsider.get(made["link"]).status_code == 200
    again = client.post("/api/v1/acme/shares/", given, HTTP_IDEMPOTENCY_KEY="k", **asked).json()
    assert (again["id"], again["link"]) == (made["id"], "")
    where = f"/api/v1/acme/shares/{made['id']}/"
    assert [line["event"] for line in client.get(where, **bearer(secret)).json()["log"]] == [
        "share.opened",
        "share.made",
    ]
    assert len(client.get("/api/v1/acme/shares/", **bearer(secret)).json()["results"]) == 1
    assert client.post(f"{where}revocation/", **asked).json()["state"] == "revoked"
    assert client.post(f"{where}revocation/", **asked).status_code == 409
    assert outsider.get(made["link"]).status_code == 404
    wrong = client.post("/api/v1/acme/shares/", given | {"approvals": [10**9]}, **asked)
    assert wrong.status_code == 404


# What the database holds, whatever the code does.


@pytest.mark.parametrize(
    "attack",
    [
        "update bundles_share set expires_at = expires_at + interval '1 day'",
        "update bundles_share set approvals = approvals || 1::bigint",
        "update bundles_share set addressee = 'Me'",
        "update bundles_share set digest = repeat('0', 64)",
        "update bundles_share set files = true",
        "delete from bundles_share",
        "truncate bundles_share",
        "update bundles_share set revoked_at = now()",
    ],
)
def test_a_share_cannot_be_widened(acme, approval, attack):
    make.share(acme, approval)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)


def test_a_share_that_was_taken_back_stays_so(acme, approval):
    share, _ = make.share(acme, approval)
    actions.revoke(share, by=acme.owner)
    with pytest.raises(DatabaseError, match="stays so"), transaction.atomic():
        Share.objects.update(revoked_at=None, revoked_by=None)


def test_a_share_of_anothers_sign_off_cannot_be_stored(acme, rival):
    rival.enter()
    theirs = sign_offs.approved(rival)
    acme.enter()
    for chosen in ([theirs.pk], []):
        with pytest.raises(DatabaseError, match="its own organization"), transaction.atomic():
            Share.objects.create(
                organization=acme.organization, addressee="Me", approvals=chosen, made_by=acme.owner, digest="0" * 64,
                expires_at=timezone.now() + dt.timedelta(days=1),
            )  # fmt: skip


def test_the_door_answers_live_links_alone(acme, approval):
    from apps.accounts.queries import secret_digest

    share, secret = make.share(acme, approval)
    actions.revoke(share, by=acme.owner)
    late = expired(acme, approval)
    become(None)
    for tried in (secret, late, "", "x' or true --"):
        with connection.cursor() as cursor:
            cursor.execute(
                "select bundles_enter_by_share(%s), current_setting('assay.organization')", [secret_digest(tried)]
            )
            assert cursor.fetchone() == (None, "")
