"""The newest runs of a task's type as bars: how long each took and how it ended, with this one among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import TERMINAL, Status, Task
from tasks_app.presenters import words

RUNS = 50
STEP, BAR, HEIGHT = 20, 14, 100
WIDTH = RUNS * STEP - (STEP - BAR)
CUT = 3.0  # a run longer than so many median ones does not press the others down: its bar ends here
LEAST = 3.0  # a bar of this height is there for the shortest run
_GROWTH = math.log(1.05)  # a running task's bar is drawn anew when it is 5 % longer


class Run(Struct, frozen=True, gc=False):
    """A run that is to be drawn."""

    number: int
    status: Status
    seconds: float


class Bar(Struct, frozen=True):
    """One bar: its place from the left, and as high as the run was long."""

    status: str
    x: int
    y: str
    height: str
    this: bool
    title: str


class History(Struct, frozen=True):
    """The bars, oldest first, and what stands under them. `before` is the number of the run to compare this one with, 0 for none: of
    those before it the newest that worked, or else the newest."""

    bars: tuple[Bar, ...]
    typical: str
    failed: str
    label: str
    before: int = 0


def runs(store: Store, task: Task, now: float) -> tuple[Run, ...]:
    """The newest finished runs of the task's type and the task itself, oldest first."""
    found = [run for run in reversed(ended_runs(store, task.type, RUNS)) if run.number != task.number][: RUNS - 1]
    return tuple(sorted([*found, Run(task.number, task.status, _so_far(task, now))], key=lambda run: run.number))


def ended_runs(store: Store, type_name: str, most: int) -> tuple[Run, ...]:
    """The newest finished runs of a type, oldest first."""
    query = Query(types=frozenset({type_name}), statuses=frozenset(TERMINAL))
    return tuple(Run(task.number, task.status, _worked(task)) for task in reversed(store.page(query, most).items))


def history(found: Sequence[Run], type_name: str, number: int = 0, places: int = RUNS) -> History:
    """The drawing of these runs in so many places; `number` is this task's, 0 where none is meant."""
    longest = max(run.seconds for run in found)
    top = min(longest, CUT * median(run.seconds for run in found))
    first = places - len(found)  # bars stand at the right
    bars = tuple(_bar(first + place, run, top or longest, run.number == number) for place, run in enumerate(found))
    done = [run.seconds for run in found if run.status is Status.COMPLETED]
    lost = sum(run.status is Status.FAILED for run in found)
    typical = _("typical %(time)s") % {"time": words.took(median(done))} if done else ""
    failed = ngettext("%(count)s failed", "%(count)s failed", lost) % {"count": words.count(lost)} if lost else _("none failed")
    label = ngettext("Duration of %(count)s run of %(type)s", "Durations of %(count)s runs of %(type)s", len(found))
    told = label % {"count": words.count(len(found)), "type": type_name}
    most = _("the longest %(time)s") % {"time": words.took(longest)}
    return History(bars, typical, failed, "; ".join(filter(None, (told, typical, most, failed))), before(found, number))


def before(found: Sequence[Run], number: int) -> int:
    """The number of the run to compare this one with, 0 where there is none."""
    older = [run for run in found if run.number < number]
    worked = [run.number for run in older if run.status is Status.COMPLETED]
    return worked[-1] if worked else older[-1].number if older else 0


def _worked(task: Task) -> float:
    return sum(attempt.seconds or 0.0 for attempt in task.attempts)


def _so_far(task: Task, now: float) -> float:
    last = task.attempt
    running = max(0.0, now - last.started_at) if last and last.seconds is None else 0.0
    if running < 1:
        return _worked(task) + running
    return _worked(task) + math.exp(_GROWTH * math.floor(math.log(running) / _GROWTH))


def _bar(place: int, run: Run, top: float, this: bool) -> Bar:
    height = max(LEAST, min(1.0, run.seconds / top) * HEIGHT) if top > 0 else LEAST
    word = words.STATUS_WORDS[run.status]
    title = _("Task %(number)s: %(status)s, %(time)s") % {"number": run.number, "status": word, "time": words.took(run.seconds)}
    return Bar(run.status.value, place * STEP, f"{HEIGHT - height:.1f}", f"{height:.1f}", this, title)
