from django.db import migrations

from apps.common.tenancy import Tenant


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]
    operations = [
        Tenant("projects_project"),
    ]
