"""The token by itself: what lets a model run, and every way in which a token lets nothing run. No database."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from apps.deployments import permits
from apps.deployments.offline import main
from apps.deployments.permits import Refused

NOW = 1_800_000_000
MODEL, OTHER = "ab" * 32, "cd" * 32
KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
ROOT = Path(__file__).parents[2]


def public(key=KEY) -> bytes:
    return key.public_key().public_bytes_raw()


def key_id(key=KEY) -> str:
    return hashlib.sha256(public(key)).hexdigest()


KEYS = {key_id(): public()}
CLAIMS = {
    "iss": "acme", "aud": "production", "sub": f"sha256:{MODEL}", "jti": "one", "iat": NOW, "nbf": NOW,
    "exp": NOW + 600, "deployment": 7, "approval": 3, "dossier": OTHER, "limits": {"rows": 100},
}  # fmt: skip
HERE = {"keys": KEYS, "organization": "acme", "environment": "production", "model": MODEL, "now": NOW + 60}


def token(kind=permits.PERMIT, key=KEY, named=None, **claims) -> str:
    return permits.write(kind, CLAIMS | claims, key_id=named or key_id(key), sign=key.sign)


def revoked(*ids, at=NOW, **claims) -> str:
    said = {"iss": "acme", "aud": "production", "iat": at, "exp": at + 300, "revoked": [{"jti": i} for i in ids]}
    return permits.write(permits.REVOKED, said | claims, key_id=key_id(), sign=KEY.sign)


def forged(header: dict, claims=CLAIMS, signature=b"") -> str:
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    mark = signature(head + b"." + body) if callable(signature) else signature
    return b".".join((head, body, base64.urlsafe_b64encode(mark).rstrip(b"="))).decode()


def test_a_sound_permit_lets_its_model_run():
    permit = permits.check(token(), deployment=7, **HERE)
    assert (permit.model, permit.deployment, permit.limits) == (MODEL, 7, {"rows": 100})


def test_any_jwt_library_can_check_it():
    """RFC 7515 by hand: three parts, and the signature is over the first two as they stand."""
    head, body, mark = token().split(".")
    signature = base64.urlsafe_b64decode(mark + "==")
    Ed25519PublicKey.from_public_bytes(public()).verify(signature, f"{head}.{body}".encode())
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {
        "alg": "EdDSA", "typ": "assay-permit+jwt", "kid": key_id()}  # fmt: skip


def test_a_jwt_library_that_we_did_not_write_checks_it():
    jwt = pytest.importorskip("jwt", reason="NOT RUN: PyJWT is not installed")
    claims = jwt.decode(token(), KEY.public_key(), algorithms=["EdDSA"], audience="production", issuer="acme",
                        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False})  # fmt: skip
    assert claims == CLAIMS


@pytest.mark.parametrize(
    ("here", "words"),
    [
        ({"organization": "rival"}, "for the organization 'acme', not 'rival'"),
        ({"environment": "staging"}, "for the environment 'production', not 'staging'"),
        ({"model": OTHER}, "these bytes are cdcdcdcdcdcd"),
        ({"deployment": 8}, "for deployment 7, not 8"),
        ({"keys": {key_id(STRANGER): public(STRANGER)}}, "a key that is not trusted"),
        ({"keys": {key_id(): public(STRANGER)}}, "signature does not fit"),
        ({"keys": {}}, "a key that is not trusted"),
        ({"now": NOW + 600 + permits.LEEWAY}, "expired"),
        ({"now": NOW + 10**9}, "expired"),
        ({"now": NOW - permits.LEEWAY - 0.01}, "not valid yet"),
    ],
)
def test_it_is_refused_anywhere_else(here, words):
    assert permits.check(token(), **HERE)
    with pytest.raises(Refused, match=words):
        permits.check(token(), **HERE | here)


@pytest.mark.parametrize("now", [NOW - permits.LEEWAY, NOW, NOW + 600, NOW + 600 + permits.LEEWAY - 0.01])
def test_two_clocks_may_differ_by_the_leeway_and_no_more(now):
    assert permits.check(token(), **HERE | {"now": now})


def test_every_byte_counts():
    """Each character replaced by each of three others, each bit of the last ones too, each cut and each addition."""
    whole = token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    tampered = {whole[:i] + other + whole[i + 1 :] for i in range(len(whole)) for other in "Aq_." if whole[i] != other}
    tampered |= {whole[:-1] + other for other in alphabet if other != whole[-1]}  # bits that decoding would drop
    tampered |= {whole[:i] for i in range(len(whole))} | {whole + extra for extra in ("A", "=", ".", ".A", "\0")}
    for each in tampered:
        with pytest.raises(Refused):
            permits.check(each, **HERE)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "ES256"}, {"alg": "RS256"}, {"alg": "ed25519"},
        {"alg": ["EdDSA"]}, {"alg": None}, {"typ": "JWT"}, {"typ": permits.REVOKED}, {"crit": ["exp"]}, {"kid": None},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}}, {"kid": [key_id()]}, {"kid": "../../etc/passwd"},
    ],
)  # fmt: skip
def test_other_algorithms_and_headers_are_refused(header):
    sound = {"alg": "EdDSA", "kid": key_id(), "typ": permits.PERMIT}
    assert permits.check(forged(sound, signature=KEY.sign), **HERE)
    for signature in (KEY.sign, b"", bytes(64)):
        with pytest.raises(Refused):
            permits.check(forged(sound | header, signature=signature), **HERE)


def test_a_public_key_is_no_shared_secret():
    """The old trick: an HMAC whose secret is the public key that everybody has."""
    import hmac

    header = {"alg": "HS256", "kid": key_id(), "typ": permits.PERMIT}
    with pytest.raises(Refused, match="HS256"):
        permits.check(forged(header, signature=lambda m: hmac.new(public(), m, "sha256").digest()), **HERE)


@pytest.mark.parametrize(
    "claims",
    [{"exp": None}, {"exp": "never"}, {"exp": 1e300}, {"exp": True}, {"nbf": float(NOW)}, {"sub": MODEL},
     {"sub": "sha256:"}, {"sub": f"md5:{MODEL}"}, {"limits": []}, {"limits": {"rows": "all"}}, {"deployment": "7"},
     {"iss": ["acme"]}, {"aud": ["production", "staging"]}, {"jti": ""}],
)  # fmt: skip
def test_a_signed_permit_of_the_wrong_shape_is_refused(claims):
    with pytest.raises(Refused):
        permits.check(token(**claims), **HERE)


def test_what_is_said_twice_is_refused():
    head, _, _ = token().split(".")
    body = json.dumps(CLAIMS)[:-1] + f', "exp": {NOW + 10**9}}}'
    signed = f"{head}." + base64.urlsafe_b64encode(body.encode()).rstrip(b"=").decode()
    mark = base64.urlsafe_b64encode(KEY.sign(signed.encode())).rstrip(b"=").decode()
    with pytest.raises(Refused, match="twice"):
        permits.check(f"{signed}.{mark}", **HERE)


@given(st.text())
def test_anything_else_is_refused_and_breaks_nothing(text):
    for each in (text, f"{text}.{text}.{text}"):
        with pytest.raises(Refused):
            permits.check(each, **HERE)


# The list of revoked permits

LISTED = {"keys": KEYS, "organization": "acme", "environment": "production"}


def test_the_list_names_what_was_revoked():
    assert permits.revocations(revoked("one", "two"), now=NOW, **LISTED) == {"one", "two"}
    assert permits.revocations(revoked(), now=NOW, **LISTED) == frozenset()


@pytest.mark.parametrize(
    ("now", "max_age", "stale"),
    [(NOW + 304, None, False), (NOW + 305, None, True), (NOW + 305, 3600, False), (NOW + 3606, 3600, True),
     (NOW + 20, 10, True), (NOW - 6, None, True), (NOW - 4, None, False)],
)  # fmt: skip
def test_a_stale_list_is_refused_unless_it_is_said_how_old_it_may_be(now, max_age, stale):
    def asked():
        return permits.revocations(revoked("one"), now=now, max_age=max_age, **LISTED)

    if not stale:
        assert asked() == {"one"}
        return
    with pytest.raises(Refused, match=r"stale|later than this clock"):
        asked()


@pytest.mark.parametrize(
    "claims", [{"iss": "rival"}, {"aud": "staging"}, {"revoked": {}}, {"revoked": [1]}, {"exp": "x"}]
)
def test_a_list_of_another_or_of_the_wrong_shape_is_refused(claims):
    with pytest.raises(Refused):
        permits.revocations(revoked("one", **claims), now=NOW, **LISTED)


def test_a_permit_is_no_list_and_a_list_no_permit():
    with pytest.raises(Refused, match="another kind"):
        permits.revocations(token(), now=NOW, **LISTED)
    with pytest.raises(Refused, match="another kind"):
        permits.check(revoked(), **HERE)


# Keys and bytes


def test_keys_are_read_as_a_jwk_set_and_as_pem():
    pem = b"".join(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        for key in (KEY, STRANGER)
    ).decode()
    both = {key_id(): public(), key_id(STRANGER): public(STRANGER)}
    assert permits.keys_from(pem) == permits.keys_from(json.dumps(permits.key_set(both))) == both


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"keys": []}', '{"keys": [{"kty": "RSA", "crv": "", "n": "x"}]}',
                                  '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}', "-----BEGIN"])  # fmt: skip
def test_what_holds_no_key_is_refused(text):
    with pytest.raises(Refused):
        permits.keys_from(text)


def test_the_digest_of_a_folder_is_the_registered_one(tmp_path):
    from apps.common.canonical import digest
    from apps.ml import artifacts

    files = {"model.json": b"{}", "weights.safetensors": b"weights"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    registered = digest({name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    assert permits.model_digest(tmp_path) == artifacts.digest(files) == registered
    (tmp_path / "model.sig").write_text("its signature is none of its files")
    assert permits.model_digest(tmp_path) == registered
    (tmp_path / "more").write_bytes(b"")
    assert permits.model_digest(tmp_path) != registered
    (tmp_path / "link").symlink_to(tmp_path / "more")
    with pytest.raises(Refused, match="no plain file"):
        permits.model_digest(tmp_path)


# The command


@pytest.fixture
def asked(tmp_path):
    """The files of a CI job, and the command on them; each can be given another way."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.json").write_bytes(b"{}")
    files = {"keys": json.dumps(permits.key_set(KEYS)), "revoked": revoked(),
             "token": token(sub=f"sha256:{permits.model_digest(model)}")}  # fmt: skip

    def ask(*more, now=NOW + 60, **changed) -> int:
        for name, content in (files | changed).items():
            (tmp_path / name).write_text(content)
        words = ["verify", str(tmp_path / "token"), "--model", str(model), "--keys", str(tmp_path / "keys"),
                 "--revoked", str(tmp_path / "revoked"), "--environment", "production",
                 "--organization", "acme", *more]  # fmt: skip
        return main(words, clock=lambda: now)

    ask.model = model
    return ask


