"""Found an organization: the first thing done in a new portal, by whoever runs it."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import reverse

from apps.accounts import actions
from apps.accounts.models import User
from apps.common.errors import BadInput


class Command(BaseCommand):
    help = "Found an organization. An owner who is new to the portal is invited by the link that is printed."

    def add_arguments(self, parser):
        parser.add_argument("slug", help="its address: small letters, digits, hyphens")
        parser.add_argument("--name", required=True, help="its name, as pages and documents print it")
        parser.add_argument("--owner", required=True, metavar="EMAIL", help="the person who owns it")

    def handle(self, *, slug, name, owner, **options):
        try:
            validate_email(owner)
            person = User.objects.filter(email__iexact=owner, is_active=True).first()
            if person:
                actions.found(slug=slug, name=name, owner=person)
            else:
                _, secret = actions.found_for_invited(slug=slug, name=name, email=owner)
        except BadInput as problem:
            raise CommandError(str(problem)) from problem
        except ValidationError as problem:
            raise CommandError(f"“{owner}” is no email address.") from problem
        self.stdout.write(f"Founded {name}: {settings.URL}{reverse('organization', args=[slug])}")
        if person:
            self.stdout.write(f"{person} ({person.email}) owns it.")
        else:
            self.stdout.write(f"Send this to {owner} alone; whoever opens it first becomes the owner:")
            self.stdout.write(f"{settings.URL}{reverse('invitation', args=[secret])}")
