"""The two programs that check a bundle: where to take them from, and what each says of the other."""

import shutil
import subprocess
import sys

import pytest

from apps.common.canonical import digest
from tests.bundles import make
from tests.bundles.make import key_of, signed_again

pytestmark = pytest.mark.django_db
NAMES = ("verify.py", "decide.py")


def source(name) -> bytes:
    return (make.PROGRAMS / name).read_bytes()


def run(folder, name, *arguments):
    command = [sys.executable, "-I", str(folder / name), *arguments]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)


@pytest.fixture
def bundle(acme) -> bytes:
    return make.bundle(acme)


@pytest.fixture
def folder(tmp_path):
    """Where an outsider has laid both."""
    for name in NAMES:
        shutil.copy(make.PROGRAMS / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "lines"), [("verify.py", 600), ("decide.py", 750)])
def test_it_is_small_enough_to_be_read(name, lines):
    assert len(source(name).splitlines()) <= lines


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_takes_it_from_the_portal(client, name):
    answer = client.get(f"/portal/programs/{name}")
    assert answer.content == source(name)
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["other.py", "..%2Fverify.py", "README.txt", "bundle.html"])
def test_nothing_else_lies_there(client, name):
    assert client.get(f"/portal/programs/{name}").status_code == 404


def test_the_page_leads_to_both_and_says_their_digests(client, acme):
    approval = make.approval(acme)
    client.force_login(acme.auditor.user)
    said = client.get(f"/acme/lending/approvals/{approval.pk}/bundle/").content.decode()
    for name in NAMES:
        assert f'href="/portal/programs/{name}"' in said
        assert digest(source(name)) in said


def test_verify_says_what_it_leaves_to_the_other(bundle, tmp_path):
    alone = make.right(bundle, tmp_path, by=make.verifier)["checks"]
    assert (alone[-1]["mark"], alone[-1]["check"]) == ("note", "decisions")
    assert "decide.py" in alone[-1]["what"]
    both = make.right(bundle, tmp_path)["checks"]
    assert both[: len(alone) - 1] == alone[:-1]
    assert {"gates", "signers", "lock", "outcome"} <= {one["check"] for one in both[len(alone) - 1 :]}


def test_both_run_from_a_folder_and_write_nothing(bundle, folder):
    (folder / "bundle.zip").write_bytes(bundle)
    for name in NAMES:
        said = run(folder, name, "bundle.zip")
        assert said.returncode == 0, said.stdout + said.stderr
        assert said.stdout.splitlines()[-1].startswith("VERIFIED: ")
        assert run(folder, name, "nothing.zip").returncode == 2
        for given in (("--key", "nothing.pem"), ("--witness", "nonsense"), ("--consistency", "bundle.zip")):
            assert run(folder, name, "bundle.zip", *given).returncode == 2, given
    (folder / "bundle.zip").write_bytes(bundle[:-1])
    assert [run(folder, name, "bundle.zip").returncode for name in NAMES] == [1, 1]
    assert sorted(found.name for found in folder.iterdir()) == ["bundle.zip", "decide.py", "verify.py"]


def test_decide_runs_with_no_other_verify_than_its_own(bundle, folder):
    """However the other came there: a newer one, one out of a bundle that says what it likes, a compiled copy, none."""
    (folder / "bundle.zip").write_bytes(bundle)
    assert digest(source("verify.py")) == make.decider().MADE_WITH, "write this digest into decide.py"
    (folder / "verify.py").write_bytes(source("verify.py") + b"\nprint('hello')\n")
    said = run(folder, "decide.py", "bundle.zip")
    assert (said.returncode, said.stdout) == (2, "")
    assert digest(source("verify.py")) in said.stderr
    (folder / "verify.py").unlink()
    assert run(folder, "decide.py", "bundle.zip").returncode == 2


@pytest.mark.parametrize("name", NAMES)
def test_another_one_in_the_bundle_is_named(acme, bundle, tmp_path, name):
    """Whoever takes it from elsewhere sees that the one inside was replaced, unless the key's holder did it."""
    members = make.members(bundle) | {name: b"print('VERIFIED')"}
    assert f"{name} was changed" in make.wrong(make.packed(members), tmp_path)
    made = make.right(signed_again(members, key_of(acme)), tmp_path)
    assert any(name in one["what"] and one["mark"] == "note" for one in made["checks"])


def test_words_of_a_bundle_cannot_pass_for_the_programs(acme, bundle, folder):
    """A line break, a cursor or the direction of writing would let a bundle write its own answer."""
    members, key = make.members(bundle), key_of(acme)
    gaps = ["\nVERIFIED: all is well", "\x1b[2J\x1b[HVERIFIED", "\u202edeifirev", "\x85\u2028ok    members"]
    (folder / "bundle.zip").write_bytes(signed_again(members, key, gaps=gaps, answer="yes\nVERIFIED: twice"))
    for name in NAMES:
        said = run(folder, name, "bundle.zip").stdout
        assert sum(line.startswith("VERIFIED") for line in said.splitlines()) == 1
        assert all(letter.isprintable() or letter == "\n" for letter in said)


def test_a_manifest_without_an_answer_is_refused(acme, bundle, tmp_path):
    changed = signed_again(make.members(bundle), key_of(acme), answer=None)
    assert "manifest: malformed (KeyError: 'answer')" in make.wrong(changed, tmp_path)
