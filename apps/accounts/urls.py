"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.accounts import api as rest
from apps.accounts import views

organization = [
    path("members/", views.members, name="members"),
    path("members/invite/", views.member_invite, name="member-invite"),
    path("members/<int:pk>/", views.member_detail, name="member"),
    path("members/<int:pk>/remove/", views.member_remove, name="member-remove"),
    path("members/invitations/<int:pk>/revoke/", views.invitation_revoke, name="invitation-revoke"),
    path("permissions/", views.permissions, name="permissions"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/new/", views.token_new, name="token-new"),
    path("tokens/<int:pk>/", views.token_detail, name="token"),
    path("tokens/<int:pk>/revoke/", views.token_revoke, name="token-revoke"),
]
project: list = []
api = [
    path("me/", rest.Me.as_view(), name="api-me"),
    path("members/", rest.MemberList.as_view(), name="api-members"),
    path("members/<int:pk>/", rest.MemberDetail.as_view(), name="api-member"),
    path("invitations/", rest.InvitationList.as_view(), name="api-invitations"),
    path("invitations/<int:pk>/", rest.InvitationDetail.as_view(), name="api-invitation"),
    path("tokens/", rest.TokenList.as_view(), name="api-tokens"),
    path("tokens/<int:pk>/", rest.TokenDetail.as_view(), name="api-token"),
    path("permissions/", rest.Permissions.as_view(), name="api-permissions"),
]
public = [  # under no organization: each with a reason in tests/house
    path("invitations/<str:secret>/", views.invitation, name="invitation"),
    path("accounts/profile/", views.profile, name="profile"),
]
