"""Who must be told: the record, forwarded."""

from urllib.parse import urlsplit

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.common.tenancy import TenantModel
from apps.notifications import webhooks


class Kind(models.TextChoices):
    JSON_LINES = "jsonl", "a SIEM, OCSF events as JSON Lines"
    JSON_ARRAY = "json", "a SIEM, OCSF events as a JSON array"
    WEBHOOK = "webhook", "a webhook, signed with a shared secret (v1)"
    WEBHOOK_PAIR = "webhook-ed25519", "a webhook, signed with a key pair (v1a)"


SCHEMES = {Kind.WEBHOOK: webhooks.SHARED, Kind.WEBHOOK_PAIR: webhooks.PAIR}


class Destination(TenantModel):
    """A server to which an organization's record is sent as events, in order, each at least once.

    Everything up to `cursor` arrived, or was not wanted. A message that is under way goes as far as `sending_to`, so
    that it is the same message, with the same id, when it has to be sent again."""

    kind = models.CharField(max_length=20, choices=Kind)
    name = models.CharField(max_length=120)
    address = models.CharField(max_length=500)
    events = models.JSONField(default=list, blank=True)  # which; none stands for all
    secret = models.BinaryField()  # sealed; empty once it was removed
    secret_before = models.BinaryField(null=True)  # sealed; signs too until `before_until`
    before_until = models.DateTimeField(null=True)
    verifier = models.CharField(max_length=100, blank=True)  # the public half of a webhook's key
    made_at = models.DateTimeField(default=timezone.now)
    paused_at = models.DateTimeField(null=True)
    paused_why = models.CharField(max_length=200, blank=True)
    removed_at = models.DateTimeField(null=True)

    cursor = models.BigIntegerField()
    sending_to = models.BigIntegerField(null=True)
    largest = models.PositiveIntegerField(null=True)  # bytes of a message of several events; null: as many as usual
    attempts = models.PositiveIntegerField(default=0)  # of the message under way
    tried_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True)  # HTTP, of the last try; null where nobody answered
    problem = models.TextField(blank=True)  # of the last try, if it failed
    arrived_at = models.DateTimeField(null=True)  # the last message that did
    failing_since = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # when the record was told that it fails for long
    held_by = models.CharField(max_length=32, blank=True)  # the one delivery at work on it, and until when
    held_until = models.DateTimeField(null=True)
    test_asked_at = models.DateTimeField(null=True)
    tested_at = models.DateTimeField(null=True)
    test_answer = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=Kind.values), name="notifications_destination_kind"),
            models.CheckConstraint(
                condition=models.Q(removed_at=None, secret__gt=b"")
                | models.Q(removed_at__isnull=False, secret=b"", secret_before=None),
                name="notifications_destination_secret_until_removed",
            ),
            models.CheckConstraint(
                condition=models.Q(secret_before=None, before_until=None)
                | models.Q(secret_before__isnull=False, before_until__isnull=False),
                name="notifications_destination_before_until",
            ),
            models.CheckConstraint(
                condition=models.Q(sending_to=None) | models.Q(sending_to__gt=models.F("cursor")),
                name="notifications_destination_sends_on",
            ),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("destination", args=[self.organization.slug, self.pk])

    @property
    def scheme(self) -> str:
        """The signature of Standard Webhooks; empty for a SIEM."""
        return SCHEMES.get(Kind(self.kind), "")

    @property
    def where(self) -> str:
        """The address as it may be shown: what follows a question mark may be a password."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}{parts.path}{'?…' if parts.query else ''}"

    @property
    def sealed_about(self) -> str:
        """A secret opens for the address it was given for, and for no other that somebody writes into the row."""
        return f"organization {self.organization_id}, sent to {self.address}"

    @property
    def state(self) -> str:
        if self.removed_at:
            return "removed"
        if self.paused_at:
            return "paused"
        return "failing" if self.failing_since else "live"
