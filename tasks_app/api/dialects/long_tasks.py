"""Dialect 003, Long Tasks Service: `/api/v1/tasks`, `/api/v1/tasks/{uuid}`, `/api/v1/tasks/{uuid}/result`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from tasks_app import runtime
from tasks_app.api.dialects._door import Dialect, Refusal, endpoint, nowhere
from tasks_app.api.dialects._wire import Unreadable, decode, document, encode, fields, moment, number, text, wrong_kind
from tasks_app.api.http import Said
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Status, Task
from tasks_app.engine.together import Found
from tasks_app.handlers import long_computation, unknown

COMPUTATION = long_computation.NAME
WORDS = {
    Status.SCHEDULED: "pending",
    Status.PENDING: "pending",
    Status.PROCESSING: "processing",
    Status.RETRYING: "processing",
    Status.CANCELLING: "processing",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    Status.INTERRUPTED: "failed",
}
_NANOSECONDS = 10**9  # in a second; the service counts them in 63 bits


def _wrong_method(method: str, allow: str) -> HttpResponse:
    response = HttpResponse(status=405, headers={"Allow": allow})
    del response.headers["Content-Type"]  # there is no body
    return response


dialect = Dialect("long_tasks", text, _wrong_method)


async def create(request: HttpRequest) -> HttpResponse:
    """Accept a task of any type; what cannot be run is accepted as well, and fails."""
    try:
        asked = read(request.body)
    except Unreadable as error:
        return text(400, str(error))
    made = launched(asked, name_of(request))
    acted_on(request, *made.ids)
    return made.response()


async def status(request: HttpRequest, task_id: str) -> HttpResponse:
    """Where a task is; with an `error` where it has failed, which the service itself kept to itself."""
    return shown(task_id).response()


def launched(asked: tuple[str, dict[str, Any]], by: str) -> Said:
    """Launch for somebody a task of this type with these params. Raises what the engine raises."""
    (said,) = launched_together([(asked, by)])
    if isinstance(said, Exception):
        raise said
    return said


def launched_together(asked: Sequence[tuple[tuple[str, dict[str, Any]], str]]) -> list[Said | Exception]:
    """The same for each of some that came together, for somebody each; in place of an answer what was raised."""
    requests = [(_request(*wanted), by) for wanted, by in asked]
    found = runtime.get().engine.together.submit([(request, by) for request, by in requests if request is not None], via=dialect.name)
    accepted = iter(found)
    return [
        _told(*wanted, by, None if request is None else next(accepted)) for (wanted, by), (request, _) in zip(asked, requests, strict=True)
    ]


def _told(asked: str, params: dict[str, Any], by: str, found: Found | None) -> Said | Exception:
    """`found`: None where there is no such type."""
    try:
        if isinstance(found, tuple):
            task, _ = found
        elif found is None:
            task = _to_fail(asked, "Unknown task type", by)
        elif isinstance(found, InvalidParams):
            task = _to_fail(asked, found.message, by)
        else:
            return found
        return _said({"id": task.id, "status": "pending"}, 202, task.id)
    except Exception as error:
        return error


def shown(task_id: str) -> Said:
    """Where a task is. Raises Refusal."""
    task = _found(task_id)
    word = WORDS[task.status]
    return _said({"id": task.id, "status": word, **({"error": _why(task)} if word == "failed" else {})}, 200)


def _said(value: dict[str, Any], status: int, *ids: str) -> Said:
    return Said(status, (encode(value) + "\n").encode(), ids)


async def result(request: HttpRequest, task_id: str) -> HttpResponse:
    """What a completed task brought."""
    task = _found(task_id)
    if task.status is not Status.COMPLETED:
        return text(412, "Task is not completed yet")
    found = {
        "task_id": task.id,
        "status": "completed",
        "result": _result(task),
        "created_at": moment(task.created_at),
        "started_at": moment(task.started_at) if task.started_at is not None else None,
        "ended_at": moment(task.ended_at) if task.ended_at is not None else None,
    }
    return document({name: value for name, value in found.items() if value})


def read(body: bytes | bytearray) -> tuple[str, dict[str, Any]]:
    """The type and the params of a body. Raises Unreadable."""
    found = fields(decode(body), "type", "params")
    asked, params = found.get("type", ""), found.get("params", {})
    if not isinstance(asked, str):
        raise wrong_kind(asked, "TaskRequest.type", "string")
    if not isinstance(params, dict):
        raise wrong_kind(params, "TaskRequest.params", "map[string]interface {}")
    if not asked:
        raise Unreadable("type is required")
    if not _holds(params):
        raise Unreadable("json: cannot unmarshal number into Go struct field TaskRequest.params of type float64")
    return asked, params


def _holds(value: Any) -> bool:
    """Whether every number fits a float of 64 bits, which is what the service reads them into."""
    if isinstance(value, dict):
        return all(map(_holds, value.values()))
    if isinstance(value, list):
        return all(map(_holds, value))
    return not isinstance(value, int | float) or abs(value) <= sys.float_info.max


def _request(asked: str, params: dict[str, Any]) -> LaunchRequest | None:
    task_type = runtime.get().engine.registry.find(asked)
    if task_type is None or not task_type.launchable:
        return None
    return LaunchRequest(type=asked, params=_computation(params) if asked == COMPUTATION else params)


def _to_fail(asked: str, reason: str, by: str) -> Task:
    params = {"asked": asked[: unknown.MAX_ASKED], "reason": reason[: unknown.MAX_REASON]}
    return runtime.get().engine.submit_unoffered(LaunchRequest(type=unknown.NAME, params=params), by=by, via=dialect.name)


def _computation(params: dict[str, Any]) -> dict[str, Any]:
    """How long to compute: a number is cut to whole seconds, one below zero or past what the service can count ends at once, and
    whatever is no number means the three minutes of the type."""
    given = params.get("duration")
    if isinstance(given, bool) or not isinstance(given, int | float):
        return {}
    whole = int(given)
    return {"duration": whole if 0 < whole * _NANOSECONDS < 2**63 else 0, "given": float(given)}


def _found(task_id: str) -> Task:
    task = runtime.get().store.find(task_id)
    if task is None or task.via != dialect.name:
        raise Refusal(text(404, "Task not found"))
    return task


def _why(task: Task) -> str:
    if task.status is Status.FAILED and task.error is not None:
        return task.error.message or task.error.type
    return "canceled" if task.status is Status.CANCELLED else "interrupted"


def _result(task: Task) -> Any:
    """The result as the service writes it: an object with its keys in order, or None where there is nothing in it."""
    value = json.loads(task.result or b"null")
    if task.type == COMPUTATION:
        params = json.loads(task.params)
        value = {"duration": params.get("given", params["duration"]), "message": value["message"]}
    return _in_order(value if value is None or isinstance(value, dict) else {"value": value})


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    return number(value) if isinstance(value, float) else value


urlpatterns: list[URLPattern] = [
    path("api/v1/tasks", endpoint(dialect, post=create)),
    path("api/v1/tasks/<str:task_id>", endpoint(dialect, get=status, allow="GET")),
    path("api/v1/tasks/<str:task_id>/result", endpoint(dialect, get=result, allow="GET")),
    re_path(r"^api/v1(?:/|$)", nowhere(dialect, "404 page not found")),
]