def test_the_command_permits(asked, capsys):
    assert asked() == 0
    assert "may run as deployment 7 of acme in production until 2027-01-15" in capsys.readouterr().out


def test_the_command_takes_a_token_as_it_is(asked, capsys):
    assert asked() == 0
    said = token(sub=f"sha256:{permits.model_digest(asked.model)}", limits={f"limit{i}": i for i in range(9)})
    keys = asked.model.parent / "keys"
    words = ["verify", said, "--model", permits.model_digest(asked.model), "--keys", str(keys), "--revoked",
             str(asked.model.parent / "revoked"), "--environment", "production", "--organization", "acme"]  # fmt: skip
    assert main(words, clock=lambda: NOW) == 0
    assert main(["verify", "no-such-file", *words[2:]], clock=lambda: NOW) == 1


@pytest.mark.parametrize(
    ("more", "changed", "now", "words"),
    [
        ((), {"revoked": revoked("one")}, NOW, "was revoked"),
        ((), {"revoked": revoked(at=NOW - 400)}, NOW, "is stale"),
        ((), {"revoked": ""}, NOW, "no permit of a form we know"),
        ((), {"token": token()}, NOW, "these bytes are"),
        ((), {"token": ""}, NOW, "no permit of a form we know"),
        ((), {"token": json.dumps({"id": 1, "token": token()})}, NOW, "the permit is the `token` in what"),
        ((), {"keys": "{}"}, NOW, "keys cannot be read"),
        ((), {}, NOW + 290 + 400, "expired"),
        (("--environment", "staging"), {}, NOW, "not 'staging'"),
        (("--organization", "rival"), {}, NOW, "not 'rival'"),
        (("--deployment", "8"), {}, NOW, "for deployment 7, not 8"),
        (("--model", OTHER), {}, NOW, "these bytes are cdcd"),
        (("--model", "/nowhere"), {}, NOW, "No such file"),
    ],
)
def test_the_command_refuses_with_one_and_a_sentence(asked, capsys, more, changed, now, words):
    assert asked(*more, now=now, **changed) == 1
    said = capsys.readouterr()
    assert words in said.err and said.err.startswith("Refused.") and not said.out


def test_the_command_lets_an_older_list_count_where_that_is_said(asked):
    assert asked("--max-age", "3600", revoked=revoked(at=NOW - 400), now=NOW) == 0


def test_the_command_needs_neither_settings_nor_database(tmp_path):
    script = (
        "import runpy, sys; sys.argv = ['manage.py', 'permit', 'verify', '--help']\n"
        "try: runpy.run_path('manage.py', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print([name for name in ('django', 'psycopg', 'portal', 'celery', 'numpy') if name in sys.modules])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment["ASSAY_HOME"] = str(tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert not (tmp_path / "home").exists()
