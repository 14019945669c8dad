"""A project that includes us."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("tool/", include("tasks_app.urls"))]
