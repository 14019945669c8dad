"""`/tasks/{id}` has two readers: people, whose browser asks for a page, and the clients of two dialects. Who asks decides."""

from __future__ import annotations

import re
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from tasks_app.api.dialects import root
from tasks_app.readers import looks_around
from tasks_app.web import task_page

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INTEGER = re.compile(r"[+-]?[0-9]+")


@csrf_exempt  # what has an effect here is the dialects'; the page's own actions have paths of their own
async def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """The page of a task for a browser, the dialects' answer for everybody else."""
    if looks_around(request) and not _INTEGER.fullmatch(task_id):
        known = _UUID.fullmatch(task_id)
        response = await (task_page.task_page(request, UUID(task_id)) if known else task_page.no_such_task(request, task_id))
    else:
        response = await root.task(request, task_id)
    patch_vary_headers(response, ["Accept", "HX-Request"])
    return response
