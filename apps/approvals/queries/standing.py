"""Whether a sign-off stands, asked of the database, for annotations."""

from django.db.models import BooleanField, F, Func

STANDS = Func(F("pk"), function="approvals_stands", output_field=BooleanField())
