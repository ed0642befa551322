"""`manage.py audit verify [organization…]`: is the record of each organization intact?"""

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from apps.audits import actions
from apps.audits.chain import Verification
from apps.common.tenancy import as_organization, organization_ids


class Command(BaseCommand):
    help = "Verify the linked record: recompute each leaf and link, and name the first record that is wrong."

    def add_arguments(self, parser):
        verify = parser.add_subparsers(dest="verb", required=True).add_parser("verify", help=self.help)
        verify.add_argument("organization", nargs="*", help="slugs; all organizations if none is given")

    def handle(self, *args, organization: list[str], **options):
        unseen, broken = set(organization), 0
        for organization_id in organization_ids():
            with as_organization(organization_id):
                row = apps.get_model("accounts.Organization").objects.get(pk=organization_id)  # its room lies above
                if organization and row.slug not in organization:
                    continue
                unseen.discard(row.slug)
                found = actions.verify_for_portal(row)
            broken += not found.intact
            self.say(row.slug, found)
        if unseen:
            raise CommandError(f"No organization is called {' or '.join(sorted(unseen))}.")
        if broken:
            raise CommandError(f"{broken} of the records verified {'is' if broken == 1 else 'are'} not intact.")

    def say(self, slug: str, found: Verification) -> None:
        if found.intact:
            self.stdout.write(f"{slug}: intact, {found.count:,} records, head {found.head.seq} {found.head.digest}")
        else:
            self.stdout.write(f"{slug}: BROKEN at record {found.wrong}. {found.problem} {found.count:,} records hold.")
