"""Addresses of this room: `organization` lies under /<organization>/, `project` under /<organization>/<project>/."""

from django.urls import path

from apps.controls import api as rest
from apps.controls import views

organization = [
    path("controls/", views.inventory, name="inventory"),
    path("controls/export/", views.inventory_export, name="inventory-export"),
    path("frameworks/", views.frameworks, name="frameworks"),
    path("retention/", views.retention, name="retention"),
    path("retention/<int:number>/publish/", views.retention_publish, name="retention-publish"),
    path("retention/dispose/", views.retention_dispose, name="retention-dispose"),
    path("holds/", views.holds, name="holds"),
    path("holds/<int:pk>/release/", views.hold_release, name="hold-release"),
]
project = [
    path("controls/", views.controls, name="controls"),
    path("controls/facts/", views.facts, name="controls-facts"),
    path("controls/export/", views.export, name="controls-export"),
    path("controls/<str:control>/", views.clause, name="control"),
]
api = [
    path("controls/", rest.Catalogue.as_view(), name="api-controls"),
    path("frameworks/", rest.Frameworks.as_view(), name="api-frameworks"),
    path("inventory/", rest.Inventory.as_view(), name="api-inventory"),
    path("retention/", rest.Retention.as_view(), name="api-retention"),
    path("retention/<int:number>/publication/", rest.Publication.as_view(), name="api-retention-publication"),
    path("retention/disposals/", rest.Disposals.as_view(), name="api-disposals"),
    path("holds/", rest.Holds.as_view(), name="api-holds"),
    path("holds/<int:pk>/release/", rest.HoldRelease.as_view(), name="api-hold-release"),
    path("projects/<slug:project>/controls/", rest.Coverage.as_view(), name="api-coverage"),
    path("projects/<slug:project>/controls/export/", rest.CoverageExport.as_view(), name="api-coverage-export"),
    path("projects/<slug:project>/facts/", rest.Facts.as_view(), name="api-facts"),
    path("projects/<slug:project>/judgements/", rest.Judgements.as_view(), name="api-judgements"),
]
