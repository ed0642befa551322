"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.deployments import api as rest
from apps.deployments import views

organization: list = []
project = [
    path("deployments/", views.deployments, name="deployments"),
    path("deployments/new/", views.deployment_new, name="deployment-new"),
    path("deployments/<int:pk>/", views.deployment_detail, name="deployment"),
    path("deployments/<int:pk>/permit", views.deployment_permit, name="deployment-permit"),
    path("deployments/<int:pk>/stop/", views.deployment_stop, name="deployment-stop"),
]
api = [
    path("deployments/", rest.DeploymentList.as_view(), name="api-deployments"),
    path("deployments/<int:pk>/", rest.DeploymentDetail.as_view(), name="api-deployment"),
    path("deployments/<int:pk>/stop/", rest.Stop.as_view(), name="api-deployment-stop"),
    path("deployments/<int:pk>/permit/", rest.PermitOfDeployment.as_view(), name="api-deployment-permit"),
    path("permits/", rest.PermitList.as_view(), name="api-permits"),
    path("permits/revoked", rest.PermitsRevoked.as_view(), name="api-permits-revoked"),
    path("permits/keys", rest.PermitKeys.as_view(), name="api-permits-keys"),
    path("deployments/<int:pk>/predict", rest.Predict.as_view(), name="api-deployment-predict"),
]
