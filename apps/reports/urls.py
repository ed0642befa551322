"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.reports import api as rest
from apps.reports import views

organization: list = []
project = [
    path("reports/", views.report_list, name="reports"),
    path("reports/submission/", views.report_submit, name="report-submission"),
    path("reports/<int:pk>/", views.report_detail, name="report"),
    path("reports/<int:pk>/cancellation/", views.report_cancel, name="report-cancel"),
    path("reports/<int:pk>/withdrawal/", views.report_withdraw, name="report-withdrawal"),
    path("reports/<int:pk>/pdf/", views.report_pdf, name="report-pdf"),
    path("reports/<int:pk>/json/", views.report_json, name="report-json"),
    path("reports/<int:pk>/original/", views.report_original, name="report-original"),
    path("operation-reports/", views.operation_report_list, name="operation-reports"),
    path("operation-reports/<int:pk>/", views.operation_report_detail, name="operation-report"),
    path("operation-reports/<int:pk>/cancellation/", views.operation_report_cancel, name="operation-report-cancel"),
    path("operation-reports/<int:pk>/pdf/", views.operation_report_pdf, name="operation-report-pdf"),
    path("operation-reports/<int:pk>/json/", views.operation_report_json, name="operation-report-json"),
]
api = [
    path("reports/", rest.ReportList.as_view(), name="api-reports"),
    path("reports/submissions/", rest.ReportSubmissions.as_view(), name="api-report-submissions"),
    path("reports/<int:pk>/", rest.ReportDetail.as_view(), name="api-report"),
    path("reports/<int:pk>/cancellation/", rest.ReportCancellation.as_view(), name="api-report-cancellation"),
    path("reports/<int:pk>/pdf/", rest.ReportFile.as_view(form="pdf"), name="api-report-pdf"),
    path("reports/<int:pk>/json/", rest.ReportFile.as_view(form="json"), name="api-report-json"),
    path("reports/<int:pk>/original/", rest.ReportFile.as_view(form="original"), name="api-report-original"),
    path("reports/<int:pk>/withdrawal/", rest.ReportWithdrawal.as_view(), name="api-report-withdrawal"),
    path("operation-reports/", rest.OperationReportList.as_view(), name="api-operation-reports"),
    path("operation-reports/<int:pk>/", rest.OperationReportDetail.as_view(), name="api-operation-report"),
    path(
        "operation-reports/<int:pk>/cancellation/",
        rest.OperationReportCancellation.as_view(),
        name="api-operation-report-cancellation",
    ),
    path(
        "operation-reports/<int:pk>/pdf/", rest.OperationReportFile.as_view(form="pdf"), name="api-operation-report-pdf"
    ),
    path(
        "operation-reports/<int:pk>/json/",
        rest.OperationReportFile.as_view(form="json"),
        name="api-operation-report-json",
    ),
]
