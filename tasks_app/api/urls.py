"""The paths of the JSON APIs."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from tasks_app.api.dialects.urls import urlpatterns as dialects
from tasks_app.api.health import healthz, readyz
from tasks_app.api.metrics import metrics
from tasks_app.api.v2.api import PREFIX, openapi_json, patterns
from tasks_app.api.v2.docs import docs
from tasks_app.api.views import nothing

own: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path(f"{PREFIX}/openapi.json", openapi_json, name="openapi"),
    path(f"{PREFIX}/docs", docs, name="api-docs"),
    path(f"{PREFIX}/", include((patterns(), "api-v2"))),
]
nothing_else = re_path(r"^(?:api|healthz|readyz|metrics)(?:/.*)?$", nothing)
urlpatterns: list[URLPattern | URLResolver] = [*own, *dialects, nothing_else]
