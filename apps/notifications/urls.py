"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.notifications import api as rest
from apps.notifications import views

organization = [
    path("destinations/", views.destination_list, name="destinations"),
    path("destinations/new/", views.destination_new, name="destination-new"),
    path("destinations/<int:pk>/", views.destination_detail, name="destination"),
    path("destinations/<int:pk>/secret/", views.destination_secret, name="destination-secret"),
    path("destinations/<int:pk>/test/", views.destination_test, name="destination-test"),
    path("destinations/<int:pk>/pause/", views.destination_pause, name="destination-pause"),
    path("destinations/<int:pk>/resume/", views.destination_resume, name="destination-resume"),
    path("destinations/<int:pk>/remove/", views.destination_remove, name="destination-remove"),
]
project: list = []
api = [
    path("destinations/", rest.DestinationList.as_view(), name="api-destinations"),
    path("destinations/<int:pk>/", rest.DestinationDetail.as_view(), name="api-destination"),
    path("destinations/<int:pk>/secret/", rest.DestinationSecret.as_view(), name="api-destination-secret"),
    path("destinations/<int:pk>/test/", rest.DestinationTest.as_view(), name="api-destination-test"),
    path("destinations/<int:pk>/pause/", rest.DestinationPause.as_view(), name="api-destination-pause"),
]
