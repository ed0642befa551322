"""The signatures in a bundle: what the holder of the key, who can sign anything again, still cannot pass off."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.bundles.contents import MANIFEST
from apps.common.canonical import canonical, digest
from apps.common.signing import IN_TOTO, envelope
from tests.bundles import make
from tests.bundles.make import key_of, signed_again

pytestmark = pytest.mark.django_db


@pytest.fixture
def bundle(acme) -> bytes:
    return make.bundle(acme)


@pytest.fixture
def key(acme, bundle):
    return key_of(acme)


def signatures(members) -> list[str]:
    return [name for name in members if name.startswith("signatures/") and name.endswith(".dsse.json")]


def resigned(bundle, key, change, *, which=0) -> bytes:
    """The bundle with one signature given otherwise, by the organization's own key."""
    members = make.members(bundle)
    name = signatures(members)[which]
    said = json.loads(base64.b64decode(json.loads(members[name])["payload"]))
    change(said["predicate"], said)
    return signed_again(members | {name: canonical(envelope(canonical(said), IN_TOTO, key))}, key)


def predicate(**other):
    return lambda meant, said: meant.update(other)


LATER = "2099-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda meant, said: said["subject"].pop(), "signs another dossier or model"),
        (predicate(approval=10**6), "was given to another sign-off, or is another signature"),
        (predicate(signature=10**6), "was given to another sign-off, or is another signature"),
        (predicate(meaning="approved"), "was given with another meaning than signatures.json prints"),
        (predicate(reason="Other."), "was given with another reason than signatures.json prints"),
        (predicate(previous="0" * 64), "does not follow the signature printed before it"),
        (lambda meant, said: said.update(predicateType="other"), "states something else than"),
        (predicate(note="added"), "the record does not tell of signatures/"),
    ],
)
def test_one_that_was_given_otherwise_is_named(bundle, key, tmp_path, change, expected):
    assert expected in make.wrong(resigned(bundle, key, change), tmp_path)


@pytest.mark.parametrize(
    ("proved", "wrong"),
    [({"components": ["session"]}, True), ({"at": LATER}, True), ({"components": ["password", "totp"]}, False)],
)
def test_one_given_without_proving_again_who_it_is_is_named(bundle, key, tmp_path, proved, wrong):
    changed = resigned(bundle, key, lambda meant, said: meant["authentication"].update(proved))
    said = make.wrong(changed, tmp_path, by=make.decider)
    assert ("signed without proving again who they are" in said) == wrong


def test_one_given_unread_is_named(bundle, key, tmp_path):
    changed = resigned(bundle, key, lambda meant, said: meant["opened"].pop())
    assert "signed without opening the privacy since it was asked for" in make.wrong(changed, tmp_path, by=make.decider)


def test_one_given_when_its_key_was_not_in_use_is_named(bundle, key, tmp_path):
    now = timezone.now()
    for word, moment in (("from", now + timedelta(hours=1)), ("until", now - timedelta(hours=1))):
        members = make.members(bundle)
        said = json.loads(members["keys/keys.json"])
        said[0][word] = moment.isoformat()
        changed = signed_again(members | {"keys/keys.json": canonical(said)}, key)
        assert "when its key was not in use" in make.wrong(changed, tmp_path)


def test_one_that_its_key_did_not_give_is_named(bundle, key, tmp_path):
    members = make.members(bundle)
    one, two = (json.loads(members[name]) for name in signatures(members)[:2])
    changed = canonical(one | {"signatures": two["signatures"]})
    said = make.wrong(signed_again(members | {signatures(members)[0]: changed}, key), tmp_path)
    why = f"the signature of key {digest(key.public)[:16]} does not hold: it or the content was changed"
    assert f"{signatures(members)[0]}: {why}" in said


def test_one_left_out_or_put_in_is_named(bundle, key, tmp_path):
    members = make.members(bundle)
    first, second = signatures(members)
    without = {name: content for name, content in members.items() if name != first}
    said = make.wrong(signed_again(without, key), tmp_path)
    assert f"{second} does not follow the signature printed before it" in said
    put_in = members | {"signatures/999.dsse.json": members[first]}
    said = make.wrong(signed_again(put_in, key), tmp_path)
    assert "signatures/999.dsse.json is a signature that signatures.json does not print" in said


def test_one_that_is_only_printed_is_named(bundle, key, tmp_path):
    """Whoever holds the key may print what they like where there is no envelope; the record knows better."""
    members = make.members(bundle)
    last, printed = signatures(members)[-1], json.loads(members["signatures/signatures.json"])
    printed["signatures"][-1]["printed_name"] = "Somebody Else"
    said = {"signatures/signatures.json": canonical(printed)}
    without = {name: content for name, content in (members | said).items() if name != last}
    assert "the record tells of signatures whose envelopes are not here" in make.wrong(
        signed_again(without, key), tmp_path
    )
    printed["signatures"].append(printed["signatures"][-1] | {"id": 10**6})
    changed = make.with_printed(bundle, key, lambda said: said.update(printed))
    assert "the record tells of 2 signatures, the bundle holds 3" in make.wrong(changed, tmp_path)


def test_bytes_in_another_spelling_are_refused(bundle, key, tmp_path):
    """The last letter of base64 has bits that say nothing: another envelope that holds would be a changed byte."""
    members = make.members(bundle)
    said = json.loads(members[MANIFEST])
    mark = said["signatures"][0]["sig"]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert mark.endswith("==")
    other = letters[letters.index(mark[-3]) ^ 1]
    said["signatures"][0]["sig"] = mark[:-3] + other + "=="
    assert base64.b64decode(said["signatures"][0]["sig"]) == base64.b64decode(mark)
    assert "base64 that is not written the one way" in make.wrong(
        make.packed(members | {MANIFEST: canonical(said)}), tmp_path
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"state": "revoked"}, "it is said to be revoked, and the record does not tell of it"),
        ({"valid_until": LATER}, "not what policy and record give"),
        ({"decided_at": LATER}, "not what policy and record give"),
    ],
)
def test_another_end_than_the_record_tells_is_named(bundle, key, tmp_path, state, expected):
    members = make.members(bundle)
    about = make.predicate(members)
    changed = signed_again(members, key, state=about["state"] | state)
    assert expected in make.wrong(changed, tmp_path, by=make.decider)


def test_a_revocation_that_the_manifest_hides_is_named(acme, tmp_path):
    from apps.approvals import actions

    approval = make.approval(acme)
    acme.enter(acme.reviewer)
    actions.revoke(approval, reason="Drift.", by=acme.reviewer)
    members = make.members(make.bundle(acme, make.fetched(acme, approval.pk)))
    make.right(make.packed(members), tmp_path)
    about = make.predicate(members)
    changed = signed_again(members, key_of(acme), state=about["state"] | {"state": "approved", "status": "approved"})
    said = make.wrong(changed, tmp_path, by=make.decider)
    assert "the record tells that it was revoked, and it is said to be approved" in said
    assert digest(members["dossier.json"]) == about["dossier_digest"]
