"""Append the records of an organization that a file does not hold yet, as OCSF events, one a line."""

import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import Organization
from apps.common.tenancy import as_organization, organization_ids
from apps.notifications import actions


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("organization", help="its slug")
        parser.add_argument("file", type=Path, help="JSON Lines; it is gone on with where it ends")
        parser.add_argument("--every", type=float, default=0, help="seconds; go on until stopped")

    def handle(self, *, organization, file, every, **options):
        row = self._find(organization)
        while True:
            try:
                count = actions.forward(row, file)
            except (OSError, ValueError) as error:
                raise CommandError(str(error)) from error
            if not every:
                self.stdout.write(f"{organization}: {count:,} records appended to {file}")
                return
            time.sleep(every)

    def _find(self, slug: str) -> Organization:
        for organization_id in organization_ids():
            with as_organization(organization_id):
                if (row := Organization.objects.get(pk=organization_id)).slug == slug:
                    return row
        raise CommandError(f"No organization is called {slug}.")
