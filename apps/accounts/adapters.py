"""allauth's choices of ours: nobody signs up from the street; people come by invitation."""

from allauth.account.adapter import DefaultAccountAdapter


class ByInvitation(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return False
