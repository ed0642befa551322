"""Founding, inviting, joining, granting, keys of programs; emergency access, and the review of who has access."""

from apps.accounts.actions import emergencies, reviews
from apps.accounts.actions.factors import (
    end_session,
    enrol_passkey,
    remember,
    remove_passkey,
    rename_passkey,
    seen,
)
from apps.accounts.actions.people import (
    change_role,
    create_token,
    erase,
    erase_invitation,
    found,
    found_for_invited,
    invite,
    join,
    join_as_new,
    remove,
    rename,
    revoke_invitation,
    revoke_token,
)
from apps.accounts.actions.sign_ins import refuse_sign_in, tell_refused_sign_ins

__all__ = [
    "change_role",
    "create_token",
    "emergencies",
    "end_session",
    "enrol_passkey",
    "erase",
    "erase_invitation",
    "found",
    "found_for_invited",
    "invite",
    "join",
    "join_as_new",
    "refuse_sign_in",
    "remember",
    "remove",
    "remove_passkey",
    "rename",
    "rename_passkey",
    "reviews",
    "revoke_invitation",
    "revoke_token",
    "seen",
    "tell_refused_sign_ins",
]
