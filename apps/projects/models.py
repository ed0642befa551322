"""What belongs together: one purpose, its owner and how much is at stake."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership
from apps.common.tenancy import TenantModel


class RiskClass(models.TextChoices):
    MINIMAL = "minimal", "Minimal"
    LIMITED = "limited", "Limited"
    HIGH = "high", "High"


class Project(TenantModel):
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    purpose = models.TextField()
    owner = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    risk_class = models.CharField(max_length=10, choices=RiskClass)
    answers = models.JSONField(
        default=dict
    )  # {question: true or false}, which decide the risk class; see rules.QUESTIONS
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slug"], name="projects_project_slug")]

    def __str__(self):
        return self.name

    @property
    def project(self):
        return self

    def get_absolute_url(self):
        return reverse("project", args=[self.organization.slug, self.slug])


class ProjectModel(TenantModel):
    """A row that belongs to one project, and so to its organization."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
