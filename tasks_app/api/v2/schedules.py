"""Schedules: tasks that come again by themselves."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from msgspec import Raw, Struct
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import answer, body_of, no_body, query_of
from tasks_app.api.v2.common import known_types
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.wire import Moment, is_id, moment, task_json
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import InvalidParams, NotFound, NotLaunchable, UnknownType
from tasks_app.engine.schedule import Missed, Run, Schedule, parse_schedule
from tasks_app.runtime import Runtime

router = Router(tags=["Schedules"])
_ID = parameter("schedule_id", {"type": "string", "format": "uuid"}, "The id of a schedule.", where="path")


class RunJSON(Struct):
    """One run: when it was due, its task, and how that ended: a status, `deleted`, or null while it goes on."""

    due: Moment
    task: str
    status: str | None


class RepeatedJSON(Struct):
    """What is launched. `params` are shown with secrets masked."""

    type: str
    params: Raw
    name: str
    tags: tuple[str, ...]
    priority: int
    timeout: float | None
    max_attempts: int | None
    webhook: str | None


class ScheduleJSON(Struct):
    """A schedule. `next_at` is null while it is paused and where it is never due again; `runs` are the last twelve; `missed_count` counts
    those left out, `missed_more` says that there were still more; `missed_from` and `caught_up` say when the last missed ones began and
    were made up for; `trouble` why the last one did not begin."""

    id: str
    cron: str
    timezone: str
    missed: Missed
    task: RepeatedJSON
    by: str
    created_at: Moment
    next_at: Moment | None
    paused: bool
    paused_by: str
    paused_at: Moment | None
    runs: list[RunJSON]
    run_count: int
    missed_count: int
    missed_more: bool
    missed_from: Moment | None
    caught_up: Moment | None
    trouble: str


class SchedulesJSON(Struct):
    """All schedules, in order of creation."""

    items: list[ScheduleJSON]


@router.get("/schedules", operation_id="schedules", summary="List schedules", **described(answers={200: "Schedules"}))
async def list_schedules(request: HttpRequest) -> HttpResponse:
    """All schedules."""
    query_of(request)
    return answer(SchedulesJSON([schedule_json(one) for one in runtime.get().schedules.all()]))


@router.post(
    "/schedules",
    operation_id="schedule",
    summary="Make a schedule",
    **described(
        answers={201: "Schedule"}, problems=(409, 413, 415), body="ScheduleRequest", headers={"Location": "The path of the schedule."}
    ),
)
async def make(request: HttpRequest) -> HttpResponse:
    """Launches a task again and again, whenever a cron expression says so in a time zone."""
    query_of(request)
    now = runtime.get()
    asked = parse_schedule(body_of(request))
    try:
        found = now.schedules.add(asked, by=name_of(request))
    except (UnknownType, NotLaunchable, InvalidParams) as error:
        raise _of_the_task(error, now) from None
    acted_on(request, found.id)
    return answer(schedule_json(found), 201, {"Location": f"{get_script_prefix()}api/v2/schedules/{found.id}"})


@router.get(
    "/schedules/{schedule_id}",
    operation_id="getSchedule",
    summary="Get a schedule",
    **described(answers={200: "Schedule"}, problems=(404,), parameters=[_ID]),
)
async def get_schedule(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """One schedule with its last runs."""
    query_of(request)
    return answer(schedule_json(runtime.get().schedules.get(_checked(schedule_id))))


@router.put(
    "/schedules/{schedule_id}",
    operation_id="changeSchedule",
    summary="Change a schedule",
    **described(answers={200: "Schedule"}, problems=(404, 413, 415), parameters=[_ID], body="ScheduleRequest"),
)
async def change(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Puts another content in its place. Its runs stay, and whether it is paused."""
    query_of(request)
    now = runtime.get()
    now.schedules.get(_checked(schedule_id))
    asked = parse_schedule(body_of(request))
    try:
        return answer(schedule_json(now.schedules.change(schedule_id, asked)))
    except (UnknownType, NotLaunchable, InvalidParams) as error:
        raise _of_the_task(error, now) from None


