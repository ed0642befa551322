"""`manage.py audit verify [organization…]`: is the record of each organization intact?
`manage.py audit witness ORGANIZATION folder|git PATH`: who keeps its checkpoints on this server, or elsewhere."""

from pathlib import Path

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from apps.audits import actions, checkpoints, witnesses
from apps.audits.models import WitnessKind
from apps.audits.verification import Verification
from apps.common.errors import BadInput
from apps.common.tenancy import as_organization, organization_ids


class Command(BaseCommand):
    help = "Verify the record: recompute every leaf, node and checkpoint, and name the first record that is wrong."

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", required=True)
        witness = verbs.add_parser("witness", help="Name a witness, who is given every checkpoint.")
        witness.add_argument("organization", help="its slug")
        witness.add_argument("kind", choices=WitnessKind.values)
        witness.add_argument("address", help="a path on this server, a mailbox, or the https:// prefix of a witness")
        witness.add_argument("--name", default="")
        witness.add_argument("--key", default="", help="the verifier key of an HTTP witness")
        verify = verbs.add_parser("verify", help=self.help)
        verify.add_argument("organization", nargs="*", help="slugs; all organizations if none is given")
        verify.add_argument("--new", action="store_true", help="go on from the last checkpoint of each")
        verify.add_argument(
            "--checkpoint", action="append", type=Path, default=[], metavar="FILE",
            help="a checkpoint that a witness kept; may be given several times",
        )  # fmt: skip

    def handle(self, *args, verb: str, **options):
        (self.witness if verb == "witness" else self.verify)(**options)

    def witness(self, organization: str, kind: str, address: str, name: str, key: str, **options):
        for organization_id in organization_ids():
            with as_organization(organization_id):
                if checkpoints.origin(organization_id).rpartition("/")[2] != organization:
                    continue
                try:
                    witnesses.add(organization_id=organization_id, kind=kind, name=name, address=address, key=key)
                except BadInput as bad:
                    raise CommandError(str(bad)) from bad
                self.stdout.write(f"{organization}: every checkpoint from now on goes to {address}.")
                return
        raise CommandError(f"No organization is called {organization}.")

    def verify(self, organization: list[str], new: bool, checkpoint: list[Path], **options):
        unseen, unused, broken = set(organization), {path: _text(path) for path in checkpoint}, 0
        for organization_id in organization_ids():
            with as_organization(organization_id):
                row = apps.get_model("accounts.Organization").objects.get(pk=organization_id)  # its room lies above
                if organization and row.slug not in organization:
                    continue
                unseen.discard(row.slug)
                known = self.known(organization_id, unused)
                found = actions.verify_for_portal(row, known=known, new=new)
            broken += not found.intact
            self.say(row.slug, found)
        if unseen:
            raise CommandError(f"No organization is called {' or '.join(sorted(unseen))}.")
        if unused:
            named = sorted({text.partition("\n")[0][:200] for text in unused.values()})
            raise CommandError(
                f"{', '.join(map(str, unused))}: a checkpoint of no organization that was verified. It is of"
                f" {' and '.join(named)}; this portal is {checkpoints.portal()}, after ASSAY_URL."
            )
        if broken:
            raise CommandError(f"{broken} of the records verified {'is' if broken == 1 else 'are'} not intact.")

    def known(self, organization_id: int, unused: dict[Path, str]) -> list:
        """What the files say of this organization's record; they are taken out of `unused`.

        The files come from outside, so that a signature no key here made is said and the comparison made all the
        same: whoever owns the database owns its keys too."""
        found = []
        for path, text in list(unused.items()):
            if not text.startswith(f"{checkpoints.origin(organization_id)}\n"):
                continue
            del unused[path]
            try:
                said, signed = checkpoints.read(organization_id, text)
            except BadInput as bad:
                raise CommandError(f"{path}: {bad}") from bad
            if not signed:
                self.stderr.write(f"{path}: no key that this portal knows signed this checkpoint.")
            found.append(said)
        return found

    def say(self, slug: str, found: Verification) -> None:
        if found.intact:
            since = f", the first {found.since:,} taken as verified before" if found.since else ""
            self.stdout.write(
                f"{slug}: intact, {found.count:,} records{since}, {found.checkpoints:,} checkpoints agree,"
                f" root {found.root}"
            )
        else:
            self.stdout.write(f"{slug}: BROKEN at record {found.wrong}. {found.problem} {found.count:,} records hold.")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error
