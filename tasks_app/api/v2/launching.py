"""Launching: one task, or many at once; and starting now what waits for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from msgspec import Raw

from tasks_app import runtime
from tasks_app.api.http import AT_ONCE, Said, answer, body_of, json_of, no_body, query_of, read_large, said, unless_gone
from tasks_app.api.problems import Problem
from tasks_app.api.strict_json import decode, element, sole_list
from tasks_app.api.v2.common import TASK_ID, VIA, checked_id, known_types, router
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.shapes import Ids
from tasks_app.api.v2.wire import task_json
from tasks_app.auth import access
from tasks_app.auth.asking import acted_on, ask_of, name_of
from tasks_app.auth.errors import Denied
from tasks_app.conf import get_config
from tasks_app.engine.errors import EngineError, InvalidParams, InvalidValue, UnknownType
from tasks_app.engine.launch import LaunchRequest, parse_launch
from tasks_app.engine.sooner import start_now
from tasks_app.engine.task import Task
from tasks_app.engine.whose import launched_in, traceparent
from tasks_app.runtime import Runtime

MAX_BULK = 10_000
SLICE = 50  # requests read before other clients get their turn
_KEY = parameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200},
    "Launching again with the same key gives the first task.",
    where="header",
)
_TRACE = parameter("traceparent", {"type": "string"}, "The trace that its attempts belong to, by W3C Trace Context.", where="header")
_LOCATION = {"Location": "The path of the task."}


@router.post(
    "/tasks",
    operation_id="launch",
    summary="Launch a task",
    **described(
        answers={201: "Task", 200: "Task"},
        problems=(409, 413, 415, 503),
        body="Launch",
        parameters=[_KEY, _TRACE],
        headers=_LOCATION,
    ),
)
async def launch(request: HttpRequest) -> HttpResponse:
    """Accepts a task: 201. With an idempotency key that was used before for the same request: 200, and the task it made then."""
    query_of(request)
    asked = parse_launch(_with_key(body_of(request), request.META.get("HTTP_IDEMPOTENCY_KEY")))
    with in_trace(request):
        made = launched(asked, name_of(request))
    acted_on(request, *made.ids)
    return made.response()


def read(body: bytes | bytearray) -> LaunchRequest:
    """What the body of a launch asks for. Raises Problem, InvalidParams."""
    return parse_launch(decode(body))


def launched(asked: LaunchRequest, by: str) -> Said:
    """Launch it for somebody. Raises Problem, and what the engine raises."""
    now = runtime.get()
    try:
        task, new = now.engine.submit_once(asked, by=by, via=VIA)
    except UnknownType as error:
        raise _unknown_type(error, known_types(now)) from None
    return _accepted(task, now, get_script_prefix(), new=new)


def launched_together(asked: Sequence[tuple[LaunchRequest, str]]) -> list[Said | Exception]:
    """The same for each of some that came together, for somebody each; in place of an answer what was raised."""
    now = runtime.get()
    prefix = get_script_prefix()
    return [_told(found, now, prefix) for found in now.engine.together.submit(asked, via=VIA)]


def _told(found: tuple[Task, bool] | Exception, now: Runtime, prefix: str) -> Said | Exception:
    if isinstance(found, Exception):
        return found
    try:
        return _accepted(found[0], now, prefix, new=found[1])
    except Exception as error:
        return error


def _accepted(task: Task, now: Runtime, prefix: str, *, new: bool) -> Said:
    ids = (task.id,) if new else ()
    location = f"{prefix}api/v2/tasks/{task.id}"
    return said(task_json(task, now), 201 if new else 200, ids=ids, headers={"Location": location})


@router.post(
    "/tasks/bulk",
    operation_id="launchMany",
    summary="Launch many tasks",
    **described(answers={201: "Ids"}, problems=(413, 415, 503), body="LaunchMany"),
)
async def launch_many(request: HttpRequest) -> HttpResponse:
    """Accepts up to 10,000 tasks: all of them, or none. What is wrong is named `tasks.<index>.…`.
    Idempotency keys are for single launches."""
    query_of(request)
    now = runtime.get()
    requests = await unless_gone(request, _read(request))
    try:
        with in_trace(request):
            tasks = await now.engine.submit_slowly(requests, by=name_of(request), via=VIA)
        await now.engine.safe()
    except EngineError as error:
        _count_off(request, len(requests))
        raise _unknown_type(error, known_types(now)) if isinstance(error, UnknownType) else error from None
    ids = [task.id for task in tasks]
    acted_on(request, *ids)
    return answer(Ids(ids), 201)


@contextmanager
def in_trace(request: HttpRequest) -> Iterator[None]:
    """What is launched meanwhile belongs to the trace of this request, if it says which: a `traceparent` of W3C Trace Context."""
    token = launched_in.set(traceparent(request.META.get("HTTP_TRACEPARENT", "")))
    try:
        yield
    finally:
        launched_in.reset(token)


def _with_key(given: dict[str, Any], header: str | None) -> dict[str, Any]:
    if header is None:
        return given
    if given.get("idempotency_key", header) != header:
        raise InvalidValue("differs from the Idempotency-Key header", field="idempotency_key")
    return {**given, "idempotency_key": header}


def _listed(request: HttpRequest) -> list[Raw]:
    """Each as it was sent: what the values of all of them would take is many times the memory."""
    tasks = sole_list(json_of(request), "tasks")
    if tasks is None or not 1 <= len(tasks) <= MAX_BULK:
        raise InvalidValue(f"must be a list of 1 to {MAX_BULK:,} tasks", field="tasks")
    return tasks


def _count(request: HttpRequest, tasks: int) -> None:
    """Let whoever asks launch so many now; the gate has counted one. Raises Denied."""
    ask, rates = ask_of(request), access.get().rates
    if rates.most_launches is not None and tasks > rates.most_launches:
        raise InvalidValue(f"holds more than one person may launch at once: {rates.most_launches:,}", field="tasks")
    assert ask.principal is not None
    try:
        rates.launch(ask.principal, ask.address, tasks - 1)
    except Denied as error:
        ask.refused = error.code
        raise


def _count_off(request: HttpRequest, tasks: int) -> None:
    """None was launched: but for the one that the gate has counted, nothing is used up."""
    ask = ask_of(request)
    assert ask.principal is not None
    access.get().rates.not_launched(ask.principal, ask.address, tasks - 1)


async def _read(request: HttpRequest) -> list[LaunchRequest]:
    """Counted last: what is refused uses nothing up."""
    tasks = await _parsed(await read_large(request, _listed))
    _count(request, len(tasks))
    return tasks


async def _parsed(tasks: Sequence[Raw]) -> list[LaunchRequest]:
    found, most, size = [], get_config().max_body, 0
    for index, given in enumerate(tasks):
        size += len(memoryview(given))
        if len(memoryview(given)) > most:
            raise InvalidValue(f"holds more than one launch may: {most:,} bytes", field=f"tasks.{index}")
        try:
            found.append(parse_launch(element(given, f"tasks.{index}")))
        except InvalidParams as error:
            raise InvalidParams(
                [(f"tasks.{index}" + ("" if field == "body" else f".{field}"), text) for field, text in error.problems]
            ) from None
        if index % SLICE == SLICE - 1 or size > AT_ONCE:
            size = 0
            await asyncio.sleep(0)
    return found


def _unknown_type(error: UnknownType, known: str) -> Problem:
    return Problem(422, error.code, f"{error.message} There are: {known}.", field=error.field)


@router.post(
    "/tasks/{task_id}/start",
    operation_id="start",
    summary="Start a task now that waits for a time",
    **described(answers={202: "Task"}, problems=(404, 409, 415), parameters=[TASK_ID]),
)
async def start_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """A scheduled task, or one between two attempts, waits for a slot at once."""
    query_of(request)
    no_body(request)
    now = runtime.get()
    return answer(task_json(start_now(now.engine, checked_id(task_id)), now), 202)
