"""What happened, one line each, in a Merkle tree of an organization; what of it may be forgotten; keys; legal holds.

The columns are plain values without foreign keys: memory outlives what it remembers. Number, moment, commitments,
digest and nodes are set by the database as a record is inserted; see migration 0007 for the exact bytes."""

from copy import deepcopy

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.fields.json import KT
from django.urls import reverse
from django.utils import timezone

from apps.audits.events import Event, outcome
from apps.common.origin import CHORE, COMMAND, JOB, PAGE, REST
from apps.common.signing import pem
from apps.common.work import UNDER_WAY, Work

SYSTEM = "Assay"  # the printed name of the portal itself
ERASED = "erased person"
DEEDS = dict(Event.choices)
DOORS = {PAGE: "a page, request", REST: "REST, request", JOB: "job", COMMAND: "the command", CHORE: "a worker’s round"}


class Opened(models.Manager):
    """Records with `opened`: what their commitments to personal words stand for, where it was not erased."""

    def get_queryset(self):
        opened = models.Func(
            "organization_id", "names", function="audits_opened", output_field=models.JSONField(default=dict)
        )
        return super().get_queryset().annotate(opened=opened)


class Record(models.Model):
    organization_id = models.BigIntegerField()
    seq = models.BigIntegerField()  # 1, 2, 3 … within the organization, without gaps
    at = models.DateTimeField()  # never before the one of the record before it
    event = models.CharField(max_length=60)
    by_id = models.BigIntegerField(null=True)  # the person; null for the portal itself
    by_role = models.CharField(max_length=20)
    by_token = models.BigIntegerField(null=True)
    on_type = models.CharField(max_length=40)
    on_id = models.BigIntegerField(null=True)
    thing = models.TextField()  # the name of what it was done on; empty where that is a person
    project = models.CharField(max_length=60, blank=True)  # its slug
    names = models.JSONField(default=dict)  # "by", "on", ".path.in.facts" -> commitment to a personal word, as hex
    facts = models.JSONField(default=dict)
    origin = models.JSONField(default=dict)  # from where: see common.origin; older records do not say
    digest = models.BinaryField()  # of its leaf
    objects = Opened()
    opened: dict[str, str] = {}  # filled by the manager

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "seq"], name="audits_record_seq")]
        indexes = [
            models.Index(fields=["organization_id", "on_type", "on_id", "seq"], name="audits_record_on"),
            models.Index(fields=["organization_id", "by_id", "seq"], name="audits_record_by"),
            models.Index(fields=["organization_id", "event", "seq"], name="audits_record_event"),
            models.Index(fields=["organization_id", "at"], name="audits_record_at"),
            models.Index(fields=["organization_id", "project", "seq"], name="audits_record_project"),
            models.Index(
                "organization_id",
                KT("origin__request"),
                name="audits_record_request",
                condition=models.Q(origin__has_key="request"),
            ),
        ]

    def __str__(self):
        return f"record {self.seq}"

    @property
    def deed(self) -> str:
        """What was done, as words that follow the name: "added a dataset version"."""
        said = DEEDS.get(self.event, self.event)
        if self.event == Event.ACTION_REFUSED and "verb" in self.facts:
            said += ": " + self.facts["verb"].partition(".")[2].replace("_", " ")
        elif self.event == Event.ACTION_REFUSED_AGAIN and "times" in self.facts:
            said += f" {self.facts['times']} times"
        elif self.event == Event.SIGN_IN_REFUSED and (times := sum(self.facts.get("proofs", {}).values())) > 1:
            said += f", {times} times"
        return said

    @property
    def outcome(self) -> str:
        return outcome(self.event)

    @property
    def came_from(self) -> str:
        known, door = self.origin, DOORS.get(self.origin.get("door", ""), "")
        if "job" in known:
            return f"{door} {known['job']}, started by person {known['started_by']}, by code {known['code']}"
        return " ".join(filter(None, [door, known.get("request") or known.get("command")]))

    @property
    def by_name(self) -> str:
        return SYSTEM if self.by_id is None else self.opened.get("by", ERASED)

    @property
    def on_name(self) -> str:
        return self.opened.get("on", ERASED) if "on" in self.names else self.thing

    @property
    def told(self) -> dict:
        """The facts with the personal words in their places."""
        facts = deepcopy(self.facts)
        for path in self.names:
            if path.startswith("."):
                *outer, last = path[1:].split(".")
                inner = facts
                for name in outer:
                    inner = inner.setdefault(name, {})
                inner[last] = self.opened.get(path, ERASED)
        return facts

    @property
    def digest_hex(self) -> str:
        return bytes(self.digest).hex()


class Refusal(models.Model):
    """What somebody was refused within the last minute, so that the same again is counted and not written again."""

    organization_id = models.BigIntegerField()
    key = models.CharField(max_length=64)  # digest of who, what, on which thing and why
    at = models.DateTimeField()  # when the record was written
    first = models.BigIntegerField(default=0)  # its number
    repeated = models.PositiveIntegerField(default=0)  # how often since

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "key"], name="audits_refusal_once")]
        indexes = [models.Index(fields=["organization_id", "at"], name="audits_refusal_over")]

    def __str__(self):
        return f"refusals like record {self.first}"


class PersonKey(models.Model):
    """What makes a person's commitments impossible to guess. Without it, and without the openings, they say nothing."""

    organization_id = models.BigIntegerField()
    subject = models.CharField(max_length=40)  # "person 12", or "invitation 5" for whom nobody knows yet
    key = models.BinaryField()  # 32 bytes

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "subject"], name="audits_personkey_subject")]

    def __str__(self):
        return self.subject