@router.delete(
    "/schedules/{schedule_id}",
    operation_id="deleteSchedule",
    summary="Delete a schedule",
    **described(answers={204: None}, problems=(404, 415), parameters=[_ID]),
)
async def delete(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Forgets a schedule. Its tasks stay."""
    query_of(request)
    no_body(request)
    runtime.get().schedules.delete(_checked(schedule_id))
    return HttpResponse(status=204)


@router.post(
    "/schedules/{schedule_id}/pause",
    operation_id="pauseSchedule",
    summary="Pause a schedule",
    **described(answers={200: "Schedule"}, problems=(404, 415), parameters=[_ID]),
)
async def pause(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Launches nothing until it goes on. What comes due meanwhile is not made up for."""
    query_of(request)
    no_body(request)
    return answer(schedule_json(runtime.get().schedules.pause(_checked(schedule_id), by=name_of(request))))


@router.post(
    "/schedules/{schedule_id}/resume",
    operation_id="resumeSchedule",
    summary="Let a schedule go on",
    **described(answers={200: "Schedule"}, problems=(404, 415), parameters=[_ID]),
)
async def resume(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Goes on with the next time that comes."""
    query_of(request)
    no_body(request)
    return answer(schedule_json(runtime.get().schedules.resume(_checked(schedule_id))))


@router.post(
    "/schedules/{schedule_id}/restore",
    operation_id="restoreSchedule",
    summary="Put a deleted schedule back",
    **described(answers={200: "Schedule"}, problems=(404, 409, 415), parameters=[_ID]),
)
async def restore(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Takes back a deletion of less than ten seconds ago. A time that came meanwhile is run."""
    query_of(request)
    no_body(request)
    return answer(schedule_json(runtime.get().schedules.restore(_checked(schedule_id))))


@router.post(
    "/schedules/{schedule_id}/run",
    operation_id="runSchedule",
    summary="Run a schedule now",
    **described(answers={201: "Task"}, problems=(404, 415, 503), parameters=[_ID], headers={"Location": "The path of the task."}),
)
async def run(request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Launches its task at once, beside its times."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    task = now.schedules.run_now(_checked(schedule_id), by=name_of(request))
    acted_on(request, task.id)
    return answer(task_json(task, now), 201, {"Location": f"{get_script_prefix()}api/v2/tasks/{task.id}"})


def _repeated(found: Schedule) -> RepeatedJSON:
    hook = found.webhook.shown if found.webhook else None
    return RepeatedJSON(found.type, Raw(found.params), found.name, found.tags, found.priority, found.timeout, found.max_attempts, hook)


def schedule_json(found: Schedule) -> ScheduleJSON:
    """A schedule as it is sent."""
    return ScheduleJSON(
        id=found.id,
        cron=found.cron,
        timezone=found.timezone,
        missed=found.missed,
        task=_repeated(found),
        by=found.by,
        created_at=moment(found.created_at),
        next_at=_moment(found.next_at if found.paused_at is None else None),
        paused=found.paused_at is not None,
        paused_by=found.paused_by,
        paused_at=_moment(found.paused_at),
        runs=[_run(one) for one in found.runs],
        run_count=found.run_count,
        missed_count=found.missed_count,
        missed_more=found.missed_more,
        missed_from=_moment(found.missed_from),
        caught_up=_moment(found.caught_up),
        trouble=found.trouble,
    )


def _run(run: Run) -> RunJSON:
    return RunJSON(moment(run.due), run.task, run.status or None)


def _moment(at: float | None) -> datetime | None:
    return None if at is None else moment(at)


def _checked(schedule_id: str) -> str:
    """The same id, if it could be one. Raises NotFound."""
    if not is_id(schedule_id):
        raise NotFound("There is no schedule with this id.")
    return schedule_id


def _of_the_task(error: UnknownType | NotLaunchable | InvalidParams, now: Runtime) -> Exception:
    """What is wrong with the task of a schedule, by its place in the body."""
    if isinstance(error, UnknownType):
        return UnknownType(f"{error.message} Those that may be launched: {known_types(now)}.", field="task.type")
    if isinstance(error, NotLaunchable):
        return NotLaunchable(field="task.type")
    return InvalidParams([(f"task.{field}", text) for field, text in error.problems])
