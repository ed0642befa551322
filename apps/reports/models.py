"""What was measured, by the portal, from registered bytes."""

from django.db import models
from django.urls import reverse

from apps.common.work import Work
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


class Report(Work, ProjectModel):
    """One kind of measurement of one model version. Immutable once finished."""

    task = "apps.reports.tasks.run_report"
    kind = models.CharField(max_length=20, choices=Kind)
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="reports")
    parameters = models.JSONField(default=dict)
    inputs = models.JSONField(default=dict)  # digests of model, data and declaration
    result = models.TextField(blank=True)  # canonical JSON: the bytes that are signed
    digest = models.CharField(max_length=64, blank=True)  # of result
    verdict = models.CharField(max_length=15, choices=Verdict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["model_version", "kind", "-id"], name="reports_report_latest")]

    def __str__(self):
        return f"{self.get_kind_display()} report of {self.model_version}"

    def get_absolute_url(self):
        return reverse("report", args=[self.project.organization.slug, self.project.slug, self.pk])
