"""Two runs side by side: who they are, what was asked of them, how long they took, what they measured, and how they ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.task import RUNNING, Task
from tasks_app.presenters import clocks, details, times, words
from tasks_app.presenters.addresses import again_url, task_url
from tasks_app.presenters.differences import Compared, compared
from tasks_app.presenters.measures import Row, rows
from tasks_app.presenters.overlays import Run, overlays
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.timeline import Timeline, known_until, timeline
from tasks_app.rendering import get_template
from tasks_app.runtime import Runtime

LINES = 8  # of each log
TIME, CLOCK = "time", "clock"  # in the address, where traces are drawn by the clock


class Side(Struct, frozen=True):
    """One of the two."""

    number: int
    type: str
    name: str
    url: str
    again: str
    status: str
    word: str
    launched: SafeString
    clock: SafeString
    clock_label: str
    timeline: Timeline
    error: str
    message: str
    log: SafeString


def find(runtime: Runtime, wanted: str) -> Task | None:
    """A task by its id, or by its number."""
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= 15:
        return runtime.store.by_number(int(wanted))
    return runtime.store.find(wanted)


def board(runtime: Runtime, rest: str, asked: Mapping[str, str]) -> Callable[[Runtime], dict[str, str]]:
    """What makes the parts of the page of these two."""
    first, second, by_clock = asked.get("a", ""), asked.get("b", ""), asked.get(TIME) == CLOCK
    return lambda now: parts(now, first, second, by_clock=by_clock)


def address(a: Task, b: Task, *, by_clock: bool = False) -> str:
    """Of the page that compares them."""
    return f"{reverse('web:compare')}?{query(a, b, by_clock=by_clock)}"


def query(a: Task, b: Task, *, by_clock: bool = False) -> str:
    """What it is asked."""
    return urlencode({"a": a.id, "b": b.id} | ({TIME: CLOCK} if by_clock else {}))


def parts(runtime: Runtime, first: str, second: str, *, by_clock: bool = False) -> dict[str, str]:
    """The page's parts as HTML; `by_clock` says how traces are drawn. Where one of the two is not there, a sentence says so, and the rest
    is empty."""
    a, b = find(runtime, first), find(runtime, second)
    if a is None or b is None:
        return dict.fromkeys(_PARTS, "") | {"missing": missing(first, second, a, b)}
    a, b = runtime.engine.reports.fresh([a, b])
    at = runtime.engine.clock.time()
    params = compared(a, b)
    values: dict[str, Any] = {
        "a": side(runtime, a, at),
        "b": side(runtime, b, at),
        "title": _title(a, b),
        "about": _about(a, b, params),
        "params": params,
        "rows": _rows(runtime, a, b),
        "overlays": overlays(*(Run(task, runtime.store.find_trail(task.number)) for task in (a, b)), by_clock=by_clock),
        "by_clock": by_clock,
        "starts": address(a, b),
        "clock": address(a, b, by_clock=True),
    }
    return {name: _rendered(name, values) for name in _PARTS} | {"missing": ""}


_PARTS = ("head", "sides", "traces", "params", "measured", "errors", "logs")


def missing(first: str, second: str, a: Task | None, b: Task | None) -> str:
    """Which of the two is not there."""
    if not first or not second:
        return _("Two tasks can be compared: the address needs the ids of both, as a and b.")
    if a is None and b is None:
        return _("Neither task is kept any more.")
    kept = (a or b).number  # type: ignore[union-attr] # one of them is there
    return _("Of the two only task %(number)s is kept; the other was deleted, or left with age.") % {"number": kept}


def side(runtime: Runtime, task: Task, at: float) -> Side:
    """One of the two as it stands at `at` (wall clock)."""
    trail = runtime.store.find_trail(task.number)
    found = clocks.clocks(task, at)[0]
    return Side(
        number=task.number,
        type=task.type,
        name=task.name,
        url=task_url(task),
        again=again_url(task) if (kind := runtime.registry.find(task.type)) and kind.launchable else "",
        status=task.status.value,
        word=str(words.STATUS_WORDS[task.status]),
        launched=_launched(task),
        clock=found.reading,
        clock_label=found.label,
        timeline=timeline(task, known_until(task)),
        error=translated(task.error.type) if task.error else "",
        message=translated(task.error.message) if task.error else "",
        log=mark_safe(details.log_lines(trail.lines()[-LINES:]) if trail else ""),  # noqa: S308 - made by a template that escapes
    )


def _launched(task: Task) -> SafeString:
    if not task.by:
        return times.moment(task.created_at)
    return format_html(_("by {}, {}"), format_html("<bdi>{}</bdi>", task.by), times.moment(task.created_at))


def _title(a: Task, b: Task) -> str:
    numbers = {"a": a.number, "b": b.number}
    if a.number == b.number:
        return _("A task compared with itself")
    if a.status is not b.status or not _took(a) or not _took(b):
        states = {"a_status": words.STATUS_WORDS[a.status], "b_status": words.STATUS_WORDS[b.status]}
        return _("Task %(a)s: %(a_status)s. Task %(b)s: %(b_status)s.") % {**numbers, **states}
    if a.status in RUNNING:
        return _("Both tasks are running")
    more = _took(b) - _took(a)
    if words.took(_took(a)) == words.took(_took(b)):
        return _("Task %(b)s took as long as task %(a)s") % numbers
    told = {**numbers, "time": words.took(abs(more))}
    return (
        _("Task %(b)s took %(time)s longer than task %(a)s") % told
        if more > 0
        else _("Task %(b)s was %(time)s faster than task %(a)s") % told
    )


def _took(task: Task) -> float:
    return sum(attempt.seconds or 0.0 for attempt in task.attempts)


def _about(a: Task, b: Task, params: Compared) -> list[str]:
    kinds = _("both %(type)s") % {"type": a.type} if a.type == b.type else _("%(a)s and %(b)s") % {"a": a.type, "b": b.type}
    count = sum(not found.word for found in params.differ)
    if not count:
        return [kinds, _("the same params")]
    return [kinds, ngettext("%(count)s param differs", "%(count)s params differ", count) % {"count": words.count(count)}]


def _rows(runtime: Runtime, a: Task, b: Task) -> list[Row]:
    return rows(a, b, runtime.store.find_trail(a.number), runtime.store.find_trail(b.number))


def _rendered(slot: str, values: dict[str, Any]) -> str:
    return str.__str__(get_template(f"compare/slots/{slot}.html").render(values).strip())
