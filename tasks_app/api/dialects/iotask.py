"""Dialect 000, IoTask: pings by `/tasks/ping`, one task by `/tasks/{uuid}`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from tasks_app import runtime
from tasks_app.api.dialects._door import Dialect, Refusal, endpoint, nowhere
from tasks_app.api.dialects._wire import Unreadable, decode, document, moment, number, text, wrong_method
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.conf import get_config
from tasks_app.engine.errors import Invalid, InvalidValue, NotFound
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import TERMINAL, Status, Task
from tasks_app.handlers._egress import door

NOT_FOUND = "Task not found"
_WORDS = {
    Status.SCHEDULED: "created",
    Status.PENDING: "created",
    Status.PROCESSING: "in_progress",
    Status.RETRYING: "in_progress",
    Status.CANCELLING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    Status.INTERRUPTED: "failed",
}


def _not_for_pings(method: str, allow: str) -> HttpResponse:
    return text(405, "method not allowed", {"Allow": allow})


dialect = Dialect("iotask", text, wrong_method)
pings = Dialect("iotask", text, _not_for_pings)  # this one path has small letters


async def ping(request: HttpRequest) -> HttpResponse:
    """Ping the host that a body names, or else the host that is set."""
    try:
        return _launched(request, _address(request.body))
    except (Unreadable, Invalid):
        return _no_target()


async def create(request: HttpRequest) -> HttpResponse:
    """Ping the host that is set, whatever the body says."""
    try:
        return _launched(request, get_config().ping_address)
    except Invalid:
        return _no_target()


async def show(request: HttpRequest, task_id: str) -> HttpResponse:
    """A task."""
    engine = runtime.get().engine
    [task] = engine.reports.fresh([_found(task_id)])
    return document(_shape(task, engine.clock.time()))


async def delete(request: HttpRequest, task_id: str) -> HttpResponse:
    """Remove a task; one that runs is stopped."""
    try:
        runtime.get().engine.delete(_found(task_id).id)
    except NotFound:
        raise Refusal(text(404, NOT_FOUND)) from None
    return HttpResponse(status=204)


def _address(body: bytes) -> Any:
    """The address in a body. Raises Unreadable."""
    default = get_config().ping_address
    if not body:
        return default
    given = decode(body)
    if not isinstance(given, dict):
        raise Unreadable("no object")
    return {key.casefold(): value for key, value in given.items()}.get("address", default)


def _launched(request: HttpRequest, address: Any) -> HttpResponse:
    """Raises Invalid for what cannot be a host, or is an address that may not be dialled."""
    if isinstance(address, str) and door.refused_as_written(address, get_config().ping_port):
        raise InvalidValue
    wanted = LaunchRequest(type="ping", params={**get_config().ping_params, "address": address})
    task = runtime.get().engine.submit(wanted, by=name_of(request), via=dialect.name)
    acted_on(request, task.id)
    return document({"task_id": task.id}, 201)


def _no_target() -> HttpResponse:
    return text(400, "invalid request body")


def _found(task_id: str) -> Task:
    """The task of an id, if it came this way. Raises Refusal."""
    task = runtime.get().store.find(task_id)
    if task is None or task.via != dialect.name:
        raise Refusal(text(404, NOT_FOUND))
    return task


def _shape(task: Task, now: float) -> dict[str, Any]:
    """A task as it is at `now` (seconds since 1970), its keys in alphabetical order."""
    ended = task.ended_at if task.status in TERMINAL and task.ended_at is not None else None
    seconds = number(round(max(0.0, (now if ended is None else ended) - task.created_at), 3))
    shown = {
        "created_at": moment(task.created_at, digits=0),
        "current_num": int(task.progress.current) if task.progress else 0,
        "duration_seconds": seconds,
        "status": _WORDS[task.status],
        "task_id": task.id,
    }
    if ended is None or task.status is not Status.COMPLETED:
        return shown
    return {"completed_at": moment(max(ended, task.created_at), digits=0), **shown, "total_duration_seconds": seconds}


urlpatterns: list[URLPattern] = [
    path("tasks", endpoint(dialect, post=create)),
    path("tasks/ping", endpoint(pings, post=ping)),
    re_path(r"^tasks/(?P<task_id>(?s:.*))\Z", endpoint(dialect, allow="GET, HEAD, DELETE", get=show, delete=delete)),
    re_path(r"", nowhere(dialect, "404 page not found")),
]
