"""Which room answers which path."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tasks_app import doors

urlpatterns: list[URLPattern | URLResolver] = [
    path("tasks/<str:task_id>", doors.task),
    path("", include("tasks_app.web.urls")),
    path("", include("tasks_app.api.urls")),
]
