from django.db import migrations

from apps.common.tenancy import AppendOnly, Frozen, Tenant


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [
        Tenant("approvals_policy"),
        Tenant("approvals_policyversion"),
        Tenant("approvals_approval"),
        Tenant("approvals_signature"),
        Frozen("approvals_policyversion", free=("withdrawn_at", "withdrawn_by_id"), what="A published policy"),
        AppendOnly("approvals_signature", what="A signature"),
    ]
