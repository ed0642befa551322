from django.db import migrations, models
from django.db.models import PROTECT, Q
from django.utils import timezone

KEPT = ["requested", "approved", "revoked"]
STATES = [(state, state) for state in ("requested", "approved", "rejected", "revoked", "closed")]


def to(model: str, *, related_name: str = "+", **options) -> models.ForeignKey:
    return models.ForeignKey(on_delete=PROTECT, related_name=related_name, to=model, **options)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_last_use"),
        ("approvals", "0006_envelopes"),
        ("models", "0002_walls"),
        ("projects", "0003_project_walls"),
    ]
    operations = [
        migrations.CreateModel(
            name="Waiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("rule", models.PositiveSmallIntegerField()),
                ("reason", models.TextField()),
                ("risk", models.TextField()),
                ("measure", models.TextField()),
                ("plan", models.TextField()),
                ("requested_at", models.DateTimeField(default=timezone.now)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("state", models.CharField(choices=STATES, default="requested", max_length=10)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision_reason", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_reason", models.TextField(blank=True)),
                ("decided_by", to("accounts.membership", null=True)),
                ("ended_by", to("accounts.membership", null=True)),
                ("model_version", to("models.modelversion", related_name="waivers", null=True)),
                ("organization", to("accounts.organization", editable=False)),
                ("owner", to("accounts.membership")),
                ("policy_version", to("approvals.policyversion", related_name="waivers")),
                ("project", to("projects.project")),
                ("renewal_of", to("approvals.waiver", related_name="renewals", null=True)),
                ("requested_by", to("accounts.membership")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["policy_version", "rule", "project", "model_version"],
                        condition=Q(renewal_of=None, state__in=KEPT),
                        nulls_distinct=False,
                        name="approvals_waiver_once",
                    ),
                    models.UniqueConstraint(
                        fields=["renewal_of"], condition=Q(state__in=KEPT), name="approvals_waiver_one_renewal"
                    ),
                ],
            },
        ),
    ]
