"""People, keys, emergency access and access reviews over REST."""

from apps.accounts.api import emergencies, reviews
from apps.accounts.api.people import (
    InvitationDetail,
    InvitationErasure,
    InvitationList,
    Me,
    MemberDetail,
    MemberErasure,
    MemberList,
    Permissions,
    TokenDetail,
    TokenList,
)

__all__ = [
    "InvitationDetail",
    "InvitationErasure",
    "InvitationList",
    "Me",
    "MemberDetail",
    "MemberErasure",
    "MemberList",
    "Permissions",
    "TokenDetail",
    "TokenList",
    "emergencies",
    "reviews",
]
