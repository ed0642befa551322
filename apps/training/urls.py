"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.training import api as rest
from apps.training import views

organization = [path("workers/", views.worker_list, name="workers")]
project = [
    path("runs/", views.run_list, name="runs"),
    path("runs/new/", views.run_new, name="run-new"),
    path("runs/<int:pk>/", views.run_detail, name="run"),
    path("runs/<int:pk>/cancellation/", views.run_cancel, name="run-cancel"),
]
api = [
    path("runs/", rest.RunList.as_view(), name="api-runs"),
    path("runs/<int:pk>/", rest.RunDetail.as_view(), name="api-run"),
    path("runs/<int:pk>/log/", rest.RunLog.as_view(), name="api-run-log"),
    path("runs/<int:pk>/cancellation/", rest.RunCancellation.as_view(), name="api-run-cancellation"),
    path("workers/", rest.WorkerList.as_view(), name="api-workers"),
]
