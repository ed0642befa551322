"""Witnesses: what reaches them, what happens while they are away, and whom the portal refuses to ask."""

import base64
import hashlib
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audits import actions, checkpoints, keys, notes, witnesses
from apps.audits.actions import record
from apps.audits.events import Event
from apps.audits.models import Checkpoint, Delivery, Record, Witness
from apps.common import outside
from apps.common.errors import BadInput, NotPermitted
from apps.common.tenancy import as_organization


def change(tenant):
    with as_organization(tenant.organization.pk):
        record(Event.PROJECT_CHANGED, on=tenant.project, by=tenant.builder)
        return checkpoints.make(tenant.organization.pk)


def add(tenant, **named) -> Witness:
    with as_organization(tenant.organization.pk):
        return witnesses.add(organization_id=tenant.organization.pk, name="", **named)


def deliveries(tenant) -> list[Delivery]:
    with as_organization(tenant.organization.pk):
        return list(Delivery.objects.select_related("checkpoint").order_by("checkpoint__size"))


def hurry(tenant) -> None:
    """As if the time of the next try had come."""
    with as_organization(tenant.organization.pk):
        Delivery.objects.filter(delivered_at=None).update(next_at=timezone.now())


class Notary(BaseHTTPRequestHandler):
    """A witness after C2SP tlog-witness, as small as it can be: it checks the proof by RFC 9162 and cosigns."""

    server: "Server"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.server.away:
            self.answer(503, "away")
            return
        proof, _, note = body.partition("\n\n")
        (first, *hashes), text = proof.split("\n"), note.partition("\n\n")[0]
        old, (_origin, size, root) = int(first.removeprefix("old ")), text.split("\n")[:3]
        known_size, known_root = self.server.known
        if old != known_size:
            self.answer(409, f"{known_size}\n")
            return
        if not grown(old, int(size), known_root, base64.b64decode(root), [base64.b64decode(one) for one in hashes]):
            self.answer(422, "no consistency proof")
            return
        self.server.known = (int(size), base64.b64decode(root))
        self.answer(200, self.server.cosign(text))

    def answer(self, status, text):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


