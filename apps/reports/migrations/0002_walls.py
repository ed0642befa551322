from django.db import migrations

from apps.common.tenancy import Frozen, Tenant


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial")]
    operations = [
        Tenant("reports_report"),
        Frozen("reports_report", when="old.state = 'finished'", what="A finished report"),
    ]
