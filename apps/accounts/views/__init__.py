"""Pages about people, their second factors and devices, emergency access, and the review of who has access."""

from apps.accounts.views import emergencies, factors, reviews
from apps.accounts.views.people import (
    invitation,
    invitation_erase,
    invitation_revoke,
    member_detail,
    member_erase,
    member_invite,
    member_remove,
    members,
    permissions,
    profile,
    token_detail,
    token_new,
    token_revoke,
    tokens,
)

__all__ = [
    "emergencies",
    "factors",
    "invitation",
    "invitation_erase",
    "invitation_revoke",
    "member_detail",
    "member_erase",
    "member_invite",
    "member_remove",
    "members",
    "permissions",
    "profile",
    "reviews",
    "token_detail",
    "token_new",
    "token_revoke",
    "tokens",
]
