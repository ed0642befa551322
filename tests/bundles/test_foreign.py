"""The same archive, checked with tools we did not write, and by its programs where nothing of ours is installed."""

import base64
import json
import subprocess
import sys
import zipfile

import pytest
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from pymerkle.core import _consistency_path_layout, _inclusion_path_layout
from pymerkle.hasher import MerkleHasher
from pymerkle.proof import ConsistencyProof, InclusionProof, InvalidProof, verify_consistency, verify_inclusion
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from apps.audits import proofs
from apps.common.canonical import digest
from tests.bundles import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def members(acme) -> dict[str, bytes]:
    return make.members(make.bundle(acme))


def their_keys(members: dict[str, bytes]) -> list[SSlibKey]:
    """The organization's keys as securesystemslib reads a PEM, under the ids that the envelopes name."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    return [
        SSlibKey.from_crypto(load_pem_public_key(members[f"keys/{said['key_id']}.pem"]), keyid=said["key_id"])
        for said in json.loads(members["keys/keys.json"])
    ]


def envelopes(members: dict[str, bytes]) -> dict[str, dict]:
    return {name: json.loads(content) for name, content in members.items() if name.endswith(".dsse.json")}


def test_securesystemslib_verifies_every_envelope(members):
    assert "manifest.dsse.json" in envelopes(members)
    for said in envelopes(members).values():
        assert Envelope.from_dict(said).verify(their_keys(members), threshold=1)


def test_securesystemslib_refuses_an_envelope_that_was_changed(members):
    for said in envelopes(members).values():
        payload = bytearray(base64.b64decode(said["payload"]))
        payload[-2] ^= 1
        said["payload"] = base64.b64encode(bytes(payload)).decode()
        with pytest.raises(VerificationError):
            Envelope.from_dict(said).verify(their_keys(members), threshold=1)


def test_in_toto_reads_every_statement(members):
    for said in envelopes(members).values():
        read = json_format.ParseDict(json.loads(base64.b64decode(said["payload"])), statement_pb2.Statement())
        Statement.copy_from_pb(read).validate()


def test_in_toto_finds_each_file_under_the_manifest(members):
    payload = base64.b64decode(json.loads(members["manifest.dsse.json"])["payload"])
    read = json_format.Parse(payload.decode(), statement_pb2.Statement())
    named = {subject.name: subject.digest["sha256"] for subject in read.subject}
    assert named == {name: digest(content) for name, content in members.items() if name != "manifest.dsse.json"}


class Note:
    """A checkpoint of the bundle: what a reader needs of a C2SP note to hand on to another library."""

    def __init__(self, content: bytes):
        _, size, root, *_ = content.decode().split("\n")
        self.size, self.root = int(size), base64.b64decode(root)


def notes(members: dict[str, bytes]) -> list[Note]:
    found = [Note(content) for name, content in members.items() if name.startswith("record/checkpoints/")]
    return sorted(found, key=lambda note: note.size)


def test_pymerkle_verifies_that_each_record_is_in_the_log(members):
    newest, tree = notes(members)[-1], MerkleHasher("sha256")
    entries = json.loads(members["record/records.json"])
    assert entries
    for entry in entries:
        path = [tree.hash_buff(entry["leaf"].encode()), *map(bytes.fromhex, entry["proof"])]
        rule, _ = _inclusion_path_layout(entry["seq"], newest.size)
        proof = InclusionProof("sha256", True, newest.size, entry["seq"], rule, path)
        verify_inclusion(path[0], newest.root, proof, index=entry["seq"], size=newest.size)
        other = InclusionProof("sha256", True, newest.size, entry["seq"], rule, [bytes(32), *path[1:]])
        with pytest.raises(InvalidProof):
            verify_inclusion(bytes(32), newest.root, other)


def test_pymerkle_verifies_that_the_log_only_grew(acme, members):
    """From a checkpoint of odd size, where the proof of RFC 6962 and pymerkle's hold the same nodes: the last leaf and
    its neighbour stand in the other order."""
    acme.enter()
    organization_id = acme.organization.pk
    old, new = 3, proofs.size(organization_id)
    found = proofs.consistency(organization_id, old, new)
    rule, subset, _ = _consistency_path_layout(old, new)
    proof = ConsistencyProof("sha256", True, new, old, rule, subset, [found[1], found[0], *found[2:]])
    roots = proofs.root(organization_id, old), proofs.root(organization_id, new)
    verify_consistency(*roots, proof, prior_size=old, later_size=new)
    with pytest.raises(InvalidProof):
        verify_consistency(bytes(32), roots[1], proof)


def test_its_programs_run_in_a_bare_environment(acme, tmp_path):
    """Python and `cryptography` alone, with no path and no setting of ours; the programs come out of the bundle."""
    (tmp_path / "bundle.zip").write_bytes(make.bundle(acme))
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path, ["verify.py", "decide.py"])
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "cryptography"], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"NOT RUN: no package registry to install `cryptography` from ({installed.stderr[-200:]})")
    assert subprocess.run([python, "-c", "import django"], capture_output=True, check=False).returncode

    def run(program, path):
        command = [python, "-I", program, path]
        return subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)

    changed = bytearray((tmp_path / "bundle.zip").read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.zip").write_bytes(changed)
    for program in ("verify.py", "decide.py"):
        said = run(program, "bundle.zip")
        assert said.returncode == 0, said.stdout + said.stderr
        assert said.stdout.splitlines()[-1].startswith("VERIFIED: ")
        said = run(program, "changed.zip")
        assert said.returncode == 1
        assert said.stdout.splitlines()[-1].startswith("NOT VERIFIED: archive: ")
        assert run(program, "nothing.zip").returncode == 2
