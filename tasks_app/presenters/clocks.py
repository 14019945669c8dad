"""The large clocks of the Task page, how long it runs and how long it will, and times of day in its small print."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.task import TERMINAL, WAITING, Status, Task
from tasks_app.presenters import states, words

_TICKING = '<time datetime="{}" title="{}" data-clock-{}="{}">{}</time>'


class Clock(Struct, frozen=True):
    """A label and a reading; a `soft` one stands back behind the other."""

    label: str
    reading: SafeString
    soft: bool = False


def clocks(task: Task, now: float) -> tuple[Clock, ...]:
    """The clocks of a task as they stand at `now`; the browser lets them go on."""
    if task.status in TERMINAL:
        return _ended(task)
    if task.status in WAITING:
        return _waiting(task, now)
    elapsed = since(states.running_since(task), now)
    if task.status is Status.CANCELLING and task.cancel is not None:
        return Clock(_("elapsed"), elapsed, True), Clock(_("stopping"), since(task.cancel.at, now))
    end = states.ends_at(task)
    if end is None:
        return (Clock(_("elapsed"), elapsed),)
    left = _("time left, about") if end[1] > words.MINUTE else _("time left")
    return Clock(_("elapsed"), elapsed, True), Clock(left, until(float(round(end[0])), now))


def stopwatch(seconds: float) -> str:
    """`0:57`, `2:24`, `1:02:24`: minutes and seconds, hours where there are any."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def since(at: float, now: float) -> SafeString:
    """A stopwatch that runs since a moment."""
    return format_html(_TICKING, words.stamp(at), words.clock(at), "since", f"{at:.3f}", stopwatch(now - at))


def until(at: float, now: float) -> SafeString:
    """A stopwatch that runs down to a moment."""
    return format_html(_TICKING, words.stamp(at), words.clock(at), "until", f"{at:.3f}", stopwatch(at - now))


def time_of_day(at: float) -> SafeString:
    """`14:02:12`: in the reader's zone where a script knows it, else in UTC; the tooltip has the date."""
    form = '<time datetime="{}" title="{}" data-time="{}">{}</time>'
    return format_html(form, words.stamp(at), words.clock(at), f"{at:.0f}", words.clock_time(at))


def standing(seconds: float) -> SafeString:
    """What a stopwatch showed in the end; below a minute in seconds, with their unit: `18.2 s`, `340 ms`, `under 1 ms`."""
    if seconds >= words.MINUTE:
        return format_html("{}", stopwatch(seconds))
    reading, _thin, unit = words.took(seconds).partition(words.THIN)
    before, _space, number = reading.rpartition(" ")
    said = format_html("<small data-before>{} </small>", before) if before else ""
    return format_html("{}{}<small>{}</small>", said, number, unit)


def _ended(task: Task) -> tuple[Clock, ...]:
    if not task.attempts:
        return (Clock(_("waited"), standing(max(0.0, (task.ended_at or task.created_at) - task.created_at))),)
    return (Clock(_("took"), standing(sum(attempt.seconds or 0.0 for attempt in task.attempts))),)


def _waiting(task: Task, now: float) -> tuple[Clock, ...]:
    if task.scheduled_for is not None:
        return (Clock(_("starts in"), until(task.scheduled_for, now)),)
    return (Clock(_("waiting"), since(task.waiting_since, now)),)
