"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.projects import api as rest
from apps.projects import views

organization = [path("projects/new/", views.project_new, name="project-new")]
project = [
    path("edit/", views.project_edit, name="project-edit"),
    path("risk/", views.project_risk, name="project-risk"),
    path("close/", views.project_close, name="project-close"),
]
api = [
    path("projects/", rest.ProjectList.as_view(), name="api-projects"),
    path("projects/<slug:project>/", rest.ProjectDetail.as_view(), name="api-project"),
    path("projects/<slug:project>/risk/", rest.ProjectRisk.as_view(), name="api-project-risk"),
    path("projects/<slug:project>/close/", rest.ProjectClosing.as_view(), name="api-project-close"),
    path("risk-questions/", rest.RiskQuestions.as_view(), name="api-risk-questions"),
]
