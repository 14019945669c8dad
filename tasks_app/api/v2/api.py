"""The native API put together: Django Ninja routes and describes it, the operations validate and write for themselves."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from ninja import NinjaAPI

from tasks_app import runtime
from tasks_app.api.http import answer, query_of
from tasks_app.api.problems import response_to
from tasks_app.api.v2 import (
    actions,
    activity,
    deliveries,
    events,
    export,
    failures,
    launching,
    openapi,
    pulse,
    schedules,
    settings,
    stats,
    tasks,
    types,
    workers,
)
from tasks_app.api.v2.common import router as task_router
from tasks_app.api.views import polite, reads

PREFIX = "api/v2"
OPERATIONS = (launching, export, tasks, deliveries)  # imported for their operations
api = NinjaAPI(title="IoTask", version="2", docs_url=None, openapi_url=None, urls_namespace="api-v2")
for router in (
    task_router,
    actions.router,
    types.router,
    failures.router,
    schedules.router,
    activity.router,
    stats.router,
    pulse.router,
    settings.router,
    workers.router,
    events.router,
):
    api.add_router("", router)
api._exception_handlers.clear()  # Ninja's own say things in another shape
api.add_exception_handler(Exception, lambda request, error: response_to(error, request))  # type: ignore[arg-type]


def patterns() -> list[URLPattern]:
    """Ninja's paths with polite views; its own page that lists nothing is left out. Names stand before what may be anything:
    /tasks/export is no task, whichever module was imported first."""
    found = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for pattern in found:
        pattern.callback = polite(pattern.callback)
    return sorted(found, key=lambda pattern: "<" in str(pattern.pattern))


@reads
async def openapi_json(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    query_of(request)
    return answer(openapi.document(api, PREFIX, runtime.get().registry))
