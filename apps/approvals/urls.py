"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path, re_path

from apps.approvals import api as rest
from apps.approvals import views

organization = [
    path("policies/", views.policies, name="policies"),
    path("policies/new/", views.policy_new, name="policy-new"),
    re_path("^policies/adopt/(?P<risk_class>minimal|limited|high)/$", views.policy_adopt, name="policy-adopt"),
    path("policies/<int:pk>/", views.policy_detail, name="policy"),
    path("policies/<int:pk>/publish/", views.policy_publish, name="policy-publish"),
    path("policies/<int:pk>/withdraw/", views.policy_withdraw, name="policy-withdraw"),
    path("delegations/", views.delegations, name="delegations"),
    path("delegations/<int:pk>/end/", views.delegation_end, name="delegation-end"),
    path("waivers/", views.waiver_register, name="waiver-register"),
]
project = [
    path("waivers/", views.waivers, name="waivers"),
    path("waivers/new/", views.waiver_new, name="waiver-new"),
    path("waivers/<int:pk>/", views.waiver_detail, name="waiver"),
    path("waivers/<int:pk>/renew/", views.waiver_renew, name="waiver-renew"),
    path("waivers/<int:pk>/approve/", views.waiver_move, {"move": "approve"}, name="waiver-approve"),
    path("waivers/<int:pk>/reject/", views.waiver_move, {"move": "reject"}, name="waiver-reject"),
    path("waivers/<int:pk>/close/", views.waiver_move, {"move": "close"}, name="waiver-close"),
    path("waivers/<int:pk>/revoke/", views.waiver_move, {"move": "revoke"}, name="waiver-revoke"),
    path("approvals/", views.approvals, name="approvals"),
    path("approvals/new/", views.approval_new, name="approval-new"),
    path("approvals/<int:pk>/", views.approval_detail, name="approval"),
    path("approvals/<int:pk>/withdraw/", views.approval_withdraw, name="approval-withdraw"),
    path("approvals/<int:pk>/revoke/", views.approval_revoke, name="approval-revoke"),
    path("approvals/<int:pk>/fulfil/", views.approval_fulfil, name="approval-fulfil"),
    path("approvals/<int:pk>/confirm/", views.approval_confirm, name="approval-confirm"),
    path("approvals/<int:pk>/dossier.json", views.approval_dossier, name="approval-dossier"),
    path("approvals/<int:pk>/sign-off.pdf", views.approval_document, name="approval-document"),
]
api = [
    path("policies/", rest.PolicyList.as_view(), name="api-policies"),
    path("policies/<int:pk>/", rest.PolicyDetail.as_view(), name="api-policy"),
    path("policies/<int:pk>/publication/", rest.PolicyPublication.as_view(), name="api-policy-publication"),
    path("policies/<int:pk>/withdrawal/", rest.PolicyWithdrawal.as_view(), name="api-policy-withdrawal"),
    path("policies/<int:pk>/changes/", rest.PolicyDifferences.as_view(), name="api-policy-changes"),
    path("policies/<int:pk>/replay/", rest.PolicyReplay.as_view(), name="api-policy-replay"),
    path("policies/previews/", rest.PolicyPreview.as_view(), name="api-policy-previews"),
    path("policies/adoptions/", rest.PolicyAdoptions.as_view(), name="api-policy-adoptions"),
    path("waivers/", rest.WaiverList.as_view(), name="api-waivers"),
    path("waivers/register/", rest.WaiverRegister.as_view(), name="api-waiver-register"),
    path("waivers/<int:pk>/", rest.WaiverDetail.as_view(), name="api-waiver"),
    path("waivers/<int:pk>/approval/", rest.WaiverApproval.as_view(), name="api-waiver-approval"),
    path("waivers/<int:pk>/rejection/", rest.WaiverRejection.as_view(), name="api-waiver-rejection"),
    path("waivers/<int:pk>/renewal/", rest.WaiverRenewal.as_view(), name="api-waiver-renewal"),
    path("waivers/<int:pk>/closure/", rest.WaiverClosure.as_view(), name="api-waiver-closure"),
    path("waivers/<int:pk>/revocation/", rest.WaiverRevocation.as_view(), name="api-waiver-revocation"),
    path("approvals/", rest.ApprovalList.as_view(), name="api-approvals"),
    path("approvals/<int:pk>/", rest.ApprovalDetail.as_view(), name="api-approval"),
    path("approvals/<int:pk>/signatures/", rest.Signatures.as_view(), name="api-approval-signatures"),
    path("approvals/<int:pk>/withdrawal/", rest.Withdrawal.as_view(), name="api-approval-withdrawal"),
    path("approvals/<int:pk>/revocation/", rest.Revocation.as_view(), name="api-approval-revocation"),
    path("approvals/<int:pk>/fulfilments/", rest.Fulfilments.as_view(), name="api-approval-fulfilments"),
    path("approvals/<int:pk>/confirmations/", rest.Confirmations.as_view(), name="api-approval-confirmations"),
    path("delegations/", rest.DelegationList.as_view(), name="api-delegations"),
    path("delegations/<int:pk>/ending/", rest.DelegationEnding.as_view(), name="api-delegation-ending"),
    path("approvals/<int:pk>/dossier/", rest.Dossier.as_view(), name="api-approval-dossier"),
    path("approvals/<int:pk>/document/", rest.Document.as_view(), name="api-approval-document"),
]
