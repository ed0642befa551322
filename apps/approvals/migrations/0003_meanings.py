from django.db import migrations, models

from apps.approvals.gates.schema import MEANINGS


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_walls")]
    operations = [
        migrations.AlterField(
            model_name="signature",
            name="meaning",
            field=models.CharField(blank=True, choices=MEANINGS, max_length=30),
        ),
    ]
