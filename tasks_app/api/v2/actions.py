"""Actions on many tasks at once: counted beforehand, done as a task of their own, and undone where they deleted."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from ninja import Router
from pydantic import Field

from tasks_app import runtime
from tasks_app.api.http import answer, large_body_of, no_body, query_of
from tasks_app.api.v2.common import VIA, checked_id
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.shapes import ActionPreview
from tasks_app.api.v2.wire import task_json
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine import bulk
from tasks_app.engine.bulk import BulkParams
from tasks_app.engine.bulk_undo import undo
from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.preview import preview
from tasks_app.engine.sentences import say
from tasks_app.engine.task import Task
from tasks_app.runtime import Runtime

router = Router(tags=["Tasks"])
DRY_RUN = "dry_run"
_BULK_ID = parameter("task_id", {"type": "string", "format": "uuid"}, "The id of the task of a bulk delete.", where="path")


class ActionRequest(BulkParams):
    """An action, and either ids or a filter."""

    dry_run: Annotated[bool, Field(description="Only count: nothing is done, and the counts are answered with 200.")] = False


@router.post(
    "/actions",
    operation_id="act",
    summary="Cancel, retry or delete many tasks",
    **described(
        answers={200: "ActionPreview", 202: "Task"},
        problems=(413, 415, 503),
        body="ActionRequest",
        headers={"Location": "The path of the task that does it; not where it is only counted."},
    ),
)
async def act(request: HttpRequest) -> HttpResponse:
    """Does one thing to all tasks of the given ids (up to 1,000), or to all that match a filter and were created before this call.
    The work is a task of its own, of type `bulk_action`: its progress is read there, and its result counts `matched`, `done`, `skipped`
    (gone, changed since they were counted, or not in a state for this; such actions themselves are not retried) and `failed` (refused, as
    where no more may wait); `why` counts the last two by their reason, and `left_out` names the first of them, at most 50. Cancelled on
    its way, it keeps what it has done, and its result says how much. With `dry_run` nothing is done: how many would be acted on is
    answered. A delete can be undone."""
    query_of(request)
    now = runtime.get()
    body = await large_body_of(request)
    if _only_counted(body):
        acted_on(request)
        return answer(await _counted(now, body))
    try:
        task = now.engine.submit_own(LaunchRequest(type=bulk.NAME, params=body, priority=100), by=name_of(request), via=VIA)
    except InvalidParams as error:
        raise _named_as_sent(error) from None
    acted_on(request, task.id)
    return _begun(task, now)


@router.post(
    "/actions/{task_id}/undo",
    operation_id="undo",
    summary="Undo a bulk delete",
    **described(
        answers={202: "Task"},
        problems=(404, 409, 415, 503),
        parameters=[_BULK_ID],
        headers={"Location": "The path of the task that brings the others back."},
    ),
)
async def undo_action(request: HttpRequest, task_id: str) -> HttpResponse:
    """Brings back what a bulk delete has deleted: while it goes on (it is cancelled then), and for 10 seconds after its end. The 100,000
    tasks that were deleted last are kept for that. The work is a task of its own, of type `bulk_undo`, whose result counts as that of an
    action does. Tasks that waited wait again in their places, unless others have taken the room; those that ran are back as cancelled."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    task = undo(now.engine, checked_id(task_id), by=name_of(request), via=VIA)
    return _begun(task, now)


def _begun(task: Task, now: Runtime) -> HttpResponse:
    return answer(task_json(task, now), 202, {"Location": f"{get_script_prefix()}api/v2/tasks/{task.id}"})


def _only_counted(body: dict[str, Any]) -> bool:
    """Takes `dry_run` out of a body. Raises InvalidParams."""
    dry = body.pop(DRY_RUN, False)
    if not isinstance(dry, bool):
        raise InvalidParams([(DRY_RUN, say("must be true or false"))])
    return dry


async def _counted(now: Runtime, body: dict[str, Any]) -> ActionPreview:
    try:
        params, _ = now.registry.get(bulk.NAME).encode(body)
    except InvalidParams as error:
        raise _named_as_sent(error) from None
    found = await preview(now.store, BulkParams.model_validate_json(params))
    left = found.matched - found.acts
    return ActionPreview(found.action.value, found.matched, found.acts, left, found.gone, found.acts_by_status, found.left)


def _named_as_sent(error: InvalidParams) -> InvalidParams:
    """Fields as the caller knows them: the body is the params. What is wrong with the whole is which tasks are meant."""
    return InvalidParams([(_field(name), text) for name, text in error.sentences])


def _field(name: str) -> str:
    return "ids" if name == "params" else name.removeprefix("params.")
