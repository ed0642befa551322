"""The incident register: what happened, what is known of it entry by entry, who was told when, and who signed for it.

Rows are only ever added. An incident's newest entry counts; it is closed when somebody signed its closing."""

from datetime import UTC, datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.tenancy import TenantModel
from apps.projects.models import ProjectModel


class Severity(models.TextChoices):
    MINOR = "minor", "minor"
    MODERATE = "moderate", "moderate"
    MAJOR = "major", "major"
    CRITICAL = "critical", "critical"


class Duty(models.TextChoices):
    """Who must be told. The first three are told in this order where somebody deploys another's system."""

    PROVIDER = "provider", "the provider"
    IMPORTER = "importer", "the importer or distributor"
    AUTHORITY = "authority", "the market surveillance authority"
    PROTECTION = "protection", "the data protection authority"


class Stage(models.TextChoices):
    INCOMPLETE = "incomplete", "a first report, still incomplete"
    FINAL = "final", "the final report"
    UNREACHED = "unreached", "tried, and not reached"
    NEEDLESS = "needless", "not required, with the reason"


class Purpose(models.TextChoices):
    ASK = "ask", "I ask for the evidence to be released"
    RELEASE = "release", "I release the evidence"
    CLOSE = "close", "I close this incident"


class Incident(ProjectModel):
    """What its entries are about."""

    title = models.CharField(max_length=200)
    reported_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["organization", "-id"], name="incidents_incident_newest")]

    def __str__(self):
        return f"incident {self.pk}"

    def get_absolute_url(self):
        return reverse("incident", args=[self.project.organization.slug, self.project.slug, self.pk])


class Entry(TenantModel):
    """Everything known of an incident at one moment: the report, or an amendment of it."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    number = models.PositiveIntegerField()  # from 1
    versions = ArrayField(models.BigIntegerField())  # the model versions it affects
    source = models.CharField(max_length=500)  # how it became known
    data_reported = models.TextField()  # what came with the report
    occurred_at = models.DateTimeField()
    aware_at = models.DateTimeField()  # every clock counts from here; it never moves later
    description = models.TextField()
    impacts = models.TextField()
    stakeholders = models.TextField()  # groups, not names
    severity = models.CharField(max_length=10, choices=Severity)
    harm_to_people = models.BooleanField()
    critical_infrastructure = models.BooleanField()
    fundamental_rights = models.BooleanField()
    harm_to_property = models.BooleanField()
    death = models.BooleanField()
    widespread = models.BooleanField()
    personal_data = models.BooleanField()
    by_deployer = models.BooleanField()  # of another provider's system, as the project's answers said
    authority_due_at = models.DateTimeField(null=True)  # null: it is not serious
    protection_due_at = models.DateTimeField(null=True)  # null: no personal data were breached
    reason = models.TextField(blank=True)  # of an amendment
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    digest = models.CharField(max_length=64)  # SHA-256 of what it says, as canonical JSON

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "number"], name="incidents_entry_number")]

    def __str__(self):
        return f"entry {self.number} of {self.incident}"

    @property
    def serious(self) -> bool:
        return self.authority_due_at is not None

    @property
    def told(self) -> dict:
        """What its digest is over, as plain values."""
        beside = {"id", "organization_id", "by_id", "at", "digest"}
        names = [field.attname for field in self._meta.concrete_fields if field.attname not in beside]
        return {name: _plain(getattr(self, name)) for name in names}


class Notice(TenantModel):
    """Somebody who must be told was told, or need not be, or could not be."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="notices")
    duty = models.CharField(max_length=10, choices=Duty)
    stage = models.CharField(max_length=10, choices=Stage)
    who = models.CharField(max_length=200)
    how = models.CharField(max_length=200)
    reference = models.CharField(max_length=200, blank=True)  # under which whoever was told keeps it
    note = models.TextField(blank=True)  # why it is late, or not required
    told_at = models.DateTimeField()
    follows = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True)  # the report before it
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"notice to {self.get_duty_display()} of {self.incident}"


class Snapshot(TenantModel):
    """Digests of everything that was held as evidence when an entry first named it, signed."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="snapshot")
    body = models.TextField()  # canonical JSON (RFC 8785)
    digest = models.CharField(max_length=64)
    envelope = models.JSONField()  # DSSE around an in-toto statement
    at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"snapshot with {self.entry}"


class Signature(TenantModel):
    """One person's name under the release of evidence, or under the closing of an incident."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="signatures")
    purpose = models.CharField(max_length=10, choices=Purpose)
    signer = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    said = models.JSONField()  # {"reason"}, or what a closing says
    entry_digest = models.CharField(max_length=64)  # of the newest entry, as it was signed
    authentication_id = models.BigIntegerField()  # the accounts.Reentry it was given with
    envelope = models.JSONField()  # DSSE around an in-toto statement
    digest = models.CharField(max_length=64)  # SHA-256 of the statement
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incident", "purpose"], name="incidents_signature_once"),
            models.UniqueConstraint(fields=["authentication_id"], name="incidents_signature_one_proof"),
        ]

    def __str__(self):
        return f"{self.printed_name}: {self.get_purpose_display()}"


class Confirmation(ProjectModel):
    """Somebody looked through a project's register and says that nothing is missing in it."""

    note = models.TextField(blank=True)
    incidents = models.PositiveIntegerField()  # how many it held by then
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="incidents_confirmed_newest")]

    def __str__(self):
        return f"confirmation of {self.at:%-d %B %Y}"


class Reminder(TenantModel):
    """That the record was told, once, of a duty that is near its time or past it."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="reminders")
    kind = models.CharField(max_length=30)  # authority overdue, protection in 24 hours
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "kind"], name="incidents_reminder_once")]

    def __str__(self):
        return f"{self.kind}, {self.incident}"


def _plain(value):
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
