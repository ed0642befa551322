"""The record in a bundle: its lines, its checkpoints, who witnessed them, and the permits that came of it."""

import base64
import dataclasses
import hashlib
import json
import struct

import pytest

from apps.audits import checkpoints, notes, proofs
from apps.common.canonical import canonical
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


def test_it_compares_the_files_with_what_the_record_tells(bundle, tmp_path):
    told = {one["check"]: one["what"] for one in make.right(bundle, tmp_path)["checks"] if one["mark"] == "ok"}
    assert "each signed, each going on from the one before" in told["checkpoints"]
    assert "the record tells of the same outcome: approved" in told["outcome"]


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
        by = make.decider if event == "approval.approved" else make.verifier
        assert "the record does not tell" in make.wrong(changed, tmp_path, by=by)


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


def test_a_permit_that_is_not_printed_or_printed_otherwise_is_named(acme, tmp_path):
    from tests.deployments import make as deployments

    deployment, key = deployments.deployed(acme), key_of(acme)
    members = make.members(make.bundle(acme, make.fetched(acme, deployment.approval_id)))
    [printed] = json.loads(members["permits/permits.json"])
    name = f"permits/{printed['number']}.jwt"
    for other in ({"expires_at": "2099-01-01T00:00:00+00:00"}, {"environment": "elsewhere"}):
        lied = members | {"permits/permits.json": canonical([printed | other])}
        said = make.wrong(signed_again(lied, key), tmp_path)
        assert f"{name} is a permit for another time or environment than permits.json prints" in said
    lied = members | {"permits/permits.json": canonical([])}
    assert f"{name} is a permit that permits.json does not print" in make.wrong(signed_again(lied, key), tmp_path)
    head, body, _ = members[name].split(b".")
    claims = json.loads(base64.urlsafe_b64decode(body + b"=="))
    for other in ({"sub": "sha256:" + "0" * 64}, {"dossier": "0" * 64}, {"jti": "7"}):
        signed = head + b"." + base64.urlsafe_b64encode(canonical(claims | other)).rstrip(b"=")
        written = signed + b"." + base64.urlsafe_b64encode(key.sign(signed)).rstrip(b"=")
        said = make.wrong(signed_again(members | {name: written}, key), tmp_path)
        assert f"{name} is a permit for another model or sign-off" in said
    forged = signed + b"." + base64.urlsafe_b64encode(Key.new().sign(signed)).rstrip(b"=")
    said = make.wrong(signed_again(members | {name: forged}, key), tmp_path)
    assert f"{name} is not signed by a key of the organization" in said


def test_a_past_that_was_rewritten_between_two_checkpoints_is_named(acme, bundle, tmp_path):
    members, key = make.members(bundle), key_of(acme)
    [step] = json.loads(members["record/consistency.json"])
    for proof, why in (
        ([*step["proof"][:-1], "00" * 32], f"the record of {step['new']} does not go on from that of {step['old']}"),
        ([], "a consistency proof of another length than its sizes ask for"),
    ):
        lied = members | {"record/consistency.json": canonical([step | {"proof": proof}])}
        assert why in make.wrong(signed_again(lied, key), tmp_path)


def test_a_bundle_without_checkpoints_is_named(acme, bundle, tmp_path):
    members = {name: held for name, held in make.members(bundle).items() if not name.startswith("record/checkpoints/")}
    assert "the bundle holds no checkpoint of the record" in make.wrong(signed_again(members, key_of(acme)), tmp_path)


def test_a_record_that_calls_itself_another_is_named(acme, bundle, tmp_path):
    """In a log whose one leaf says that it is the second."""
    key, origin = key_of(acme), make.notes(bundle)[0].origin
    lied = make.members(make.with_dossier(bundle, key, lambda dossier: dossier.update(checkpoint=None)))
    lied = {name: held for name, held in lied.items() if not name.startswith("record/")}
    leaf = json.dumps({"seq": 2})
    one = notes.Checkpoint(origin, 1, hashlib.sha256(b"\x00" + leaf.encode()).digest())
    lied |= {
        "record/checkpoints/1.note": notes.signed(one, key).encode(),
        "record/consistency.json": canonical([]),
        "record/records.json": canonical([{"seq": 1, "leaf": leaf, "opened": {}, "proof": []}]),
    }
    about = make.predicate(lied)
    lied = signed_again(lied, key, dossier_digest=about["dossier_digest"])
    assert "record 1 calls itself 2" in make.wrong(lied, tmp_path)


def test_a_history_that_forks_between_the_bundles_checkpoints_is_found_by_the_one_you_kept(acme, bundle, tmp_path):
    """Yours goes on from the bundle's first, and its newest does not go on from yours: only a proof between yours and
    the newest would show that."""
    organization, key, first = acme.organization.pk, key_of(acme), make.notes(bundle)[0]
    path = [node.hex() for node in proofs.consistency(organization, first.size, first.size + 1)]
    verify = make.verifier()
    for at in range(len(path)):  # one of these nodes is the new leaf
        forked = [*path[:at], "00" * 32, *path[at + 1 :]]
        before, after = verify.grown(first.size, first.size + 1, list(map(bytes.fromhex, forked)), first.root)
        if before == first.root:
            break
    kept = notes.Checkpoint(first.origin, first.size + 1, after)
    (tmp_path / "kept").write_text(notes.signed(kept, key))
    proof = {"old": first.size, "new": first.size + 1, "path": forked}
    (tmp_path / "proof").write_text(json.dumps(proof))
    assert verify.Note(notes.signed(kept, key).encode()).goes_on_from(first, forked)
    given = ("--checkpoint", str(tmp_path / "kept"), "--consistency", str(tmp_path / "proof"))
    assert "nothing here proves that both are of one history" in make.wrong(bundle, tmp_path, *given)
