from django.db import migrations

from apps.common.tenancy import Frozen, Tenant


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]
    operations = [
        Tenant("models_registeredmodel"),
        Tenant("models_modelversion"),
        Frozen("models_modelversion", free=("retired_at", "retired_by_id", "retired_reason"), what="A model version"),
    ]
