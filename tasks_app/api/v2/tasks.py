"""Tasks: list, look, cancel, retry, rerun, delete, read the log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from msgspec import UNSET

from tasks_app import runtime
from tasks_app.api.http import Said, answer, no_body, one_of, query_of, said, whole_number
from tasks_app.api.v2.common import FILTER, FILTERS, TASK_ID, VIA, checked_id, filter_of, found, router
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.shapes import Log, LogLineJSON, Page
from tasks_app.api.v2.wire import moment, task_json
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.query import MAX_LIMIT
from tasks_app.engine.trail import LEVELS
from tasks_app.searching import page_of

DEFAULT_LIMIT = 50
LAST_SEQ = 2**53 - 1
_LIST = [
    *FILTER,
    parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}, "Tasks a page."),
    parameter("cursor", {"type": "string", "maxLength": 100}, "`next` of the page before."),
]
_FORCE = parameter("force", {"type": "boolean", "default": False}, "End a handler that does not stop by itself, or abandon it.")
_LOGS = [
    TASK_ID,
    parameter("after", {"type": "integer", "minimum": 0, "maximum": LAST_SEQ, "default": 0}, "Only lines with a higher `seq`."),
    parameter("level", {"enum": list(LEVELS), "default": LEVELS[0]}, "Only lines of this level or graver."),
]


@router.get("/tasks", operation_id="list", summary="List tasks", **described(answers={200: "Page"}, parameters=_LIST))
async def list_tasks(request: HttpRequest) -> HttpResponse:
    """A page of tasks. `next` is the cursor of the page that follows, null at the end. With words (`q`), at most 20,000 tasks are looked at
    for one page: `searched` says how many, and `total` is null where only a part was."""
    one, many = query_of(request, one=("q", "sort", "limit", "cursor"), many=FILTERS)
    limit = whole_number(one, "limit", DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    query = filter_of(one, many)
    now = runtime.get()
    page = await page_of(now.store, query, limit)
    following = None if page.next is None else query.encode_cursor(page.next)
    searched = UNSET if page.searched is None else page.searched
    items = now.engine.reports.fresh(page.items)
    return answer(Page([task_json(task, now) for task in items], following, page.total, searched))


@router.get(
    "/tasks/{task_id}", operation_id="get", summary="Get a task", **described(answers={200: "Task"}, problems=(404,), parameters=[TASK_ID])
)
async def get_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task as it is now."""
    query_of(request)
    return shown(task_id).response()


def shown(task_id: str) -> Said:
    """A task as it is now. Raises NotFound."""
    now = runtime.get()
    checked_id(task_id)
    [task] = now.engine.reports.fresh([found(now, task_id)])
    return said(task_json(task, now))


@router.delete(
    "/tasks/{task_id}",
    operation_id="delete",
    summary="Delete a task",
    **described(answers={204: None}, problems=(404, 415), parameters=[TASK_ID]),
)
async def delete_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Removes a task, at once; one that runs is stopped. For 10 seconds it can be restored."""
    query_of(request)
    no_body(request)
    runtime.get().engine.delete(checked_id(task_id), by=name_of(request))
    return HttpResponse(status=204)


@router.post(
    "/tasks/{task_id}/restore",
    operation_id="restore",
    summary="Undo a delete",
    **described(answers={200: "Task"}, problems=(404, 409, 415, 503), parameters=[TASK_ID]),
)
async def restore_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Brings back a task that was deleted in the last 10 seconds: the same, with its number, its log and its place in the line. One that
    ran was stopped by the delete, and is back as cancelled. 404: it is too late, or there was no such task. 409: it is not deleted. 503:
    it waited, and others have taken the room."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    return answer(task_json(now.engine.restore(checked_id(task_id)), now))


@router.post(
    "/tasks/{task_id}/cancel",
    operation_id="cancel",
    summary="Cancel a task",
    **described(answers={202: "Task"}, problems=(404, 409, 415), parameters=[TASK_ID, _FORCE]),
)
async def cancel_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Asks a task to stop: one that waits is cancelled at once, one that runs is cancelling until its handler stops."""
    one, _ = query_of(request, one=("force",))
    no_body(request)
    force = one_of(one, "force", "false", ("true", "false")) == "true"
    now = runtime.get()
    task = now.engine.cancel(checked_id(task_id), by=name_of(request), reason="Asked through the API", force=force)
    return answer(task_json(task, now), 202)


@router.post(
    "/tasks/{task_id}/retry",
    operation_id="retry",
    summary="Retry a task",
    **described(answers={202: "Task"}, problems=(404, 409, 415, 503), parameters=[TASK_ID]),
)
async def retry_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Gives a failed, cancelled or interrupted task further attempts."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    return answer(task_json(now.engine.retry(checked_id(task_id)), now), 202)


@router.post(
    "/tasks/{task_id}/rerun",
    operation_id="rerun",
    summary="Run a task again, as a new task",
    **described(answers={202: "Task"}, problems=(404, 415, 503), parameters=[TASK_ID], headers={"Location": "The path of the new task."}),
)
async def rerun_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Launches a new task like this one; `rerun_of` names the old one."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    task = now.engine.rerun(checked_id(task_id), by=name_of(request), via=VIA)
    acted_on(request, task.id)
    return answer(task_json(task, now), 202, {"Location": f"{get_script_prefix()}api/v2/tasks/{task.id}"})


@router.get(
    "/tasks/{task_id}/logs",
    operation_id="logs",
    summary="Read a task's log",
    **described(answers={200: "Log"}, problems=(404,), parameters=_LOGS),
)
async def logs(request: HttpRequest, task_id: str) -> HttpResponse:
    """The last lines of a task's log, oldest first. `next` is the `after` of a call that asks for what comes then."""
    one, _ = query_of(request, one=("after", "level"))
    after = whole_number(one, "after", 0, low=0, high=LAST_SEQ)
    level = one_of(one, "level", LEVELS[0], LEVELS)
    now = runtime.get()
    trail = now.store.find_trail(found(now, task_id).number)
    lines = trail.lines(after=after, level=level) if trail else []
    items = [LogLineJSON(line.seq, moment(line.at), round(line.seconds, 6), line.attempt, line.level, line.text) for line in lines]
    return answer(Log(items, next=lines[-1].seq if lines else after, dropped=trail.dropped if trail else 0))
