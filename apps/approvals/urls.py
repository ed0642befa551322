"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path, re_path

from apps.approvals import api as rest
from apps.approvals import views

organization = [
    path("policies/", views.policies, name="policies"),
    path("policies/new/", views.policy_new, name="policy-new"),
    re_path("^policies/adopt/(?P<risk_class>minimal|limited|high)/$", views.policy_adopt, name="policy-adopt"),
    path("policies/<int:pk>/", views.policy_detail, name="policy"),
    path("policies/<int:pk>/withdraw/", views.policy_withdraw, name="policy-withdraw"),
]
project = [
    path("approvals/", views.approvals, name="approvals"),
    path("approvals/new/", views.approval_new, name="approval-new"),
    path("approvals/<int:pk>/", views.approval_detail, name="approval"),
    path("approvals/<int:pk>/withdraw/", views.approval_withdraw, name="approval-withdraw"),
    path("approvals/<int:pk>/revoke/", views.approval_revoke, name="approval-revoke"),
    path("approvals/<int:pk>/dossier.json", views.approval_dossier, name="approval-dossier"),
    path("approvals/<int:pk>/sign-off.pdf", views.approval_document, name="approval-document"),
]
api = [
    path("policies/", rest.PolicyList.as_view(), name="api-policies"),
    path("policies/<int:pk>/", rest.PolicyDetail.as_view(), name="api-policy"),
    path("policies/<int:pk>/withdrawal/", rest.PolicyWithdrawal.as_view(), name="api-policy-withdrawal"),
    path("policies/adoptions/", rest.PolicyAdoptions.as_view(), name="api-policy-adoptions"),
    path("approvals/", rest.ApprovalList.as_view(), name="api-approvals"),
    path("approvals/<int:pk>/", rest.ApprovalDetail.as_view(), name="api-approval"),
    path("approvals/<int:pk>/signatures/", rest.Signatures.as_view(), name="api-approval-signatures"),
    path("approvals/<int:pk>/withdrawal/", rest.Withdrawal.as_view(), name="api-approval-withdrawal"),
    path("approvals/<int:pk>/revocation/", rest.Revocation.as_view(), name="api-approval-revocation"),
    path("approvals/<int:pk>/dossier/", rest.Dossier.as_view(), name="api-approval-dossier"),
    path("approvals/<int:pk>/document/", rest.Document.as_view(), name="api-approval-document"),
]
