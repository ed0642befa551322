"""What people say of controls: facts of a system, frameworks followed, judgements of evidence; and what is kept how
long, and what was disposed of. Rows are only ever added: the newest counts."""

from django.db import models
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.tenancy import TenantModel
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel


class StatedFact(ProjectModel):
    """A fact of a project's system, as a person stated it."""

    name = models.CharField(max_length=40)  # a flag of rules.FACTS
    answer = models.BooleanField()
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["project", "name", "-id"], name="controls_fact_latest")]

    def __str__(self):
        return f"{self.name}: {'yes' if self.answer else 'no'}"


class FrameworkChoice(TenantModel):
    """Whether the organization follows a framework, and why not where it does not."""

    framework = models.CharField(max_length=40)
    followed = models.BooleanField()
    reason = models.TextField(blank=True)
    catalogue_digest = models.CharField(max_length=64)  # of the framework's file at that time
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{self.framework}: {'followed' if self.followed else 'not followed'}"


class Judgement(ProjectModel):
    """Whether a clause's evidence is good enough, in a reviewer's word, under exactly that evidence."""

    control = models.CharField(max_length=40)  # an id of the catalogue
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+", null=True)
    adequate = models.BooleanField()
    reason = models.TextField()
    evidence_digest = models.CharField(max_length=64)
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["project", "model_version", "control", "-id"], name="controls_judged_latest")]

    def __str__(self):
        return f"{self.control}: {'adequate' if self.adequate else 'not adequate'}"


class RetentionSchedule(TenantModel):
    """How long the organization keeps each kind of thing: proposed by one person, published by another, and never
    changed."""

    number = models.PositiveIntegerField()
    body = models.JSONField()  # {"periods": {kind: days}, "maximum_personal": days or null}
    digest = models.CharField(max_length=64)
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")  # who proposed it
    at = models.DateTimeField(default=timezone.now)
    published_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    published_at = models.DateTimeField(null=True)  # null: proposed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "number"], name="controls_schedule_number")]

    def __str__(self):
        return f"retention schedule {self.number}"


class DisposalRun(TenantModel):
    """One round of disposal: what went, what was spared, and why. The portal itself makes one a day."""

    day = models.DateField()
    started_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)  # null: portal
    at = models.DateTimeField(default=timezone.now)
    result = models.JSONField()  # {"disposed": {kind: count}, "spared": {sentence: count}}

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "day"], condition=models.Q(started_by=None), name="controls_disposal_daily"
            )
        ]

    def __str__(self):
        return f"disposal of {self.day:%-d %B %Y}"


class Disposal(ProjectModel):
    """The bytes of one dataset version are gone: which, why, when. Its row, its digest and its profile stay."""

    version = models.OneToOneField(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    why = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"bytes of {self.version}"
