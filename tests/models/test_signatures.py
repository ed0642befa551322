"""The signature over a model's files: in the form of OpenSSF Model Signing, by the organization's key, for good."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import DatabaseError, connection, transaction

from apps.audits import keys
from apps.common.errors import ActionDenied
from apps.common.signing import BadSignature, Key, envelope
from apps.models import actions, queries, signatures
from apps.models.models import ModelSignature
from tests.approvals import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(acme):
    return make.model_version(acme)


def test_it_is_laid_out_as_model_signing_lays_it_out(acme, version):
    bundle = signatures.bundle(actions.sign(version).envelope)
    said = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in make.FILES.items()}
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert (said["_type"], said["predicateType"]) == (
        "https://in-toto.io/Statement/v1", "https://model_signing/signature/v1.0")  # fmt: skip
    assert said["predicate"] == {
        "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []},
        "resources": [{"name": n, "algorithm": "sha256", "digest": digests[n]} for n in sorted(digests)],
    }
    whole = hashlib.sha256(b"".join(bytes.fromhex(digests[name]) for name in sorted(digests))).hexdigest()
    assert said["subject"] == [{"name": "screening-v1", "digest": {"sha256": whole}}]


def test_anybody_verifies_it_by_the_public_key(acme, version):
    signed = actions.sign(version).envelope
    payload, (mark,) = base64.b64decode(signed["payload"]), signed["signatures"]
    message = b"DSSEv1 28 application/vnd.in-toto+json %d " % len(payload) + payload
    public = keys.trusted(acme.organization.pk)[mark["keyid"]]
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(mark["sig"]), message)


def test_it_is_made_once_and_holds_after_the_key_was_rotated(acme, version):
    before = actions.sign(version)
    keys.rotate(acme.organization.pk)
    assert actions.sign(version).pk == before.pk
    signatures.check(version, queries.signature(version))


def test_registering_signs(acme):
    like = make.model_version(acme)
    facts = {name: getattr(like, name) for name in ("code_version", "libraries", "device", "duration_s", "input_schema",
                                                    "metrics")}  # fmt: skip
    version = actions.register(
        like.model, files=like.files, recipe={"seed": 1}, dataset_version=like.dataset_version, trained_by=acme.builder,
        run_id=10**6, **facts,
    )  # fmt: skip
    signatures.check(version, queries.signature(version))


def test_without_the_key_nothing_is_signed_and_nothing_checked(acme, version, settings):
    with pytest.raises(BadSignature, match="Nobody signed"):
        signatures.check(version, queries.signature(version))
    keys.in_use(acme.organization.pk)
    settings.KEY_SECRET = "another"
    with pytest.raises(ActionDenied, match="ASSAY_KEY_SECRET"):
        actions.sign(version)
    assert not ModelSignature.objects.exists()


def test_a_signature_of_another_model_or_by_another_key_does_not_count(acme, version):
    other = make.model_version(acme, number=2, files={"model.json": b"other"})
    with pytest.raises(BadSignature, match="over other files"):
        signatures.check(version, actions.sign(other).envelope)
    ours = actions.sign(version).envelope
    with pytest.raises(BadSignature, match="No key that is trusted"):
        signatures.check(version, envelope(base64.b64decode(ours["payload"]), ours["payloadType"], Key.new()))
    with pytest.raises(BadSignature):
        signatures.check(version, ours | {"payload": base64.b64encode(b"{}").decode()})


def test_the_database_refuses_a_signature_over_other_files(acme, rival, version):
    other = make.model_version(acme, number=2, files={"model.json": b"other"})
    with pytest.raises(DatabaseError, match="exactly its registered files"), transaction.atomic():
        ModelSignature.objects.create(
            organization=acme.organization, version=version, envelope=signatures.envelope(other)
        )


@pytest.mark.parametrize(
    "attack", ["update models_modelsignature set envelope = '{}'", "delete from models_modelsignature"]
)
def test_it_cannot_be_changed_or_deleted(acme, version, attack):
    actions.sign(version)
    with pytest.raises(DatabaseError, match=r"cannot be changed|permission denied"), transaction.atomic():
        connection.cursor().execute(attack)


def test_it_is_downloaded_from_the_page_and_over_rest(client, acme, rival, version):
    client.force_login(acme.auditor.user)
    for path in (
        f"/acme/lending/models/{version.pk}/signature",
        f"/api/v1/acme/model-versions/{version.pk}/signature/",
    ):
        answer = client.get(path)
        assert answer.json()["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"
        assert answer["Content-Disposition"] == 'attachment; filename="screening-v1.model.sig"'
    assert "model.sig" in client.get(version.get_absolute_url()).content.decode()
    client.force_login(rival.owner.user)
    assert client.get(f"/api/v1/rival/model-versions/{version.pk}/signature/").status_code == 404
