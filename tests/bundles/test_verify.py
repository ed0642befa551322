"""What verify.py holds a bundle to: any byte that was changed, is missing or is foreign is named."""

import json
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.bundles.contents import MANIFEST
from apps.common.canonical import canonical, digest
from apps.common.signing import Key, pem
from tests.bundles import make
from tests.bundles.make import key_of, signed_again

pytestmark = pytest.mark.django_db


@pytest.fixture
def approval(acme):
    return make.approval(acme)


@pytest.fixture
def bundle(acme, approval) -> bytes:
    return make.bundle(acme, approval)


def test_a_whole_bundle_is_verified(bundle, tmp_path):
    told = make.checked(bundle, tmp_path)
    assert told["verified"], told
    assert told["status"] == 0
    assert told["answer"].startswith("VERIFIED: ")


def test_the_same_sign_off_gives_the_same_bytes(acme, approval, bundle):
    assert make.bundle(acme, make.fetched(acme, approval.pk)) == bundle


def test_any_zip_tool_reads_it(bundle, tmp_path):
    (tmp_path / "b.zip").write_bytes(bundle)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == MANIFEST
    assert make.packed(make.members(bundle)) == bundle


def test_it_says_on_which_key_it_rests(acme, bundle, tmp_path):
    fingerprint = digest(key_of(acme).public)
    notes = [one["what"] for one in make.checked(bundle, tmp_path)["checks"] if one["mark"] == "note"]
    assert any("no --key" in note and fingerprint in note for note in notes)
    told = make.checked(bundle, tmp_path, "--key", fingerprint)
    assert told["verified"]
    assert not any("no --key" in one["what"] for one in told["checks"])
    (tmp_path / "key.pem").write_text(pem(key_of(acme).public))
    make.right(bundle, tmp_path, "--key", str(tmp_path / "key.pem"))


def test_another_key_does_not_verify_it(bundle, tmp_path):
    assert "not by the key you gave" in make.wrong(bundle, tmp_path, "--key", digest(Key.new().public))


# What the holder of the key could sign, and still not get past the rest.


def test_a_manifest_by_a_stranger_is_not_the_organizations(bundle, tmp_path):
    stranger = Key.new()
    assert "not among the organization's" in make.wrong(signed_again(make.members(bundle), stranger), tmp_path)


def test_a_dossier_that_is_not_canonical_is_refused(acme, bundle, tmp_path):
    members = make.members(bundle)
    members["dossier.json"] = json.dumps(json.loads(members["dossier.json"]), indent=1).encode()
    changed = signed_again(members, key_of(acme), dossier_digest=digest(members["dossier.json"]))
    assert "not canonical" in make.wrong(changed, tmp_path)


@pytest.mark.parametrize(
    "name", ["policy/policy.json", "model/recipe.json", "data/training-declaration.json", "reports/fairness"]
)
def test_a_file_the_dossier_does_not_bind_is_named(acme, bundle, tmp_path, name):
    members = make.members(bundle)
    name = next(found for found in members if found.startswith(name) and found.endswith(".json"))
    members[name] = canonical(json.loads(members[name]) | {"added": True})
    assert "dossier: " in make.wrong(signed_again(members, key_of(acme)), tmp_path)


def test_a_dossier_other_than_the_signed_one_is_named(acme, bundle, tmp_path):
    members = make.members(bundle)
    dossier = json.loads(members["dossier.json"])
    dossier["asked"]["note"] = "Another."
    members["dossier.json"] = canonical(dossier)
    assert "signatures: " in make.wrong(
        signed_again(members, key_of(acme), dossier_digest=digest(members["dossier.json"])), tmp_path
    )


def test_a_sign_off_without_its_signatures_is_named(acme, bundle, tmp_path):
    members = {
        name: content for name, content in make.members(bundle).items() if ".dsse" not in name or name == MANIFEST
    }
    printed = json.loads(members["signatures/signatures.json"])
    printed["signatures"].pop()
    members["signatures/signatures.json"] = canonical(printed)
    changed = signed_again(members, key_of(acme))
    assert "the record tells of 2 signatures, the bundle holds 1" in make.wrong(changed, tmp_path)
    assert "1 of 2 signatures" in make.wrong(changed, tmp_path, by=make.decider)


