"""A person is erased from the record, and every proof still verifies."""

import json

import pytest
from django.db import IntegrityError, transaction

from apps.accounts import actions as accounts
from apps.accounts.models import Invitation, User
from apps.audits import actions, checkpoints, holds, proofs, verification
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Opening, PersonKey, Record
from apps.common.errors import ActionDenied, BadInput, NotPermitted

pytestmark = pytest.mark.django_db


@pytest.fixture
def nora(acme):
    """Invited, joined, did something, renamed herself, and was removed."""
    invitation, _ = accounts.invite(email="nora@people.example", role="builder", by=acme.owner)
    nora = accounts.join_as_new(invitation, name="Nora Neu", password="a long sentence to keep")
    record(Event.PROJECT_CHANGED, on=acme.project, by=nora)
    accounts.rename(nora.user, name="Nora Alt")
    acme.enter()
    accounts.remove(nora, by=acme.owner)
    nora.refresh_from_db()
    return nora


def everything_said() -> str:
    kept = [json.dumps([one.by_name, one.on_name, one.told, one.names]) for one in Record.objects.all()]
    return " ".join(kept + list(Opening.objects.values_list("text", flat=True)))


def test_nothing_says_any_more_who_it_was_and_every_proof_verifies(acme, nora):
    mine = acme.organization.pk
    before = checkpoints.make(mine)
    paths = [proofs.inclusion(mine, seq, before.size) for seq in range(1, before.size + 1)]
    assert "Nora" in everything_said()
    accounts.erase(nora, reason="She asked for it.", by=acme.owner)
    assert "ora" not in everything_said()
    assert "people.example" not in everything_said()
    assert Record.objects.filter(by_id=nora.user_id).first().by_name == "erased person"
    assert verification.verify(mine).intact
    assert [proofs.inclusion(mine, seq, before.size) for seq in range(1, before.size + 1)] == paths
    assert proofs.root(mine, before.size) == bytes(before.root)


def test_exports_say_that_somebody_was_erased(acme, nora):
    accounts.erase(nora, reason="She asked for it.", by=acme.owner)
    for form in ("csv", "jsonl"):
        taken = b"".join(actions.export(by=acme.auditor, form=form).content).decode()
        assert "Nora" not in taken
        assert "nora" not in taken
    assert "erased person" in b"".join(actions.export(by=acme.auditor, form="csv").content).decode()


def test_it_is_remembered_who_erased_and_not_whom(acme, nora):
    accounts.erase(nora, reason="She asked for it.", by=acme.owner)
    last = Record.objects.order_by("-seq").first()
    assert (last.event, last.by_name, last.on_name) == ("member.erased", "Owner", "Acme")
    assert last.told == {"membership": nora.pk, "words": 6, "reason": "She asked for it."}


def test_the_account_goes_where_nobody_else_knows_it(acme, nora):
    accounts.erase(nora, reason="She asked for it.", by=acme.owner)
    person = User.objects.get(pk=nora.user_id)
    assert (person.name, person.is_active, person.has_usable_password()) == ("erased person", False, False)
    assert "nora" not in person.email
    assert not Invitation.objects.filter(email__icontains="nora").exists()


def test_the_account_stays_with_another_organization(acme, rival, nora):
    rival.enter()
    invitation, _ = accounts.invite(email="nora@people.example", role="builder", by=rival.owner)
    accounts.join(invitation, person=nora.user)
    acme.enter()
    accounts.erase(nora, reason="She asked for it.", by=acme.owner)
    assert User.objects.get(pk=nora.user_id).name == "Nora Alt"
    assert "Nora" not in everything_said()
    rival.enter()
    assert "Nora" in everything_said()


def test_a_member_is_not_erased_and_a_name_only_once(acme, nora):
    with pytest.raises(ActionDenied, match="remove them first"):
        accounts.erase(acme.builder, reason="x", by=acme.owner)
    with pytest.raises(NotPermitted):
        accounts.erase(nora, reason="x", by=acme.builder)
    with pytest.raises(BadInput):
        accounts.erase(nora, reason="  ", by=acme.owner)
    accounts.erase(nora, reason="x", by=acme.owner)
    with pytest.raises(ActionDenied, match="erased already"):
        accounts.erase(nora, reason="x", by=acme.owner)


def test_a_legal_hold_keeps_every_name(acme, nora):
    hold = holds.place(acme.organization, reason="A court asked.", by=acme.owner)
    with pytest.raises(ActionDenied, match="legal hold"):
        accounts.erase(nora, reason="x", by=acme.owner)
    with pytest.raises(IntegrityError, match="legal hold"), transaction.atomic():
        PersonKey.objects.filter(subject=nora.personal_subject).delete()
    holds.release(hold, reason="It is over.", by=acme.owner)
    acme.enter(acme.reviewer)
    holds.release(hold, by=acme.reviewer)
    acme.enter()
    accounts.erase(nora, reason="x", by=acme.owner)


