"""`manage.py dispose`: what is past its time goes, where nothing spares it. Workers do the same once a day."""

from django.core.management.base import BaseCommand

from apps.controls import runs


class Command(BaseCommand):
    help = "Dispose of what is past its time, in every organization. Legal holds and sign-offs spare what they bind."

    def handle(self, *args, **options):
        for slug, made in runs.dispose():
            if made is None:
                self.stdout.write(f"{slug}: today's round was made before")
                continue
            went, spared = (sum(made.result[part].values()) for part in ("disposed", "spared"))
            self.stdout.write(f"{slug}: {went} disposed of, {spared} spared")
            for reason, count in made.result["spared"].items():
                self.stdout.write(f"  {count}: {reason}")
