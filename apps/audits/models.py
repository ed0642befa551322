"""What happened, one line each, linked by SHA-256 within an organization.

The columns are plain values without foreign keys: memory outlives what it remembers. Number, moment and digests are
set by the database as the row is inserted; see the migration for the exact bytes."""

from django.db import models

from apps.audits.events import Event


class Record(models.Model):
    organization_id = models.BigIntegerField()
    seq = models.BigIntegerField()  # 1, 2, 3 … within the organization, without gaps
    at = models.DateTimeField()
    event = models.CharField(max_length=60)
    by_id = models.BigIntegerField(null=True)  # the person; null for the portal itself
    by_name = models.TextField()
    by_role = models.CharField(max_length=20)
    by_token = models.BigIntegerField(null=True)
    on_type = models.CharField(max_length=40)
    on_id = models.BigIntegerField(null=True)
    on_name = models.TextField()
    project = models.CharField(max_length=60, blank=True)  # its slug
    facts = models.JSONField(default=dict)
    previous = models.BinaryField()
    digest = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "seq"], name="audits_record_seq")]
        indexes = [
            models.Index(fields=["organization_id", "on_type", "on_id", "seq"], name="audits_record_on"),
            models.Index(fields=["organization_id", "by_id", "seq"], name="audits_record_by"),
            models.Index(fields=["organization_id", "event", "seq"], name="audits_record_event"),
            models.Index(fields=["organization_id", "at"], name="audits_record_at"),
            models.Index(fields=["organization_id", "project", "seq"], name="audits_record_project"),
        ]

    def __str__(self):
        return f"record {self.seq}"

    @property
    def deed(self) -> str:
        """What was done, as words that follow the name: "added a dataset version"."""
        return Event(self.event).label if self.event in Event.values else self.event

    @property
    def digest_hex(self) -> str:
        return bytes(self.digest).hex()

    @property
    def previous_hex(self) -> str:
        return bytes(self.previous).hex()
