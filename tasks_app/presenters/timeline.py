"""A task's life so far as stretches of time: its waits and attempts, one behind the other, and what is expected to come."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.task import TERMINAL, WAITING, Attempt, OutcomeKind, Status, Task
from tasks_app.presenters import states, times, words
from tasks_app.presenters.clocks import time_of_day

WIDTH = 1000
LEAST = 2.0  # units of the drawing: what took no time can be seen all the same
GAP = 1.6
MOMENT = 0.001  # seconds; what is shorter is not listed
LISTED = 6  # stretches that are listed under the drawing; more are drawn only

OUTCOME_STATUS = {
    None: Status.PROCESSING,
    OutcomeKind.COMPLETED: Status.COMPLETED,
    OutcomeKind.FAILED: Status.FAILED,
    OutcomeKind.TIMED_OUT: Status.FAILED,
    OutcomeKind.CANCELLED: Status.CANCELLED,
    OutcomeKind.INTERRUPTED: Status.INTERRUPTED,
}


class Stretch(Struct, frozen=True):
    """From `start` to `end` (seconds since 1970) a task waited or was attempted. `open`: it still does, `end` is how far we know.
    `idle`: it did neither, since it had ended and nobody had asked for another go. `unknown`: how much of it was which, no record says."""

    status: Status
    start: float
    end: float
    attempt: Attempt | None = None
    open: bool = False
    idle: bool = False
    unknown: bool = False

    @property
    def kind(self) -> str:
        """How it is drawn."""
        return "run" if self.attempt else "idle" if self.idle or self.unknown else "wait"

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


class Bar(Struct, frozen=True):
    """A stretch as it is drawn: `x` and `width` of WIDTH. `kind` is run, wait, idle or ahead; `begin` and `end` are its moments, no
    end where it goes on."""

    status: str
    kind: str
    x: str
    width: str
    begin: str
    end: str


class Entry(Struct, frozen=True):
    """A stretch as it is listed."""

    status: str
    title: str
    note: SafeString
    ahead: bool = False


class Timeline(Struct, frozen=True):
    """The drawing, its words, and the list under it; `hidden` says how many stretches are not listed."""

    bars: tuple[Bar, ...]
    label: str
    entries: tuple[Entry, ...]
    hidden: str = ""


def known_until(task: Task) -> float:
    """The newest moment the record itself speaks of: what is drawn does not change while the record does not."""
    if task.ended_at is not None:
        return max(task.ended_at, task.created_at)
    last = task.attempt
    if last is None or last.ended_at is not None:
        return max(task.waiting_since, task.created_at, last.ended_at or 0.0 if last else 0.0)
    heard = task.progress.at - last.began if task.progress else 0.0
    asked = task.cancel.since - last.began if task.cancel else 0.0
    return last.started_at + max(0.0, heard, asked)


def expected_end(task: Task) -> float | None:
    """When a running task will be done at its present pace, in whole steps, so that the guess does not tremble."""
    guess = states.ends_at(task) if task.status is Status.PROCESSING else None
    if guess is None:
        return None
    step = 1 if guess[1] < 60 else 5 if guess[1] < 600 else 60
    return float(round(guess[0] / step) * step)


def stretches(task: Task, until: float) -> tuple[Stretch, ...]:
    """Waits and attempts from the task's creation to `until`, without a hole. A clock that was set bends none below zero."""
    found: list[Stretch] = []
    at = task.created_at
    for attempt in task.attempts:
        begin = max(at, attempt.started_at)
        wait = Stretch(_wait_before(attempt, task), at, begin, unknown=_unknown(attempt, task))
        found += _between(found, wait, attempt.asked_at)
        end = max(begin, until) if attempt.seconds is None else begin + attempt.seconds
        status = task.status if attempt.seconds is None else OUTCOME_STATUS[attempt.outcome]
        found.append(Stretch(status, begin, end, attempt, attempt.seconds is None))
        at = end
    waits = task.status in WAITING
    if waits or not found or (task.status in TERMINAL and until - at > MOMENT):
        asked = task.waiting_since if 0 < task.attempt_number == task.attempts_before else None
        found += _between(found, Stretch(task.status, at, max(at, until), None, waits), asked)
    return tuple(found)


