"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.accounts import api as rest
from apps.accounts import views

organization = [
    path("members/", views.members, name="members"),
    path("members/invite/", views.member_invite, name="member-invite"),
    path("members/<int:pk>/", views.member_detail, name="member"),
    path("members/<int:pk>/remove/", views.member_remove, name="member-remove"),
    path("members/<int:pk>/erase/", views.member_erase, name="member-erase"),
    path("members/invitations/<int:pk>/erase/", views.invitation_erase, name="invitation-erase"),
    path("members/invitations/<int:pk>/revoke/", views.invitation_revoke, name="invitation-revoke"),
    path("permissions/", views.permissions, name="permissions"),
    path("emergencies/", views.emergencies.emergencies, name="emergencies"),
    path("emergencies/new/", views.emergencies.emergency_new, name="emergency-new"),
    path("emergencies/<int:pk>/", views.emergencies.emergency_detail, name="emergency"),
    path("emergencies/<int:pk>/agree/", views.emergencies.emergency_agree, name="emergency-agree"),
    path("emergencies/<int:pk>/end/", views.emergencies.emergency_end, name="emergency-end"),
    path("emergencies/<int:pk>/review/", views.emergencies.emergency_review, name="emergency-review"),
    path("access-reviews/", views.reviews.access_reviews, name="access-reviews"),
    path("access-reviews/<int:pk>/", views.reviews.access_review, name="access-review"),
    path("access-reviews/<int:pk>/decide/", views.reviews.access_review_decide, name="access-review-decide"),
    path("access-reviews/<int:pk>/finish/", views.reviews.access_review_finish, name="access-review-finish"),
    path(
        "access-reviews/<int:pk>/attestation",
        views.reviews.access_review_attestation,
        name="access-review-attestation",
    ),
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
    path("members/<int:pk>/erasure/", rest.MemberErasure.as_view(), name="api-member-erasure"),
    path("invitations/", rest.InvitationList.as_view(), name="api-invitations"),
    path("invitations/<int:pk>/erasure/", rest.InvitationErasure.as_view(), name="api-invitation-erasure"),
    path("invitations/<int:pk>/", rest.InvitationDetail.as_view(), name="api-invitation"),
    path("tokens/", rest.TokenList.as_view(), name="api-tokens"),
    path("tokens/<int:pk>/", rest.TokenDetail.as_view(), name="api-token"),
    path("emergencies/", rest.emergencies.EmergencyList.as_view(), name="api-emergencies"),
    path("emergencies/<int:pk>/", rest.emergencies.EmergencyDetail.as_view(), name="api-emergency"),
    path(
        "emergencies/<int:pk>/agreement/",
        rest.emergencies.EmergencyAgreement.as_view(),
        name="api-emergency-agreement",
    ),
    path("emergencies/<int:pk>/end/", rest.emergencies.EmergencyEnd.as_view(), name="api-emergency-end"),
    path("emergencies/<int:pk>/review/", rest.emergencies.EmergencyReview.as_view(), name="api-emergency-review"),
    path("access-reviews/", rest.reviews.AccessReviewList.as_view(), name="api-access-reviews"),
    path("access-reviews/<int:pk>/", rest.reviews.AccessReviewDetail.as_view(), name="api-access-review"),
    path(
        "access-reviews/<int:pk>/decisions/",
        rest.reviews.AccessReviewDecisions.as_view(),
        name="api-access-review-decisions",
    ),
    path(
        "access-reviews/<int:pk>/attestation/",
        rest.reviews.AccessReviewAttestation.as_view(),
        name="api-access-review-attestation",
    ),
    path("permissions/", rest.Permissions.as_view(), name="api-permissions"),
]
public = [  # under no organization: each with a reason in tests/house
    path("invitations/<str:secret>/", views.invitation, name="invitation"),
    path("accounts/profile/", views.profile, name="profile"),
    path("accounts/devices/", views.factors.devices, name="devices"),
    path("accounts/devices/<int:pk>/sign-out/", views.factors.device_sign_out, name="device-sign-out"),
    # second factors, under the names by which allauth knows them
    path("accounts/2fa/", views.factors.factors, name="mfa_index"),
    path("accounts/2fa/totp/activate/", views.factors.app_activate, name="mfa_activate_totp"),
    path("accounts/2fa/totp/deactivate/", views.factors.app_deactivate, name="mfa_deactivate_totp"),
    path("accounts/2fa/recovery-codes/generate/", views.factors.codes_generate, name="mfa_generate_recovery_codes"),
    path("accounts/2fa/passkeys/new/", views.factors.passkey_new, name="mfa_add_webauthn"),
    path("accounts/2fa/passkeys/question/", views.factors.passkey_question, name="passkey-question"),
    path("accounts/2fa/passkeys/sign-in/", views.factors.passkey_sign_in, name="mfa_login_webauthn"),
    path("accounts/2fa/passkeys/sign-in/question/", views.factors.sign_in_question, name="sign-in-question"),
    path("accounts/2fa/passkeys/<int:pk>/", views.factors.passkey_detail, name="mfa_edit_webauthn"),
    path("accounts/2fa/passkeys/<int:pk>/remove/", views.factors.passkey_remove, name="mfa_remove_webauthn"),
]
