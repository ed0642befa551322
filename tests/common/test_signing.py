"""Signatures in forms that others can check, against the published vectors and against every flipped byte."""

import base64
import copy

import pytest

from apps.common import signing

KEY = signing.Key(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
TRUSTED = {signing.key_id(KEY.public): KEY.public}
KIND = "https://assay.example/test/v1"


def test_it_signs_as_rfc_8032_says():
    """Section 7.1, test 1."""
    assert KEY.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert KEY.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


def test_the_signed_bytes_are_those_dsse_says():
    """The example of the DSSE protocol, version 1.0."""
    assert signing.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def signed():
    return signing.envelope(signing.statement(KIND, {"n": 1}, {"model": "ab" * 32}), signing.IN_TOTO, KEY)


def test_an_envelope_opens_to_the_statement_it_holds():
    said = signing.stated(signing.opened(signed(), TRUSTED), KIND)
    assert said["subject"] == [{"name": "model", "digest": {"sha256": "ab" * 32}}]
    assert said["predicate"] == {"n": 1}


def test_every_flipped_byte_of_payload_and_signature_is_refused():
    whole = signed()
    payload = base64.b64decode(whole["payload"])
    for place in range(len(payload)):
        changed = copy.deepcopy(whole)
        changed["payload"] = base64.b64encode(
            payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
        ).decode()
        with pytest.raises(signing.BadSignature):
            signing.opened(changed, TRUSTED)
    signature = base64.b64decode(whole["signatures"][0]["sig"])
    for place in range(64):
        changed = copy.deepcopy(whole)
        flipped = signature[:place] + bytes([signature[place] ^ 1]) + signature[place + 1 :]
        changed["signatures"][0]["sig"] = base64.b64encode(flipped).decode()
        with pytest.raises(signing.BadSignature):
            signing.opened(changed, TRUSTED)


@pytest.mark.parametrize(
    "broken",
    [{}, {"payload": "!"}, {"payloadType": 1, "payload": "", "signatures": [{}]}, {"signatures": None}, [], None],
)
def test_what_is_no_envelope_is_refused_in_words(broken):
    with pytest.raises(signing.BadSignature):
        signing.opened(broken, TRUSTED)


def test_another_key_or_another_type_is_refused():
    other = signing.Key.new()
    with pytest.raises(signing.BadSignature):
        signing.opened(signed(), {signing.key_id(other.public): other.public})
    with pytest.raises(signing.BadSignature):
        signing.opened({**signed(), "payloadType": "text/plain"}, TRUSTED)
    with pytest.raises(signing.BadSignature):
        signing.stated(signing.opened(signed(), TRUSTED), "https://assay.example/other/v1")


def test_a_key_never_shows_its_secret():
    assert KEY.secret.hex() not in repr(KEY)
