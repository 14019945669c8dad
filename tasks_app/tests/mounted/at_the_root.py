"""A project that has left us no prefix."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("tasks_app.urls"))]
