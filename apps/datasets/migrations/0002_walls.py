from django.db import migrations

from apps.common.tenancy import AppendOnly, Frozen, Tenant


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]
    operations = [
        Tenant("datasets_dataset"),
        Tenant("datasets_datasetversion"),
        Tenant("datasets_profile"),
        Tenant("datasets_budgetentry"),
        Frozen(
            "datasets_datasetversion",
            when="tg_op = 'DELETE' or old.declaration is not null",
            free=("withdrawn_at", "withdrawn_by_id", "withdrawn_reason"),
            what="A declared dataset version",
        ),
        Frozen("datasets_profile", when="old.state = 'finished'", what="A finished profile"),
        AppendOnly("datasets_budgetentry", what="An entry of the privacy budget"),
    ]
