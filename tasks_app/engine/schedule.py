"""What comes again by itself: the record of a schedule, its runs, and what somebody asks for who makes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasks_app.engine import cron
from tasks_app.engine.errors import Invalid, InvalidParams
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.problems import plainly, problems_of
from tasks_app.engine.sentences import kept, say
from tasks_app.engine.webhook import Webhook, request_of

MOST_MISSED = 100  # of runs that were missed, the newest that are run, where each is
UNREADABLE = kept("Its params cannot be read any more: {why}.")
_OWN = say("run_at and idempotency_key are the schedule's own")


class Missed(StrEnum):
    """What becomes of runs that were missed while the server was down."""

    ONCE = "once"  # one run, however many were missed
    SKIP = "skip"
    EACH = "each"  # at most MOST_MISSED


class Run(Struct, frozen=True):
    """One run: when it was due, the id of its task, and how that ended: a status, `deleted`, or empty while it goes on."""

    due: float
    task: str
    status: str = ""


class Schedule(Struct, frozen=True, kw_only=True):
    """What comes again. Times are seconds since 1970. `params` is fit to be shown, `secrets` holds the whole text where it has secrets.

    `next_at` is None where it is never due again. `trouble` says why the last run did not begin. `missed_count` counts runs that were
    left out, and `missed_more` says that there were more than were counted: after a long time past a thousand. `caught_up` is when the last
    missed ones were made up for, from `missed_from` on.
    """

    id: str
    cron: str
    timezone: str
    missed: Missed
    type: str
    params: bytes
    secrets: bytes | None = None
    name: str = ""
    tags: tuple[str, ...] = ()
    priority: int = 0
    timeout: float | None = None
    max_attempts: int | None = None
    webhook: Webhook | None = None
    by: str = ""
    created_at: float = 0.0
    next_at: float | None = None
    paused_at: float | None = None
    paused_by: str = ""
    runs: tuple[Run, ...] = ()
    run_count: int = 0
    missed_count: int = 0
    missed_more: bool = False
    missed_from: float | None = None
    caught_up: float | None = None
    trouble: str = ""

    @property
    def title(self) -> str:
        """Its name, or its type's."""
        return self.name or self.type


def next_of(found: Schedule, after: float) -> float | None:
    """When it is due next; None for never, and where its time zone is not known here."""
    try:
        return cron.following(found.cron, found.timezone, after)
    except Invalid:
        return None


def due_by(found: Schedule, now: float) -> tuple[list[float], bool]:
    """The times that have come and were not run, in order, and whether there are more: then the first of them are left out of the middle.
    Raises InvalidValue."""
    assert found.next_at is not None
    ran = {run.due for run in found.runs}  # a clock that was set back shows the same time twice
    dues = [found.next_at, *cron.times(found.cron, found.timezone, found.next_at, until=now)]
    are_more = len(dues) > cron.MOST
    if are_more:
        last = cron.newest(found.cron, found.timezone, now, MOST_MISSED)
        dues = [due for due in dues[:-MOST_MISSED] if due < last[0]] + last
    return [due for due in dues if due not in ran], are_more


def made_up(missed: Missed, dues: Sequence[float]) -> Sequence[float]:
    """Which of these times are run, once some of them were missed."""
    return {Missed.SKIP: dues[:0], Missed.ONCE: dues[-1:], Missed.EACH: dues[-MOST_MISSED:]}[missed]


def launch_of(found: Schedule, key: str | None = None) -> LaunchRequest:
    """What it launches each time."""
    return LaunchRequest(
        type=found.type,
        params=msgspec.json.decode(found.secrets or found.params),
        name=found.name,
        tags=list(found.tags),
        priority=found.priority,
        timeout=found.timeout,
        max_attempts=found.max_attempts,
        webhook=request_of(found.webhook) if found.webhook else None,
        idempotency_key=key,
    )


def with_end(found: Schedule, *, task_id: str, status: str) -> Schedule:
    """How one of its runs ended, told for the first time."""
    ended = (replace(run, status=status) if run.task == task_id and not run.status else run for run in found.runs)
    return replace(found, runs=tuple(ended))


def _repeatable(task: LaunchRequest) -> LaunchRequest:
    """Refuse what a schedule decides itself. Raises ValueError."""
    if task.run_at is not None or task.idempotency_key is not None:
        raise ValueError(_OWN)
    return task


def _valued(check: Callable[[str], object], text: str) -> str:
    try:
        found = check(text)
    except Invalid as error:
        raise ValueError(error.sentence) from None
    return found if isinstance(found, str) else text


class ScheduleRequest(BaseModel):
    """A schedule to be: when, and what to launch then."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    cron: Annotated[
        str,
        Field(
            min_length=1, max_length=cron.MAX_LENGTH, description="When: minute, hour, day, month, weekday; seconds first if there are six."
        ),
        AfterValidator(lambda text: _valued(cron.checked, text)),
    ]
    timezone: Annotated[
        str,
        Field(min_length=1, max_length=64, description="The IANA time zone the expression is read in."),
        AfterValidator(lambda name: (_valued(cron.zone, name), name)[1]),
    ] = "UTC"
    missed: Annotated[Missed, Field(strict=False, description="What becomes of runs missed while the server was down.")] = Missed.ONCE
    task: Annotated[LaunchRequest, Field(description="What to launch."), AfterValidator(_repeatable)]


def parse_schedule(given: Any) -> ScheduleRequest:
    """A ScheduleRequest from JSON values. Raises InvalidParams with each field that is wrong."""
    task = given.get("task") if isinstance(given, dict) else None
    if isinstance(task, dict) and (own := next((name for name in ("run_at", "idempotency_key") if task.get(name) is not None), "")):
        raise InvalidParams([(f"task.{own}", _OWN)])
    try:
        return ScheduleRequest.model_validate(given)
    except ValidationError as error:
        raise InvalidParams(plainly(problems_of(error, "body"))) from None
