"""What was measured: by the portal, from registered bytes, before a sign-off or in operation; or elsewhere, and
submitted."""

from django.db import models
from django.urls import reverse

from apps.common.work import Work
from apps.datasets.models import DatasetVersion
from apps.models.models import ModelVersion
from apps.projects.models import ProjectModel


class Kind(models.TextChoices):
    PERFORMANCE = "performance", "Performance"
    FAIRNESS = "fairness", "Fairness"
    PRIVACY = "privacy", "Privacy"
    EXPLAINABILITY = "explainability", "Explainability"


class Verdict(models.TextChoices):
    PASS = "pass", "PASS"
    FAIL = "fail", "FAIL"
    INCONCLUSIVE = "inconclusive", "INCONCLUSIVE"


class Provenance(models.TextChoices):
    """How the figures of a report came to be; the label is what the report's own bytes say. The database holds both to
    each other: what was submitted never says that it was recomputed."""

    RECOMPUTED = "recomputed", "recomputed by the portal"
    SUBMITTED = "submitted", "submitted from outside"


class Report(Work, ProjectModel):
    """One kind of measurement of one model version. Immutable once finished, but for a submission's withdrawal.

    A submitted report is finished when it is made: `queued_at` is when it was submitted, `finished_at` the beginning of
    the day on which its figures were measured, so that they are as old as what they tell of."""

    task = "apps.reports.tasks.run_report"
    noun = "report"  # of its events
    kind = models.CharField(max_length=20, choices=Kind)
    provenance = models.CharField(max_length=10, choices=Provenance, default=Provenance.RECOMPUTED)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="reports")
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)  # digests of model, data and declaration
    result = models.TextField(blank=True)  # canonical JSON: the bytes that are signed
    digest = models.CharField(max_length=64, blank=True)  # of result
    verdict = models.CharField(max_length=15, choices=Verdict, blank=True)  # by its own limits; none if submitted
    original = models.JSONField(null=True)  # of a submission: {"name", "digest", "size"} of the file it came with
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("accounts.Membership", on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["model_version", "kind", "-id"], name="reports_report_latest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(provenance="recomputed", original__isnull=True, withdrawn_at=None)
                | models.Q(provenance="submitted", state="finished"),
                name="reports_report_provenance",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="")
                | ~models.Q(withdrawn_reason="") & models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="reports_report_withdrawal",
            ),
        ]

    @property
    def is_submitted(self) -> bool:
        return self.provenance == Provenance.SUBMITTED

    def __str__(self):
        return f"{self.get_kind_display()} report of {self.model_version}"

    def get_absolute_url(self):
        return reverse("report", args=[self.project.organization.slug, self.project.slug, self.pk])


IN_OPERATION = (Kind.PERFORMANCE, Kind.FAIRNESS)


class OperationReport(Work, ProjectModel):
    """The same figures, measured on all rows of a dataset version that came from operation with their outcomes.

    No sign-off rests on one, so it is a table of its own, where nothing can take it for evidence; what it does to a
    sign-off that was given, the room of sign-offs says. Immutable once finished."""

    task = "apps.reports.tasks.run_operation_report"
    noun = "operation-report"
    is_submitted, provenance = False, Provenance.RECOMPUTED  # nobody brings its figures
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.label) for kind in IN_OPERATION])
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="operation_reports")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    since = models.DateField(null=True)  # the period the rows are of, where it was stated
    until = models.DateField(null=True)  # its last day
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)
    result = models.TextField(blank=True)  # canonical JSON
    digest = models.CharField(max_length=64, blank=True)  # of result
    verdict = models.CharField(max_length=15, choices=Verdict, blank=True)  # by its own limits; a policy judges anew

    class Meta:
        indexes = [models.Index(fields=["model_version", "-id"], name="reports_operation_newest")]

    def __str__(self):
        return f"{self.get_kind_display()} report of {self.model_version} in operation"

    def get_absolute_url(self):
        return reverse("operation-report", args=[self.project.organization.slug, self.project.slug, self.pk])
