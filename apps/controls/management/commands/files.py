"""`manage.py files [organization…]`: is every file that a row names in the store, with the bytes its digest says?

After a restore, the other half of `manage.py audit verify`."""

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from apps.common import storage
from apps.common.tenancy import as_organization, organization_ids
from apps.controls.queries import disposal as queries


class Command(BaseCommand):
    help = "Read every stored file that a row names, and say which are missing or damaged. Nothing is changed."

    def add_arguments(self, parser):
        parser.add_argument("organization", nargs="*", help="slugs; all organizations if none is given")

    def handle(self, *args, organization: list[str], **options):
        unseen, wrong = set(organization), 0
        for organization_id in organization_ids():
            with as_organization(organization_id):
                slug = apps.get_model("accounts.Organization").objects.get(pk=organization_id).slug
                named = sorted(queries.named(organization_id) - {""})
            if not organization or slug in organization:
                unseen.discard(slug)
                wrong += self._read(slug, organization_id, named)
        if unseen:
            raise CommandError(f"No organization is called {' or '.join(sorted(unseen))}.")
        if wrong:
            raise CommandError(f"{wrong} of the files {'is' if wrong == 1 else 'are'} not what the rows say.")

    def _read(self, slug: str, organization_id: int, named: list[str]) -> int:
        found = [(digest, storage.why_not_whole(organization_id, digest)) for digest in named]
        found = [(digest, why) for digest, why in found if why]
        for digest, why in found:
            self.stdout.write(f"{slug}: {digest} {why}")
        self.stdout.write(f"{slug}: {len(named) - len(found):,} of {len(named):,} files are there with their bytes")
        return len(found)
