"""Our paths below the prefix: the dashboard, the API, health and metrics. The dialects need the root of a server: `serve` has them."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tasks_app.api.urls import nothing_else, own
from tasks_app.mounted import said

handler400, handler403, handler404, handler500 = said.bad_request, said.forbidden, said.nothing_here, said.broken
urlpatterns: list[URLPattern | URLResolver] = [path("", include("tasks_app.web.urls")), *own, nothing_else]
