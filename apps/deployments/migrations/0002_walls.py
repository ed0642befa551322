from django.db import migrations

from apps.common.tenancy import Tenant


class Migration(migrations.Migration):
    dependencies = [("deployments", "0001_initial")]
    operations = [
        Tenant("deployments_deployment"),
    ]