class Opening(models.Model):
    """The text behind a commitment: sha256(the person's key || text)."""

    organization_id = models.BigIntegerField()
    person = models.ForeignKey(  # the database itself deletes a person's texts with their key
        PersonKey, on_delete=models.DO_NOTHING, related_name="openings", db_constraint=False
    )
    commitment = models.CharField(max_length=64)
    text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "commitment"], name="audits_opening_once")]


class Node(models.Model):
    """The root of a whole subtree of records, from two upwards; a record's own digest is the node of level 0."""

    organization_id = models.BigIntegerField()
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "level", "index"], name="audits_node_place")]


class Checkpoint(models.Model):
    """The root of the tree over the first `size` records, under the organization's signature."""

    organization_id = models.BigIntegerField()
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()  # C2SP tlog-checkpoint: origin, size, root, and the signature
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "size"], name="audits_checkpoint_size")]

    def __str__(self):
        return f"checkpoint at {self.size}"

    @property
    def root_hex(self) -> str:
        return bytes(self.root).hex()

    @property
    def origin(self) -> str:
        return self.note.split("\n", 1)[0]

    @property
    def cosigned(self) -> str:
        """The note with the lines of the witnesses who signed it too."""
        given = self.deliveries.filter(witness__kind=WitnessKind.HTTP).exclude(answer="").order_by("pk")
        return self.note + "".join(given.values_list("answer", flat=True))


class WitnessKind(models.TextChoices):
    FOLDER = "folder", "a folder on the server"
    GIT = "git", "a git repository on the server"
    MAILBOX = "mailbox", "a mailbox"
    HTTP = "http", "an HTTP witness"


class Witness(models.Model):
    """Who keeps the organization's checkpoints where this portal cannot reach them."""

    organization_id = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=WitnessKind)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=500)  # path, mailbox, or the prefix before /add-checkpoint
    key = models.CharField(max_length=500, blank=True)  # an HTTP witness's verifier key
    added_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    def __str__(self):
        return self.name


class Delivery(models.Model):
    """One checkpoint on its way to one witness. Once it arrived, nothing of it changes."""

    organization_id = models.BigIntegerField()
    witness = models.ForeignKey(Witness, on_delete=models.PROTECT, related_name="deliveries")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="deliveries")
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)  # of the last try
    answer = models.TextField(blank=True)  # a cosignature line, or the commit

    class Meta:
        constraints = [models.UniqueConstraint(fields=["witness", "checkpoint"], name="audits_delivery_once")]
        indexes = [models.Index(fields=["organization_id", "delivered_at"], name="audits_delivery_waiting")]


class SigningKey(models.Model):
    """A pair the portal signs with in the organization's name. Once made, it can only be retired."""

    organization_id = models.BigIntegerField()
    number = models.PositiveIntegerField()
    key_id = models.CharField(max_length=64)  # SHA-256 of the public key
    public = models.BinaryField()  # 32 bytes
    sealed = models.BinaryField()  # the secret, encrypted under a secret that is not in the database
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "number"], name="audits_signingkey_number"),
            models.UniqueConstraint(
                fields=["organization_id"], condition=models.Q(retired_at=None), name="audits_signingkey_one_in_use"
            ),
        ]

    def __str__(self):
        return f"key {self.number}"

    @property
    def pem(self) -> str:
        return pem(bytes(self.public))


class LegalHold(models.Model):
    """Why nothing of a project, or of the whole organization, may be disposed of or erased for now.

    Plain values, as everything here: `placed_by_id` and its like are people's ids. Two people release it. With an
    incident it is an *evidence hold*: the models of `versions` are not altered either, and who releases it signs."""

    organization_id = models.BigIntegerField()
    project_id = models.BigIntegerField(null=True)  # null: the whole organization
    incident_id = models.BigIntegerField(null=True, unique=True)  # of an evidence hold; its room lies above
    versions = ArrayField(models.BigIntegerField(), default=list)  # the model versions whose evidence it keeps
    reason = models.TextField()
    placed_by_id = models.BigIntegerField()
    placed_at = models.DateTimeField(default=timezone.now)
    asked_by_id = models.BigIntegerField(null=True)  # who asked for its release
    asked_at = models.DateTimeField(null=True)
    asked_reason = models.TextField(blank=True)
    released_by_id = models.BigIntegerField(null=True)  # the second person
    released_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization_id", "project_id"], name="audits_legalhold_of")]

    def __str__(self):
        return f"{'evidence' if self.incident_id else 'legal'} hold {self.pk}"


class Reading(models.Model):
    """One person shown one piece of evidence. Only ever added."""

    organization_id = models.BigIntegerField()
    by_id = models.BigIntegerField()  # the person
    on_type = models.CharField(max_length=40)
    on_id = models.BigIntegerField()
    digest = models.CharField(max_length=64)  # of the bytes that were shown
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["organization_id", "by_id", "digest", "at"], name="audits_reading_by")]

    def __str__(self):
        return f"reading of {self.on_type} {self.on_id}"


class Attestation(Work):
    """A trial of the walls between organizations, asked for by one of them; its result, signed, never changes.

    It is the only row of this room that is work, and so the only one that points at a membership."""

    task = "portal.isolation.tasks.attest"
    verdict = models.CharField(max_length=4, blank=True)  # "pass" or "fail"
    digest = models.CharField(max_length=64, blank=True)  # of the result as canonical JSON
    envelope = models.JSONField(null=True)  # DSSE around an in-toto statement, under the organization's key

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(state__in=UNDER_WAY),
                name="audits_attestation_one_at_a_time",
            )
        ]

    def __str__(self):
        return f"attestation {self.pk}"

    def get_absolute_url(self):
        return reverse("attestation", args=[self.organization.slug, self.pk])
