"""What verify.py holds a bundle to: any byte that was changed, is missing or is foreign is named."""

import base64
import dataclasses
import hashlib
import json
import random
import struct
import zipfile

import pytest

from apps.audits import checkpoints, notes, proofs
from apps.bundles.archive import Packed, written
from apps.bundles.contents import MANIFEST
from apps.common.canonical import canonical, digest
from apps.common.signing import Key, pem
from tests.accounts.make import bearer, token
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


def places(content: bytes, chance: random.Random) -> set[int]:
    """The beginning, the end and somewhere between."""
    return {0, len(content) - 1, chance.randrange(len(content))}


def test_each_member_changed_at_any_place_is_named(bundle, tmp_path):
    chance, begins = random.Random(3), 0
    for name, content in make.members(bundle).items():
        begins += 30 + len(name)
        for at in places(content, chance):
            changed = bytearray(bundle)
            changed[begins + at] ^= 1 << chance.randrange(8)
            assert f"{name} was changed" in make.wrong(bytes(changed), tmp_path)
        begins += len(content)


def test_each_member_exchanged_with_its_checksum_is_named(bundle, tmp_path):
    """As somebody would do it who knows the form of the archive, but has no key."""
    chance, members = random.Random(4), make.members(bundle)
    for name, content in members.items():
        for at in places(content, chance):
            changed = bytearray(content)
            changed[at] ^= 1 << chance.randrange(8)
            said = make.wrong(make.packed(members | {name: bytes(changed)}), tmp_path)
            of_keys = name.startswith("keys/") and said.startswith(("keys: ", "manifest: "))
            assert name in said or of_keys or (name == MANIFEST and said.startswith("manifest: ")), (name, at, said)


def test_each_byte_around_the_members_counts(bundle, tmp_path):
    """Headers, directory and end: what is in no member is part of the form."""
    inside, at = set(), 0
    for name, content in make.members(bundle).items():
        at += 30 + len(name)
        inside |= set(range(at, at + len(content)))
        at += len(content)
    for at in random.Random(5).sample(sorted(set(range(len(bundle))) - inside), 150):
        changed = bytearray(bundle)
        changed[at] ^= 0x20
        assert make.wrong(bytes(changed), tmp_path), at


def test_a_dropped_member_is_named(bundle, tmp_path):
    for name in make.members(bundle):
        without = {other: content for other, content in make.members(bundle).items() if other != name}
        assert name in make.wrong(make.packed(without), tmp_path)


def test_a_foreign_member_is_named(bundle, tmp_path):
    said = make.wrong(make.packed(make.members(bundle) | {"reports/zz.json": b"{}"}), tmp_path)
    assert "reports/zz.json is foreign" in said


def test_a_renamed_member_is_named(bundle, tmp_path):
    members = make.members(bundle)
    members["policy/other.yaml"] = members.pop("policy/policy.yaml")
    said = make.wrong(make.packed(members), tmp_path)
    assert "policy/policy.yaml is missing" in said
    assert "policy/other.yaml is foreign" in said


def test_two_swapped_members_are_named(bundle, tmp_path):
    members = make.members(bundle)
    one, two = [name for name in members if name.startswith("reports/")][:2]
    members[one], members[two] = members[two], members[one]
    said = make.wrong(make.packed(members), tmp_path)
    assert one in said
    assert two in said


def test_a_member_of_another_versions_bundle_is_named(acme, bundle, tmp_path):
    """Each bundle is whole; a part of one is foreign in the other."""
    from tests.approvals import make as sign_offs

    other = make.members(make.bundle(acme, make.fetched(acme, sign_offs.approved(acme, number=2).pk)))
    members = make.members(bundle)
    assert other["dossier.json"] != members["dossier.json"]
    assert "dossier.json was changed" in make.wrong(
        make.packed(members | {"dossier.json": other["dossier.json"]}), tmp_path
    )
    assert make.wrong(make.packed(members | {MANIFEST: other[MANIFEST]}), tmp_path)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_bundle_cut_short_is_refused(bundle, tmp_path, part):
    assert make.wrong(bundle[: int(len(bundle) * part)], tmp_path).startswith("archive: ")


def test_bytes_after_the_end_are_foreign(bundle, tmp_path):
    assert "3 foreign bytes after the end" in make.wrong(bundle + b"abc", tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "C:\\evil",
        "a\\b",
        ".hidden",
        "a b",
        "n\u00fcr",
        "x" * 300,
        "a\0b",
        "CON",
        "data/nul.json",
        "reports/com1",
        "a.",
        "a./b",
        "a/",
        "",
    ],
)
def test_a_hostile_name_is_refused(bundle, tmp_path, name):
    raw = name.encode()
    header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0x21, 0, 0, 0, len(raw), 0) + raw
    assert "a hostile member name" in make.wrong(header + bundle, tmp_path)


