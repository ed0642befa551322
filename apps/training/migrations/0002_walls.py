from django.db import migrations

from apps.common.tenancy import AppendOnly, Frozen, Tenant


class Migration(migrations.Migration):
    dependencies = [("training", "0001_initial")]
    operations = [
        Tenant("training_trainingrun"),
        Tenant("training_logline"),
        Frozen(
            "training_trainingrun",
            when="old.state in ('finished', 'failed', 'cancelled')",
            what="A training run that is over",
        ),
        AppendOnly("training_logline", what="A line of a run''s log"),
    ]
