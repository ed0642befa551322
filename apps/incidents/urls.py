"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.incidents import api as rest
from apps.incidents import views

organization = [
    path("incidents/", views.incident_register, name="incident-register"),
]
project = [
    path("incidents/", views.incidents, name="incidents"),
    path("incidents/new/", views.incident_new, name="incident-new"),
    path("incidents/confirm/", views.incidents_confirm, name="incidents-confirm"),
    path("incidents/<int:pk>/", views.incident_detail, name="incident"),
    path("incidents/<int:pk>/amend/", views.incident_amend, name="incident-amend"),
    path("incidents/<int:pk>/suspend/", views.incident_suspend, name="incident-suspend"),
    path("incidents/<int:pk>/notify/", views.incident_step, {"step": "notify"}, name="incident-notify"),
    path("incidents/<int:pk>/ask/", views.incident_step, {"step": "ask"}, name="incident-ask"),
    path("incidents/<int:pk>/release/", views.incident_step, {"step": "release"}, name="incident-release"),
    path("incidents/<int:pk>/close/", views.incident_step, {"step": "close"}, name="incident-close"),
    path("incidents/<int:pk>/question/", views.incident_question, name="incident-question"),
    path("incidents/<int:pk>/pack.<str:form>", views.incident_pack, name="incident-pack"),
]
api = [
    path("incidents/", rest.IncidentList.as_view(), name="api-incidents"),
    path("incidents/confirmations/", rest.Confirmations.as_view(), name="api-incident-confirmations"),
    path("incidents/<int:pk>/", rest.IncidentDetail.as_view(), name="api-incident"),
    path("incidents/<int:pk>/entries/", rest.Entries.as_view(), name="api-incident-entries"),
    path("incidents/<int:pk>/suspension/", rest.Suspension.as_view(), name="api-incident-suspension"),
    path("incidents/<int:pk>/notices/", rest.Notices.as_view(), name="api-incident-notices"),
    path("incidents/<int:pk>/release/", rest.Release.as_view(), name="api-incident-release"),
    path("incidents/<int:pk>/release/grant/", rest.ReleaseGrant.as_view(), name="api-incident-release-grant"),
    path("incidents/<int:pk>/closure/", rest.Closure.as_view(), name="api-incident-closure"),
    path("incidents/<int:pk>/pack/<str:form>/", rest.PackOfIncident.as_view(), name="api-incident-pack"),
]