def test_it_runs_out_of_no_breath_on_nested_json(acme, bundle, tmp_path):
    members = make.members(bundle) | {"dossier.json": b"[" * 200_000}
    changed = signed_again(members, key_of(acme), dossier_digest=digest(members["dossier.json"]))
    assert "malformed" in make.wrong(changed, tmp_path)


@pytest.mark.parametrize(
    "value",
    [0.1, 1e21, 1e-7, 123456789.123, 5e-324, 1.7976931348623157e308, -0.0, 1 / 3, 1e20, 0.000001, 333333333.33333329,
     {"\u20ac": 1, "\U0001f600": [None, True], "a\u007f\n": "\u000f\"\\"}],
)  # fmt: skip
def test_its_canonical_json_is_ours(value):
    assert make.verifier().canonical([value]) == canonical([value])


def test_a_key_under_anothers_name_or_of_another_kind_is_named(acme, bundle, tmp_path):
    members = make.members(bundle)
    name = next(name for name in members if name.endswith(".pem"))
    other = Key.new()
    said = make.wrong(make.packed(members | {name: pem(other.public).encode()}), tmp_path)
    assert f"{name} holds another key, {digest(other.public)}" in said
    rounded = ec.generate_private_key(ec.SECP256R1()).public_key()
    written = rounded.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert "a key that is not Ed25519" in make.wrong(make.packed(members | {name: written}), tmp_path)


def test_what_is_no_envelope_is_named(bundle, tmp_path):
    members = make.members(bundle)
    for more in ({"more": 1}, {"payloadType": "text/plain"}):
        changed = canonical(json.loads(members[MANIFEST]) | more)
        said = make.wrong(make.packed(members | {MANIFEST: changed}), tmp_path)
        assert f"{MANIFEST} is no DSSE envelope around an in-toto statement" in said


def test_a_form_it_does_not_know_is_refused(acme, bundle, tmp_path):
    changed = signed_again(make.members(bundle), key_of(acme), assay="bundle 99")
    assert "it is of the form “bundle 99”; this program reads" in make.wrong(changed, tmp_path)


@pytest.mark.parametrize("word", ["organization", "project", "model"])
def test_a_manifest_that_speaks_of_another_model_is_named(acme, bundle, tmp_path, word):
    members = make.members(bundle)
    subject = make.predicate(members)["subject"]
    changed = signed_again(members, key_of(acme), subject=subject | {word: "another"})
    assert "the manifest speaks of another model than the dossier, screening v1" in make.wrong(changed, tmp_path)


@pytest.mark.parametrize(
    "other", [{"artifact_digest": "0" * 64}, {"files": {}}, {"recipe_digest": "0" * 64}, {"version": 2}, {"model": "x"}]
)
def test_a_registered_model_other_than_the_dossiers_is_named(acme, bundle, tmp_path, other):
    members = make.members(bundle)
    changed = canonical(json.loads(members["model/version.json"]) | other)
    lied = signed_again(members | {"model/version.json": changed}, key_of(acme))
    assert "model/version.json is not what the dossier binds" in make.wrong(lied, tmp_path)


def test_a_dossier_that_does_not_hold_together_is_named(acme, bundle, tmp_path):
    def files(dossier):
        dossier["model"]["files"]["more.bin"] = "0" * 64

    changed = make.with_dossier(bundle, key_of(acme), files)
    assert "the list of files is not what the dossier binds" in make.wrong(changed, tmp_path)
    members = make.members(bundle)
    dossier = json.loads(members["dossier.json"])
    dossier["policy_body"]["valid_days"] += 1
    lied = canonical(dossier)
    changed = signed_again(members | {"dossier.json": lied}, key_of(acme), dossier_digest=digest(lied))
    assert "the policy quoted in the dossier is not what the dossier binds" in make.wrong(changed, tmp_path)


def test_more_than_is_read_is_refused(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(make.verifier(), "JSON_SIZE", 10)
    assert "keys/keys.json is too large to be read" in make.wrong(bundle, tmp_path)
