"""A model that is kept as evidence is not trained anew."""

from django.db import migrations

KEPT = """
create trigger training_trainingrun_not_begun before insert on training_trainingrun
    for each row execute function models_not_altered();
"""


class Migration(migrations.Migration):
    dependencies = [("training", "0002_walls"), ("models", "0004_evidence")]
    operations = [migrations.RunSQL(KEPT, "drop trigger training_trainingrun_not_begun on training_trainingrun;")]