def test_two_members_of_one_name_are_refused(bundle, tmp_path):
    for name in ("dossier.json", "DOSSIER.json"):
        header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0x21, 0, 0, 0, len(name), 0) + name.encode()
        assert "two members of one name" in make.wrong(header + bundle, tmp_path)


def test_a_huge_member_is_refused(bundle, tmp_path):
    header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0x21, 0, 2**32 - 1, 2**32 - 1, 1, 0) + b"a"
    assert "a claims 4,294,967,295 bytes" in make.wrong(header + bundle, tmp_path)


def test_a_packed_bomb_is_refused_unopened(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 50_000_000)
    assert "stored" in make.wrong((tmp_path / "bomb.zip").read_bytes(), tmp_path)


def test_a_second_end_of_the_directory_is_refused(bundle, tmp_path):
    """Behind the true one, or before it: some readers take the first, some the last."""
    end = bundle[-22:]
    assert "22 foreign bytes after the end" in make.wrong(bundle + end, tmp_path)
    empty = b"PK\5\6" + bytes(18)
    assert "is not as the members give the directory" in make.wrong(bundle[:-22] + empty + end, tmp_path)
    commented = bundle[:-2] + struct.pack("<H", 22) + end
    assert "is not as the members give the directory" in make.wrong(commented, tmp_path)


def test_a_member_given_twice_is_refused(bundle, tmp_path):
    members = make.members(bundle)
    twice = b"".join(written([Packed(name, members[name]) for name in [*members, "verify.py"]]))
    assert "two members of one name: verify.py" in make.wrong(twice, tmp_path)


def test_members_in_another_order_are_refused(bundle, tmp_path):
    members = make.members(bundle)
    turned = [MANIFEST, *sorted(set(members) - {MANIFEST}, reverse=True)]
    packed = b"".join(written([Packed(name, members[name]) for name in turned]))
    assert "do not stand in their order" in make.wrong(packed, tmp_path)


def test_more_members_than_are_read_are_refused(tmp_path):
    many = b"".join(written([Packed(f"m{number}", b"") for number in range(5_001)]))
    assert "more than 5,000 members" in make.wrong(many, tmp_path)


def test_another_verifier_in_it_is_named_by_the_true_one(acme, bundle, tmp_path):
    """Whoever takes verify.py from elsewhere sees that the one inside was replaced, unless the key's holder did it."""
    members = make.members(bundle) | {"verify.py": b"print('VERIFIED')"}
    assert "verify.py was changed" in make.wrong(make.packed(members), tmp_path)
    made = make.right(signed_again(members, key_of(acme)), tmp_path)
    assert any("verify.py" in one["what"] and one["mark"] == "note" for one in made["checks"])


def test_a_symlink_is_refused(bundle, tmp_path):
    at = bundle.rindex(struct.pack("<L", 0o100644 << 16))
    changed = bundle[:at] + struct.pack("<L", 0o120777 << 16) + bundle[at + 4 :]
    assert "is not as the members give the directory" in make.wrong(changed, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"\0" * 1000, b"PK\3\4" * 100, b"%PDF-1.7"])
def test_what_is_no_bundle_is_refused(tmp_path, content):
    assert make.wrong(content, tmp_path).startswith("archive: ")


def test_a_file_that_is_not_there_could_not_be_tried(tmp_path, capsys):
    assert make.verifier().main([str(tmp_path / "nothing.zip")]) == 2


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


# The record and the permits.


def test_it_compares_the_files_with_what_the_record_tells(bundle, tmp_path):
    told = {one["check"]: one["what"] for one in make.right(bundle, tmp_path)["checks"] if one["mark"] == "ok"}
    assert "each signed, each going on from the one before" in told["checkpoints"]
    assert "the record tells of the same dossier, signatures and outcome: approved" in told["outcome"]


def test_a_record_that_was_rewritten_is_named(acme, bundle, tmp_path):
    members = make.members(bundle)
    entries = json.loads(members["record/records.json"])
    entries[-1]["leaf"] = entries[-1]["leaf"].replace("approval.", "approvaL.")
    members["record/records.json"] = canonical(entries)
    said = make.wrong(signed_again(members, key_of(acme)), tmp_path)
    assert f"record {entries[-1]['seq']} is not in the log" in said


def test_a_name_other_than_the_one_committed_to_is_named(acme, bundle, tmp_path):
    members = make.members(bundle)
    entries = json.loads(members["record/records.json"])
    next(entry for entry in entries if entry["opened"])["opened"]["by"]["text"] = "Somebody Else"
    members["record/records.json"] = canonical(entries)
    assert "“Somebody Else” is not the name" in make.wrong(signed_again(members, key_of(acme)), tmp_path)


