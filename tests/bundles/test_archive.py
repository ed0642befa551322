"""The archive's own bytes: any that was changed, is missing or is foreign is named by verify.py, whoever wrote it."""

import random
import struct
import zipfile

import pytest

from apps.bundles.archive import Packed, written
from apps.bundles.contents import MANIFEST
from tests.bundles import make
from tests.bundles.make import key_of, signed_again

pytestmark = pytest.mark.django_db


@pytest.fixture
def approval(acme):
    return make.approval(acme)


@pytest.fixture
def bundle(acme, approval) -> bytes:
    return make.bundle(acme, approval)


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


def test_a_bundle_cut_in_a_header_says_after_what(bundle, tmp_path):
    first = 30 + len(MANIFEST) + len(make.members(bundle)[MANIFEST])
    said = make.wrong(bundle[: first + 10], tmp_path)
    assert f"cut short: the file ends in the header after {MANIFEST}" in said


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
