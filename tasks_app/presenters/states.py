"""How far a task is and how long it takes: the two middle columns of a row, one function a status, each an honest sentence."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.task import Progress, Status, Task
from tasks_app.presenters import times, words
from tasks_app.presenters.labels import attempt_of, cut
from tasks_app.presenters.results import headline
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.waits import waits
from tasks_app.runtime import Runtime

Text = str | SafeString
MAX_LINE = 200


class Bar(Struct, frozen=True):
    """A progress bar. Without `total` nothing says how much there is: it drifts."""

    current: float = 0
    total: float | None = None
    percent: str = ""


class How(Struct, frozen=True):
    """Two lines: a bar, or `first`, which is bad news or not; then `second`."""

    first: Text = ""
    second: Text = ""
    bar: Bar | None = None
    bad: bool = False


class When(Struct, frozen=True):
    """Two short lines at the right."""

    first: Text = ""
    second: Text = ""


class State(Struct, frozen=True):
    """Both columns."""

    how: How
    when: When


def state(runtime: Runtime, task: Task) -> State:
    """What a task's row says in the middle and at the right."""
    return _STATES[task.status](runtime, task)


def bar(progress: Progress | None) -> Bar:
    """The bar for a progress; 0 % is shown."""
    if progress is None or progress.total is None:
        return Bar()
    if progress.total == 0:
        return Bar(1, 1, words.percent(1, 1))
    return Bar(progress.current, progress.total, words.percent(progress.current, progress.total))


def running_since(task: Task) -> float:
    """The moment a running task would have begun had it run without a break: waits between its attempts do not count."""
    last = task.attempts[-1]
    return last.started_at - sum(attempt.seconds or 0.0 for attempt in task.attempts[:-1])


def ends_at(task: Task) -> tuple[float, float] | None:
    """When a running task will end at its present rate, and the guess in seconds it was made with; None where it cannot be said."""
    progress = task.progress
    seconds = progress.eta_seconds if progress else None
    if progress is None or seconds is None or not math.isfinite(seconds) or seconds > 100 * words.DAY:
        return None
    last = task.attempts[-1]
    return last.started_at + (progress.at - last.began) + seconds, seconds


def _processing(runtime: Runtime, task: Task) -> State:
    elapsed = times.since(running_since(task))
    end = ends_at(task)
    how = How(second=_step(task.progress), bar=bar(task.progress))
    return State(how, When(times.left(end[0], _("{} left")), elapsed) if end else When(elapsed, _("no estimate")))


def _step(progress: Progress | None) -> str:
    if progress is None:
        return _("Running")
    if progress.message:
        return cut(translated(progress.message), MAX_LINE)
    if progress.total is None:
        return words.figure(progress.current)
    return _("%(part)s of %(all)s") % {"part": words.figure(progress.current), "all": words.figure(progress.total)}


def _pending(runtime: Runtime, task: Task) -> State:
    found = waits(runtime, task)
    how = How(found.place, found.reason)
    if found.seconds is None:
        return State(how, When(times.since(task.waiting_since), _("waiting")))
    starts = _("in %(time)s") % {"time": _about(found.seconds)}
    return State(how, When(starts, times.since(task.waiting_since, _("waits {}"), plain="{}")))


def _about(seconds: float) -> str:
    return _("about %(time)s") % {"time": words.guess(seconds)} if seconds < words.MINUTE else words.guess(seconds)


def _scheduled(runtime: Runtime, task: Task) -> State:
    at = task.scheduled_for or task.created_at
    by = _("Set by %(name)s") % {"name": task.by} if task.by else ""
    return State(How(times.moment(at, _("Starts {}")), by), When(times.until(at, _("in {}"))))


def _retrying(runtime: Runtime, task: Task) -> State:
    at = task.scheduled_for or task.created_at
    following = attempt_of(task.attempt_number + 1, task)
    return State(_error(task, bad=False), When(times.until(at, _("in {}")), following))


def _error(task: Task, *, bad: bool) -> How:
    if task.error is None:
        return How(_("Failed"), bad=bad)
    return How(cut(translated(task.error.type), MAX_LINE), cut(translated(task.error.message), MAX_LINE), bad=bad)


def _cancelling(runtime: Runtime, task: Task) -> State:
    how = How(second=_stopping(task), bar=bar(task.progress))
    return State(how, When(times.since(running_since(task)), _("stopping")))


def _stopping(task: Task) -> SafeString:
    asked = task.cancel
    assert asked is not None
    if asked.stuck and not asked.forced:
        clause = times.since(asked.at, _("Not stopping for {}"), plain=_("Not stopping {}"))
    else:
        clause = times.since(asked.at, _("Stopping by force… {}") if asked.forced else _("Stopping… {}"))
    return format_html(_("{}, asked by {}"), clause, asked.by) if asked.by else clause


def _ended(task: Task) -> When:
    took = sum(attempt.seconds or 0.0 for attempt in task.attempts)
    first = words.took(took) if task.attempts else _("never ran")
    return When(first, times.past(task.ended_at or task.created_at))


def _completed(runtime: Runtime, task: Task) -> State:
    first, second = headline(runtime, task)
    if task.attempt_number > 1:
        second = second or _("Took %(count)s attempts") % {"count": task.attempt_number}
    return State(How(cut(first, MAX_LINE), cut(second, MAX_LINE)), _ended(task))


def _failed(runtime: Runtime, task: Task) -> State:
    return State(_error(task, bad=True), _ended(task))


def _cancelled(runtime: Runtime, task: Task) -> State:
    asked = task.cancel
    first = _("Cancelled by %(name)s") % {"name": asked.by} if asked and asked.by else _("Cancelled")
    if reached := bar(task.progress).percent:
        first = _("%(cancelled)s at %(percent)s") % {"cancelled": first, "percent": reached}
    if asked and asked.abandoned:
        second = _("Its code could not be stopped and was left behind")
    else:
        second = _("“%(said)s”") % {"said": translated(asked.reason)} if asked and asked.reason else ""
    return State(How(first, second), _ended(task))


def _interrupted(runtime: Runtime, task: Task) -> State:
    if task.foreign is not None:
        first = _("How it ended was not heard")
    else:
        first = _("The process ended while this ran") if task.attempts else _("The process ended while this waited")
    return State(How(first, _last_seen(task.progress)), _ended(task))


def _last_seen(progress: Progress | None) -> str:
    if progress is None:
        return ""
    parts = [part for part in (bar(progress).percent, cut(translated(progress.message), MAX_LINE)) if part]
    return _("Last seen at %(place)s") % {"place": ", ".join(parts)} if parts else ""


_STATES: Mapping[Status, Callable[[Runtime, Task], State]] = {
    Status.SCHEDULED: _scheduled,
    Status.PENDING: _pending,
    Status.PROCESSING: _processing,
    Status.RETRYING: _retrying,
    Status.CANCELLING: _cancelling,
    Status.COMPLETED: _completed,
    Status.FAILED: _failed,
    Status.CANCELLED: _cancelled,
    Status.INTERRUPTED: _interrupted,
}