def test_a_record_left_out_that_tells_of_the_outcome_is_missed(acme, bundle, tmp_path):
    members = make.members(bundle)
    entries = json.loads(members["record/records.json"])
    for event in ("approval.asked", "approval.signed", "approval.approved"):
        kept = [entry for entry in entries if f'"{event}"' not in entry["leaf"]]
        changed = signed_again(members | {"record/records.json": canonical(kept)}, key_of(acme))
        assert "the record does not tell" in make.wrong(changed, tmp_path)


def test_a_checkpoint_kept_elsewhere_must_agree(acme, bundle, tmp_path):
    note = next(content for name, content in make.members(bundle).items() if name.startswith("record/checkpoints/"))
    (tmp_path / "kept").write_bytes(note)
    told = make.right(bundle, tmp_path, "--checkpoint", str(tmp_path / "kept"))
    assert any("are of one history" in one["what"] for one in told["checks"])
    other = dataclasses.replace(notes.read(note.decode()), root=bytes(32))
    for key, why in ((Key.new(), "is not signed by a key of this organization"), (key_of(acme), "two histories")):
        (tmp_path / "kept").write_text(notes.signed(other, key))
        assert why in make.wrong(bundle, tmp_path, "--checkpoint", str(tmp_path / "kept"))


def test_a_checkpoint_of_another_size_needs_the_portals_proof(acme, approval, bundle, api_client, tmp_path):
    """Kept before the bundle or after it; without the proof it says where to get it."""
    organization = acme.organization.pk
    first, *_, newest = make.notes(bundle)
    early = notes.Checkpoint(first.origin, first.size - 1, proofs.root(organization, first.size - 1))
    before = notes.signed(early, key_of(acme))
    make.share(acme, approval)  # one record more
    after, size = checkpoints.make(organization), newest.size
    acme.enter(acme.auditor)
    _, secret = token(acme.auditor)
    assert after.size > size
    for kept, old, new in ((before, early.size, size), (after.note, size, after.size)):
        (tmp_path / "kept").write_text(kept)
        given = ("--checkpoint", str(tmp_path / "kept"))
        address = f"/api/v1/acme/records/consistency/?old={old}&new={new}"
        assert address in make.wrong(bundle, tmp_path, *given)
        proof = api_client.get(address, **bearer(secret)).json()
        (tmp_path / "proof").write_text(json.dumps(proof))
        told = make.right(bundle, tmp_path, *given, "--consistency", str(tmp_path / "proof"))
        assert any("are of one history" in one["what"] for one in told["checks"])
        (tmp_path / "proof").write_text(json.dumps(proof | {"path": [*proof["path"][:-1], "00" * 32]}))
        assert "two histories" in make.wrong(bundle, tmp_path, *given, "--consistency", str(tmp_path / "proof"))


def test_a_witness_that_did_not_see_it_is_missed(bundle, tmp_path):
    (tmp_path / "witness.pem").write_text(pem(Key.new().public))
    assert "no checkpoint here bears the cosignature" in make.wrong(
        bundle, tmp_path, "--witness", str(tmp_path / "witness.pem")
    )


def test_a_witness_that_saw_it_is_told(acme, bundle, tmp_path):
    """A cosignature as C2SP writes it, added to the note by the witness."""
    witness, members = Key.new(), make.members(bundle)
    name = next(name for name in members if name.startswith("record/checkpoints/"))
    text = members[name].decode().split("\n\n")[0] + "\n"
    at = 1_790_000_000
    mark = hashlib.sha256(b"witness.example\n\x04" + witness.public).digest()[:4]
    signature = struct.pack(">Q", at) + witness.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    members[name] += f"— witness.example {base64.b64encode(mark + signature).decode()}\n".encode()
    changed = signed_again(members, key_of(acme))
    (tmp_path / "witness.pem").write_text(pem(witness.public))
    told = make.right(changed, tmp_path, "--witness", str(tmp_path / "witness.pem"))
    assert any("was seen by your witness, 2026-09-21" in one["what"] for one in told["checks"])


def test_the_permit_of_a_deployment_is_in_it(acme, tmp_path):
    from tests.deployments import make as deployments

    deployment = deployments.deployed(acme)
    content = make.bundle(acme, make.fetched(acme, deployment.approval_id))
    told = make.right(content, tmp_path)
    assert any(one["check"] == "permits" and "screening in " in one["what"] for one in told["checks"])
    members = make.members(content)
    name = next(name for name in members if name.endswith(".jwt"))
    head, body, mark = members[name].split(b".")
    members[name] = b".".join([head, body[:-4] + body[:4], mark])
    assert "permits: " in make.wrong(signed_again(members, key_of(acme)), tmp_path)


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