def timeline(task: Task, now: float) -> Timeline:
    """A task's timeline as it stands at `now`."""
    parts = stretches(task, known_until(task) if task.status in TERMINAL else now)
    ahead = expected_end(task)
    end = max(parts[-1].end, ahead or 0.0)
    bars = [_bar(part, part.kind, (parts[0].start, end)) for part in parts]
    entries = [_entry(part) for part in parts if part.seconds >= MOMENT or part.attempt or part.open]
    said = [_said(part) for part in parts[-LISTED:]]
    if ahead is not None:
        if ahead > parts[-1].end:
            bars.append(_bar(Stretch(Status.PROCESSING, parts[-1].end, ahead), "ahead", (parts[0].start, end)))
        entries.append(Entry(Status.PENDING, _("Ends"), _about(ahead), True))
        said.append(_("ends about %(when)s") % {"when": words.clock_time(ahead)})
    return Timeline(tuple(bars), "; ".join(said), tuple(entries[-LISTED:]), _hidden(len(entries) - LISTED))


def _between(before: list[Stretch], wait: Stretch, asked_at: float | None) -> list[Stretch]:
    """What was between two attempts: a wait, and before it nothing, where the next was asked for by somebody."""
    if asked_at is None or not before:
        return [wait]
    asked = min(max(wait.start, asked_at), wait.end)
    idle = Stretch(before[-1].status, wait.start, asked, idle=True)
    return [idle, replace(wait, start=asked)] if wait.open or asked < wait.end else [idle]


def _wait_before(attempt: Attempt, task: Task) -> Status:
    return Status.PENDING if attempt is task.attempts[0] or attempt.asked_at is not None else Status.RETRYING


def _unknown(attempt: Attempt, task: Task) -> bool:
    """Whether this attempt may have been asked for by somebody, and nobody knows when: earlier versions did not keep that."""
    asked = task.attempts_before + 1  # the newest that somebody asked for
    kept = any(one.asked_at is not None for one in task.attempts if one.number == asked)
    begun = task.attempt_number >= asked
    return 1 < attempt.number <= asked and attempt.asked_at is None and begun and not kept


def _bar(part: Stretch, kind: str, whole: tuple[float, float]) -> Bar:
    span = max(whole[1] - whole[0], 1e-9)
    left, right = (WIDTH * (at - whole[0]) / span for at in (part.start, part.end))
    width = max(LEAST, right - left - GAP)
    x = min(max(0.0, left), WIDTH - width)
    return Bar(part.status, kind, f"{x:.1f}", f"{width:.1f}", f"{part.start:.1f}", "" if part.open else f"{part.end:.1f}")


def _entry(part: Stretch) -> Entry:
    if part.open:
        note = format_html('{}<span class="with-script">, {}</span>', time_of_day(part.start), times.since(part.start))
    else:
        note = format_html("{}, {}", time_of_day(part.start), words.took(part.seconds))
    return Entry(part.status, _title(part), note)


def _title(part: Stretch) -> str:
    if part.attempt is None:
        return _waited(part)
    titles = {
        Status.COMPLETED: _("Attempt %(number)s"),
        Status.FAILED: _("Attempt %(number)s failed"),
        Status.CANCELLED: _("Attempt %(number)s cancelled"),
        Status.INTERRUPTED: _("Attempt %(number)s interrupted"),
        Status.CANCELLING: _("Attempt %(number)s stopping"),
        Status.PROCESSING: _("Attempt %(number)s"),
    }
    if part.attempt.outcome is OutcomeKind.TIMED_OUT:
        return _("Attempt %(number)s timed out") % {"number": part.attempt.number}
    return titles[part.status] % {"number": part.attempt.number}


def _waited(part: Stretch) -> str:
    if part.unknown:
        return _("Between two attempts")
    if part.idle:
        ended = {Status.CANCELLED: _("Cancelled, until it was retried"), Status.INTERRUPTED: _("Interrupted, until it was retried")}
        return ended.get(part.status, _("Failed, until it was retried"))
    if part.open:
        return {Status.SCHEDULED: _("Scheduled"), Status.RETRYING: _("Retrying")}.get(part.status, _("Waits"))
    return {Status.CANCELLED: _("Cancelled while it waited"), Status.INTERRUPTED: _("Interrupted while it waited")}.get(
        part.status, _("Waited")
    )


def _said(part: Stretch) -> str:
    if part.open:
        return _("%(what)s since %(when)s") % {"what": _title(part), "when": words.clock_time(part.start)}
    return _("%(what)s, %(length)s") % {"what": _title(part), "length": words.took(part.seconds)}


def _about(at: float) -> SafeString:
    return format_html(_("about {}"), time_of_day(at))


def _hidden(count: int) -> str:
    if count <= 0:
        return ""
    return ngettext("%(count)s earlier step is in the bar alone.", "%(count)s earlier steps are in the bar alone.", count) % {
        "count": words.count(count)
    }
