"""Task types and their queues."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from msgspec import UNSET, Struct, UnsetType
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, body_of, query_of
from tasks_app.api.v2.common import type_of
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.shapes import QueueJSON, TaskTypeJSON, Types
from tasks_app.auth.asking import name_of
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.queues import MAX_CONCURRENCY
from tasks_app.engine.registry import TaskType
from tasks_app.engine.task import RUNNING, WAITING
from tasks_app.runtime import Runtime

router = Router(tags=["Types and queues"])
_NAME = parameter("name", {"type": "string"}, "The name of a task type.", where="path")


class QueueChange(Struct, forbid_unknown_fields=True):
    """What to set; what is left out stays as it is."""

    paused: bool | UnsetType = UNSET
    concurrency: int | UnsetType | None = UNSET


@router.get("/types", operation_id="types", summary="List task types", **described(answers={200: "Types"}))
async def list_types(request: HttpRequest) -> HttpResponse:
    """All task types that are installed."""
    query_of(request)
    return answer(Types([type_json(kind) for kind in runtime.get().registry]))


@router.get(
    "/types/{name}",
    operation_id="type",
    summary="Get a task type",
    **described(answers={200: "TaskType"}, problems=(404,), parameters=[_NAME]),
)
async def get_type(request: HttpRequest, name: str) -> HttpResponse:
    """A task type with the JSON Schema of its params."""
    query_of(request)
    return answer(type_json(type_of(runtime.get(), name)))


@router.get(
    "/queues/{name}",
    operation_id="queue",
    summary="Get a type's queue",
    **described(answers={200: "Queue"}, problems=(404,), parameters=[_NAME]),
)
async def get_queue(request: HttpRequest, name: str) -> HttpResponse:
    """How many tasks of a type run and wait, and its limits."""
    query_of(request)
    now = runtime.get()
    return answer(queue_json(now, type_of(now, name).name))


@router.patch(
    "/queues/{name}",
    operation_id="setQueue",
    summary="Pause, resume or limit a type",
    **described(answers={200: "Queue"}, problems=(404, 413, 415), parameters=[_NAME], body="QueueChange"),
)
async def set_queue(request: HttpRequest, name: str) -> HttpResponse:
    """Pauses or resumes a type, and sets how many of it may run at once (null: no limit of its own). What runs goes on."""
    query_of(request)
    now = runtime.get()
    kind = type_of(now, name)
    change = _change(body_of(request))
    if change.concurrency is not UNSET:
        now.engine.set_concurrency(kind.name, change.concurrency)
    if change.paused is True:
        now.engine.pause(kind.name, by=name_of(request))
    elif change.paused is False:
        now.engine.resume(kind.name)
    return answer(queue_json(now, kind.name))


def type_json(kind: TaskType) -> TaskTypeJSON:
    """A task type as it is sent."""
    own = {name: getattr(kind, name) for name in TaskTypeJSON.__struct_fields__}
    return TaskTypeJSON(**{**own, "params": kind.schema()})


def queue_json(now: Runtime, name: str) -> QueueJSON:
    """A queue as it is now."""
    queue = now.engine.queues.get(name)
    running, waiting = (sum(now.store.count_of(name, status) for status in statuses) for statuses in (RUNNING, WAITING))
    return QueueJSON(name, queue.paused, queue.concurrency, running, waiting)


def _change(body: dict[str, Any]) -> QueueChange:
    for name, value in body.items():
        if name not in QueueChange.__struct_fields__:
            raise InvalidValue("is not known here; paused and concurrency are", field=name)
        if name == "paused" and type(value) is not bool:
            raise InvalidValue("must be true or false", field=name)
        if name == "concurrency" and value is not None and (type(value) is not int or not 1 <= value <= MAX_CONCURRENCY):
            raise InvalidValue(f"must be a whole number from 1 to {MAX_CONCURRENCY:,}, or null; pause the type to stop it", field=name)
    if not body:
        raise InvalidValue("give paused, concurrency or both", field="paused")
    return QueueChange(**body)
