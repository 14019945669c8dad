"""Dialect 004, Go Task Queue: doubling by `/tasks`, one task by `/tasks/{integer}`."""

from __future__ import annotations

import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from tasks_app import runtime
from tasks_app.api.dialects._door import Dialect, Refusal, endpoint, nowhere
from tasks_app.api.dialects._wire import Unreadable, decode, document, fields, text, wrong_kind, wrong_method
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import IllegalTransition, NotFound
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.series import Series
from tasks_app.engine.task import RUNNING, WAITING, Status, Task

NO_PAGE = "404 page not found"
SERIES = Series("task_queue", 1)
_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,19})")
_LIMIT = 2**63  # integers are of 64 bits
_WORDS = {
    **dict.fromkeys(WAITING | RUNNING, "queued"),
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.INTERRUPTED: "failed",
    Status.CANCELLED: "cancelled",
}
_NO_CANCEL = "[API] Task cannot be cancelled from status: {}"


dialect = Dialect("task_queue", text, wrong_method)


async def create(request: HttpRequest) -> HttpResponse:
    """Double `result`. The answer is of the moment before the work began, however fast that is."""
    try:
        given = fields(decode(request.body), "id", "status", "result")
        value = _integer(given.get("result", 0), "result")
        _integer(given.get("id", 0), "id")
        _text(given.get("status", ""), "status")
    except Unreadable as error:
        return text(400, str(error))
    wanted = LaunchRequest(type="double", params={"value": value})
    task = runtime.get().engine.submit_numbered(wanted, SERIES, by=name_of(request), via=dialect.name)
    acted_on(request, task.id)
    return document({"id": task.serial, "status": "queued", "result": value}, 201)


async def show(request: HttpRequest, task_id: str) -> HttpResponse:
    """A task: its number is in `result`, the double once it is completed."""
    task = _found(task_id, "Invalid task ID", "task not found")
    return document({"id": task.serial, "status": _WORDS[task.status], "result": _result(task)})


async def cancel(request: HttpRequest, task_id: str) -> HttpResponse:
    """Cancel a task that waits; a later version of the service could."""
    task = _found(task_id, "[API] Invalid task ID", "[API] Task not found")
    if task.status not in WAITING:
        return _too_late(task)
    try:
        runtime.get().engine.cancel(task.id, by=name_of(request))
    except NotFound:
        return text(404, "[API] Task not found")
    except IllegalTransition:  # it was done a moment later
        return _too_late(_found(task_id, "[API] Invalid task ID", "[API] Task not found"))
    return HttpResponse(status=204)


def _too_late(task: Task) -> HttpResponse:
    word = "processing" if task.status in RUNNING else _WORDS[task.status]
    return text(409, _NO_CANCEL.format(word))


def _found(task_id: str, invalid: str, unknown: str) -> Task:
    """The task of a number as it stands in a path. Raises Refusal."""
    serial = number_of(task_id)
    if serial is None:
        raise Refusal(text(400, invalid))
    store = runtime.get().store
    number = store.series.number(SERIES.name, serial)
    task = None if number is None else store.by_number(number)
    if task is None:
        raise Refusal(text(404, unknown))
    return task


def number_of(task_id: str) -> int | None:
    """The integer of 64 bits that a text is, sign and leading zeros allowed; None for anything else."""
    found = _INTEGER.fullmatch(task_id)
    number = int(found[1] + found[2]) if found else _LIMIT
    return number if -_LIMIT <= number < _LIMIT else None


def _result(task: Task) -> int:
    if task.status is Status.COMPLETED and task.result is not None:
        return int(json.loads(task.result)["doubled"])
    return int(json.loads(task.params)["value"])


def _integer(value: Any, field: str) -> int:
    if type(value) is not int or not -_LIMIT <= value < _LIMIT:
        raise wrong_kind(value, f"Task.{field}", "int")
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise wrong_kind(value, f"Task.{field}", "string")
    return value


urlpatterns: list[URLPattern] = [
    path("tasks", endpoint(dialect, post=create)),
    path("tasks/<str:task_id>", endpoint(dialect, allow="GET, HEAD", get=show)),
    re_path(r"", nowhere(dialect, NO_PAGE)),
]
