"""`/tasks` at the root, where the dialects iotask and task_queue meet: the form of the id says whose it is."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from tasks_app.api.dialects import iotask, task_queue
from tasks_app.api.dialects._door import endpoint, nowhere

_ALLOW = "GET, HEAD, DELETE"
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_is_uuid = re.compile(_UUID).fullmatch

_ping = endpoint(iotask.pings, post=iotask.ping)
_of_iotask = endpoint(iotask.dialect, allow=_ALLOW, get=iotask.show, delete=iotask.delete)
_of_task_queue = endpoint(task_queue.dialect, allow=_ALLOW, get=task_queue.show, delete=task_queue.cancel)


async def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task of either dialect; an id that is neither's is task_queue's to refuse."""
    if task_id == "ping":
        return await _ping(request)
    return await (_of_iotask if _is_uuid(task_id) else _of_task_queue)(request, task_id)


# `tasks/{one segment}` goes to `task`, by way of the door that tells browsers from clients.
urlpatterns: list[URLPattern] = [
    path("tasks", endpoint(task_queue.dialect, post=task_queue.create)),
    re_path(rf"^tasks/{_UUID}/", nowhere(iotask.dialect, iotask.NOT_FOUND)),
    re_path(r"^tasks/", nowhere(task_queue.dialect, task_queue.NO_PAGE)),
]