def test_an_invitee_who_never_joined_is_erased(acme):
    first, _ = accounts.invite(email="Ida@people.example", role="builder", by=acme.owner)
    with pytest.raises(ActionDenied, match="take it back first"):
        accounts.erase_invitation(first, reason="She asked for it.", by=acme.owner)
    accounts.revoke_invitation(first, by=acme.owner)
    second, _ = accounts.invite(email="ida@people.example", role="auditor", by=acme.owner)
    accounts.revoke_invitation(second, by=acme.owner)
    with pytest.raises(NotPermitted):
        accounts.erase_invitation(second, reason="x", by=acme.builder)
    with pytest.raises(BadInput):
        accounts.erase_invitation(second, reason=" ", by=acme.owner)
    assert "ida@people" in everything_said()
    accounts.erase_invitation(second, reason="She asked for it.", by=acme.owner)
    assert "ida@people" not in everything_said().lower()
    assert not Invitation.objects.filter(email__icontains="people.example").exists()
    assert verification.verify(acme.organization.pk).intact
    with pytest.raises(ActionDenied, match="erased already"):
        accounts.erase_invitation(second, reason="x", by=acme.owner)


def test_who_joined_is_erased_as_a_member_and_a_hold_keeps_an_invitee_too(acme, nora):
    joined = Invitation.objects.get()
    with pytest.raises(ActionDenied, match="erase the former member"):
        accounts.erase_invitation(joined, reason="x", by=acme.owner)
    again, _ = accounts.invite(email="nora@people.example", role="builder", by=acme.owner)
    accounts.revoke_invitation(again, by=acme.owner)
    with pytest.raises(ActionDenied, match="is or was a member"):
        accounts.erase_invitation(again, reason="x", by=acme.owner)
    other, _ = accounts.invite(email="ida@people.example", role="builder", by=acme.owner)
    accounts.revoke_invitation(other, by=acme.owner)
    holds.place(acme.organization, reason="A court asked.", by=acme.owner)
    with pytest.raises(ActionDenied, match="legal hold"):
        accounts.erase_invitation(other, reason="x", by=acme.owner)


def test_an_invitee_is_erased_on_the_page_and_over_rest(acme, client):
    found = [
        accounts.invite(email=f"{name}@people.example", role="builder", by=acme.owner)[0] for name in ("ida", "una")
    ]
    for invitation in found:
        accounts.revoke_invitation(invitation, by=acme.owner)
    client.force_login(acme.owner.user)
    assert "ida@people.example" in client.get("/acme/members/?former=yes").content.decode()
    where = f"/acme/members/invitations/{found[0].pk}/erase/"
    assert "Say why" in client.post(where, {}, follow=True).content.decode()
    shown = client.post(where, {"reason": "She asked."}, follow=True).content.decode()
    assert "Their address is erased" in shown and "ida@" not in shown
    rest = f"/api/v1/acme/invitations/{found[1].pk}/erasure/"
    assert client.post(rest, {"reason": "She asked."}, content_type="application/json").status_code == 204
    assert client.post(rest, {"reason": "x"}, content_type="application/json").status_code == 409


def test_the_database_keeps_a_members_key(acme):
    record(Event.PROJECT_CHANGED, on=acme.project, by=acme.builder)
    with pytest.raises(IntegrityError, match="Whoever is a member"), transaction.atomic():
        PersonKey.objects.filter(subject=acme.builder.personal_subject).delete()


def test_an_account_in_use_keeps_its_address(acme):
    acme.builder.user.email = f"erased-{acme.builder.user_id}@erased.invalid"
    with pytest.raises(IntegrityError, match="keeps the address"), transaction.atomic():
        acme.builder.user.save(update_fields=["email"])


def test_it_is_done_on_the_page_and_over_rest(acme, nora, client):
    client.force_login(acme.owner.user)
    where = f"/acme/members/{nora.pk}/"
    assert "Erase their name" in client.get(where).content.decode()
    assert client.post(f"/api/v1/acme/members/{nora.pk}/erasure/", {}, "application/json").status_code == 400
    shown = client.post(f"{where}erase/", {"reason": "She asked for it."}, follow=True).content.decode()
    assert "every proof is as it was" in shown
    assert "Nora" not in shown
    again = client.post(f"/api/v1/acme/members/{nora.pk}/erasure/", {"reason": "x"}, content_type="application/json")
    assert again.status_code == 409
    assert "erased person" in client.get("/acme/records/").content.decode()
