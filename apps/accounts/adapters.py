"""allauth's choices of ours: nobody signs up from the street; people come by invitation."""

import logging

from allauth.account.adapter import DefaultAccountAdapter

log = logging.getLogger(__name__)


class ByInvitation(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return False

    def send_mail(self, template_prefix, email, context):
        """A mail server that refuses or is away is the operator's to know of: the page answers the same for every
        address, or it would tell which of them exist."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # SMTP's own errors among them
            log.exception("A mail (%s) could not be sent.", template_prefix)
