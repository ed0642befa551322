"""allauth's choices of ours: nobody signs up from the street; people come by invitation."""

import logging

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError

from apps.accounts import actions
from apps.accounts.models import User

log = logging.getLogger(__name__)


class ByInvitation(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return False

    def pre_authenticate(self, request, **credentials):
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            log.warning("A sign-in was not tried: too many were wrong, from %s.", self.get_client_ip(request))
            raise

    def authentication_failed(self, request, **credentials):
        """At the sign-in, and where a password is asked for again."""
        person = User.objects.filter(email__iexact=credentials.get("email", "")).first()
        actions.refuse_sign_in(person, proof="password", address=self.get_client_ip(request))

    def send_mail(self, template_prefix, email, context):
        """A mail server that refuses or is away is the operator's to know of: the page answers the same for every
        address, or it would tell which of them exist."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # SMTP's own errors among them
            log.exception("A mail (%s) could not be sent.", template_prefix)
