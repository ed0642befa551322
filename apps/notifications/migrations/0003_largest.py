"""How large a message a destination takes, where it said that the usual is too much."""

from django.db import migrations, models

from apps.common.tenancy import Frozen

FREE = (
    "name", "events", "secret", "secret_before", "before_until", "verifier", "paused_at", "paused_why", "removed_at",
    "cursor", "sending_to", "attempts", "tried_at", "next_at", "status", "problem", "arrived_at", "failing_since",
    "told_at", "held_by", "held_until", "test_asked_at", "tested_at", "test_answer",
)  # fmt: skip
BEFORE = Frozen("notifications_destination", free=FREE, what="A destination")


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_walls")]
    operations = [
        migrations.AddField("destination", "largest", models.PositiveIntegerField(null=True)),
        migrations.RunSQL(BEFORE.reverse_sql, BEFORE.sql),
        Frozen("notifications_destination", free=(*FREE, "largest"), what="A destination"),
    ]
