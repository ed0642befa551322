"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.documents import api as rest
from apps.documents import views

organization: list = []
project = [
    path("documents/", views.document_list, name="documents"),
    path("documents/<int:pk>/", views.document_detail, name="document"),
    path("documents/<int:pk>/pdf/", views.document_pdf, name="document-pdf"),
    path("documents/<int:pk>/json/", views.document_json, name="document-json"),
    path("statements/", views.statement_list, name="statements"),
    path("statements/new/<str:statement_kind>/", views.statement_new, name="statement-new"),
    path("statements/<int:pk>/", views.statement_detail, name="statement"),
]
api = [
    path("documents/", rest.DocumentList.as_view(), name="api-documents"),
    path("documents/<int:pk>/", rest.DocumentDetail.as_view(), name="api-document"),
    path("documents/<int:pk>/pdf/", rest.DocumentFile.as_view(form="pdf"), name="api-document-pdf"),
    path("documents/<int:pk>/json/", rest.DocumentFile.as_view(form="json"), name="api-document-json"),
    path("statement-kinds/", rest.StatementKinds.as_view(), name="api-statement-kinds"),
    path("statements/", rest.StatementList.as_view(), name="api-statements"),
    path("statements/<int:pk>/", rest.StatementDetail.as_view(), name="api-statement"),
    path("statements/<int:pk>/withdrawal/", rest.StatementWithdrawal.as_view(), name="api-statement-withdrawal"),
]