def grown(old: int, new: int, old_root: bytes, new_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, 2.1.4.2, word for word."""
    if old == 0:
        return proof == []
    if old == new:
        return proof == [] and old_root == new_root
    path = ([old_root] if old & (old - 1) == 0 else []) + proof
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = (hashlib.sha256(b"\1" + c + one).digest() for one in (fr, sr))
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\1" + sr + c).digest()
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


class Server(ThreadingHTTPServer):
    name = "witness.example/one"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Notary)
        self.secret, self.known, self.away = Ed25519PrivateKey.generate(), (0, b""), False
        public = self.secret.public_key().public_bytes_raw()
        self.mark = hashlib.sha256(self.name.encode() + b"\n\x04" + public).digest()[:4]
        encoded = base64.b64encode(b"\x04" + public).decode()
        self.key = f"{self.name}+{self.mark.hex()}+{encoded}"
        self.address = f"http://127.0.0.1:{self.server_port}/log"

    def cosign(self, text: str) -> str:
        at = int(time.time())
        signed = self.secret.sign(f"cosignature/v1\ntime {at}\n{text}\n".encode())
        return f"— {self.name} {base64.b64encode(self.mark + at.to_bytes(8) + signed).decode()}\n"


@pytest.fixture
def notary(settings):
    settings.INSIDE_ALLOWED = True
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_folder_has_each_checkpoint_as_a_file(committed, tmp_path):
    add(committed, kind="folder", address=str(tmp_path))
    change(committed)
    witnesses.deliver(committed.organization.pk)
    files = sorted(tmp_path.rglob("*.checkpoint"))
    assert len(files) == 2
    with as_organization(committed.organization.pk):
        notes_made = list(Checkpoint.objects.order_by("size").values_list("note", flat=True))
    assert [file.read_text() for file in files] == notes_made
    call_command("audit", "verify", "acme", checkpoint=files)


def test_a_folder_that_holds_another_history_says_so(committed, tmp_path):
    add(committed, kind="folder", address=str(tmp_path))
    witnesses.deliver(committed.organization.pk)
    (file,) = tmp_path.rglob("*.checkpoint")
    made = change(committed)
    file.rename(file.with_name(f"{made.size:012d}.checkpoint"))
    witnesses.deliver(committed.organization.pk)
    assert "two histories" in deliveries(committed)[-1].problem


def test_a_git_repository_has_a_commit_for_each(committed, tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    add(committed, kind="git", address=str(tmp_path))
    change(committed)
    witnesses.deliver(committed.organization.pk)
    log = subprocess.run(
        ["git", "-C", str(tmp_path), "log", "--format=%H %s"], check=True, capture_output=True, text=True
    )
    lines = log.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(f"/acme, {deliveries(committed)[-1].checkpoint.size} records")
    assert deliveries(committed)[-1].answer == lines[0].split()[0]


def test_a_mailbox_is_sent_the_note(committed, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    add(committed, kind="mailbox", address="notary@elsewhere.example")
    witnesses.deliver(committed.organization.pk)
    (message,) = mail.outbox
    (delivery,) = deliveries(committed)
    assert delivery.delivered_at
    assert delivery.checkpoint.note in message.body
    assert message.attachments[0][1] == delivery.checkpoint.note.encode()


def test_an_http_witness_checks_the_proof_and_its_cosignature_is_kept(committed, notary):
    add(committed, kind="http", address=notary.address, key=notary.key)
    for _ in range(3):
        made = change(committed)
    witnesses.deliver(committed.organization.pk)
    assert notary.known == (made.size, bytes(made.root))
    with as_organization(committed.organization.pk):
        cosigned = Checkpoint.objects.get(pk=made.pk).cosigned
        public = keys.in_use(committed.organization.pk).key.public
    assert notes.signed_by(cosigned, public)
    line = cosigned.removeprefix(made.note)
    blob = base64.b64decode(line.split(" ")[2])
    message = f"cosignature/v1\ntime {int.from_bytes(blob[4:12])}\n{made.note.partition(chr(10) * 2)[0]}\n"
    Ed25519PublicKey.from_public_bytes(notary.secret.public_key().public_bytes_raw()).verify(
        blob[12:], message.encode()
    )


def test_a_witness_that_is_away_loses_nothing(committed, notary):
    add(committed, kind="http", address=notary.address, key=notary.key)
    notary.away = True
    made = [change(committed) for _ in range(3)]
    witnesses.deliver(committed.organization.pk)
    waiting = deliveries(committed)
    assert [one.delivered_at for one in waiting] == [None] * 4
    assert (waiting[0].problem, waiting[0].attempts) == ("The witness answered 503: away.", 1)
    assert waiting[0].next_at > timezone.now()
    witnesses.deliver(committed.organization.pk)  # too early: nobody is asked again
    assert deliveries(committed)[0].attempts == 1
    notary.away = False
    hurry(committed)
    witnesses.deliver(committed.organization.pk)
    assert notary.known == (made[-1].size, bytes(made[-1].root))
    assert all(one.delivered_at and one.answer for one in deliveries(committed))


def test_a_witness_that_knows_more_or_less_than_we_think_is_met_where_it_stands(committed, notary):
    first = change(committed)
    notary.known = (first.size, bytes(first.root))
    add(committed, kind="http", address=notary.address, key=notary.key)
    made = change(committed)
    witnesses.deliver(committed.organization.pk)
    assert notary.known == (made.size, bytes(made.root))
    notary.known = (first.size, bytes(first.root))  # it lost what came later
    made = change(committed)
    witnesses.deliver(committed.organization.pk)
    assert notary.known == (made.size, bytes(made.root))


def test_a_witness_that_saw_another_history_refuses(committed, notary):
    add(committed, kind="http", address=notary.address, key=notary.key)
    notary.known = (1, hashlib.sha256(b"another history").digest())
    made = change(committed)
    witnesses.deliver(committed.organization.pk)
    assert "422" in deliveries(committed)[0].problem
    assert made.size not in notary.known


def test_a_cosignature_by_another_key_is_not_kept(committed, notary):
    add(committed, kind="http", address=notary.address, key=notary.key)
    notary.secret = Ed25519PrivateKey.generate()
    witnesses.deliver(committed.organization.pk)
    assert "no signature of the key" in deliveries(committed)[0].problem


def test_nothing_listens_and_nothing_is_lost(committed, notary):
    add(committed, kind="http", address="http://127.0.0.1:9/log", key=notary.key)
    witnesses.deliver(committed.organization.pk)
    assert "does not answer" in deliveries(committed)[0].problem


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1/log", "https://localhost/log", "https://[::1]/", "https://10.0.0.1/", "https://169.254.169.254/",
     "https://[::ffff:127.0.0.1]/", "https://0.0.0.0/", "https://192.168.1.1:8443/", "https://[fe80::1]/"],
)  # fmt: skip
def test_it_never_asks_this_machine_or_its_own_network(address):
    with pytest.raises(outside.Refused, match="of its own"):
        outside.post(address, b"")


@pytest.mark.parametrize(
    "address", ["http://elsewhere.example/", "file:///etc/passwd", "https://", "https://a:b@elsewhere.example/", "x",
                "https://elsewhere.example:99999/", "https://elsewhere.example/#x"]
)  # fmt: skip
def test_it_refuses_an_address_that_is_none(address):
    with pytest.raises(outside.Refused):
        outside.post(address, b"")


def test_a_round_makes_the_checkpoint_that_is_due(committed, settings, tmp_path):
    settings.CHECKPOINT_EVERY = 3600
    add(committed, kind="folder", address=str(tmp_path))
    witnesses.watch()
    change_without = len(deliveries(committed))
    with as_organization(committed.organization.pk):
        record(Event.PROJECT_CHANGED, on=committed.project, by=committed.builder)
    witnesses.watch()
    assert len(deliveries(committed)) == change_without  # not yet
    settings.CHECKPOINT_EVERY = 0
    witnesses.watch()
    witnesses.watch()  # nothing was added since
    assert len(deliveries(committed)) == change_without + 1
    assert all(one.delivered_at for one in deliveries(committed))


# Who may name one.


@pytest.mark.django_db
def test_the_owner_alone_names_witnesses_and_no_paths(acme):
    mailbox = {"kind": "mailbox", "name": "Notary", "address": "notary@elsewhere.example"}
    with pytest.raises(NotPermitted):
        actions.add_witness(**mailbox, by=acme.builder)
    witness = actions.add_witness(**mailbox, by=acme.owner)
    assert Record.objects.filter(event=Event.WITNESS_ADDED).get().told["address"] == "notary@elsewhere.example"
    for kind in ("folder", "git"):
        with pytest.raises(BadInput):
            actions.add_witness(kind=kind, name="", address="/tmp", by=acme.owner)
    actions.end_witness(witness, by=acme.owner)
    witness.refresh_from_db()
    with pytest.raises(IntegrityError, match="stays so"), transaction.atomic():
        Witness.objects.filter(pk=witness.pk).update(ended_at=None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("named", "field"),
    [
        ({"kind": "mailbox", "address": "nobody"}, "address"),
        ({"kind": "http", "address": "http://elsewhere.example", "key": "x"}, "address"),
        ({"kind": "http", "address": "https://elsewhere.example", "key": "x"}, "key"),
        ({"kind": "http", "address": "https://elsewhere.example", "key": "a+00000000+BAAA"}, "key"),
    ],
)
def test_a_witness_that_cannot_be_is_refused_by_field(acme, api_client, named, field):
    api_client.force_login(acme.owner.user)
    answer = api_client.post("/api/v1/acme/witnesses/", named, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    api_client.logout()


@pytest.mark.django_db
def test_witnesses_over_rest_and_on_the_page(acme, api_client):
    api_client.force_login(acme.owner.user)
    body = {"kind": "mailbox", "name": "Notary", "address": "notary@elsewhere.example"}
    made = api_client.post("/api/v1/acme/witnesses/", body, format="json").json()
    assert (made["waiting"], made["arrived"], made["problem"]) == (1, 0, "")
    page = api_client.get("/acme/witnesses/").content.decode()
    assert "Notary" in page
    assert "1 wait" in page
    assert api_client.delete(f"/api/v1/acme/witnesses/{made['id']}/").status_code == 204
    assert api_client.delete(f"/api/v1/acme/witnesses/{made['id']}/").status_code == 409
    assert "ended" in api_client.get("/acme/witnesses/").content.decode()
    page = api_client.post("/acme/witnesses/", {"kind": "http", "address": "https://a.example"}).content.decode()
    assert "verifier key" in page


@pytest.mark.django_db
def test_what_arrived_never_changes(acme):
    actions.add_witness(kind="mailbox", name="", address="notary@elsewhere.example", by=acme.owner)
    Delivery.objects.update(delivered_at=timezone.now(), answer="x")
    with pytest.raises(IntegrityError, match="What arrived stays so"), transaction.atomic():
        Delivery.objects.update(answer="y")


def test_the_operator_names_a_folder(committed, tmp_path):
    call_command("audit", "witness", "acme", "folder", str(tmp_path), name="WORM")
    witnesses.deliver(committed.organization.pk)
    assert list(tmp_path.rglob("*.checkpoint"))
    with pytest.raises(CommandError, match="no folder"):
        call_command("audit", "witness", "acme", "git", str(tmp_path / "none"))
    with pytest.raises(CommandError, match="no working copy"):
        call_command("audit", "witness", "acme", "git", str(tmp_path))
    with pytest.raises(CommandError, match="No organization"):
        call_command("audit", "witness", "nobody", "folder", str(tmp_path))
