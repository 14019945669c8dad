"""The last runs of a schedule: bars, how many worked, and the last one with how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.schedule import Run, Schedule
from tasks_app.engine.schedules import DELETED, RUNS
from tasks_app.engine.task import Status
from tasks_app.presenters import times, words
from tasks_app.presenters.moments import full
from tasks_app.runtime import Runtime

STEP, BAR, HEIGHT = 20, 14, 100
LEAST, UNKNOWN = 12.0, 40.0  # heights: of the shortest run, and of one whose task is gone
_WORKED = Status.COMPLETED.value


class Bar(Struct, frozen=True):
    """One run: its place from the left, its height by how long it took."""

    status: str
    x: int
    y: str
    height: str


class Last(Struct, frozen=True):
    """A run with how it ended: `word`, and the task's path, empty where the task is gone."""

    status: str
    word: str
    due: SafeString
    at: str
    url: str


class Runs(Struct, frozen=True):
    """The drawing, the sentence under it, and each run, the newest first."""

    bars: tuple[Bar, ...] = ()
    width: int = 0
    label: str = ""
    worked: str = ""
    each: tuple[Last, ...] = ()

    @property
    def last(self) -> Last | None:
        """The newest."""
        return self.each[0] if self.each else None


def runs(now: Runtime, found: Schedule) -> Runs:
    """The last runs of a schedule, twelve at the most."""
    if not found.runs:
        return Runs()
    seconds = [_seconds(now, run) for run in found.runs]
    longest = max((one for one in seconds if one is not None), default=0.0)
    first = RUNS - len(found.runs)  # bars stand at the right, as wide as ever
    drawn = enumerate(zip(found.runs, seconds, strict=True), first)
    bars = tuple(_bar(place, _status(now, run), one, longest) for place, (run, one) in drawn)
    ended = [run for run in found.runs if run.status]
    worked = sum(run.status == _WORKED for run in ended)
    return Runs(
        bars=bars,
        width=RUNS * STEP - (STEP - BAR),
        label=_label(found.runs),
        worked=_("%(worked)s of %(all)s worked") % {"worked": worked, "all": len(ended)} if ended else "",
        each=tuple(_last(now, run, found.timezone) for run in reversed(found.runs)),
    )


def _label(found: Sequence[Run]) -> str:
    failed = sum(run.status == Status.FAILED.value for run in found)
    said = ngettext("The last run, %(failed)s failed", "The last %(count)s runs, %(failed)s failed", len(found))
    return said % {"count": words.count(len(found)), "failed": words.count(failed)}


def _bar(place: int, status: str, seconds: float | None, longest: float) -> Bar:
    height = UNKNOWN if seconds is None or not longest else max(LEAST, HEIGHT * seconds / longest)
    return Bar(status, place * STEP, f"{HEIGHT - height:.0f}", f"{height:.0f}")


def _seconds(now: Runtime, run: Run) -> float | None:
    """How long it took, once it has ended."""
    task = now.store.find(run.task)
    return None if task is None or task.ended_at is None else task.seconds_running(now.engine.clock.monotonic())


def _status(now: Runtime, run: Run) -> str:
    """As a glyph shows it: a task that is gone without an end counts as cancelled."""
    task = now.store.find(run.task)
    if run.status:
        return Status.CANCELLED.value if run.status == DELETED else run.status
    return task.status.value if task is not None else Status.CANCELLED.value


def _last(now: Runtime, run: Run, timezone: str) -> Last:
    task = now.store.find(run.task)
    status = _status(now, run)
    word = _("Deleted") if run.status == DELETED else str(words.STATUS_WORDS[Status(status)])
    at = full(run.due, timezone, now.engine.clock.time())
    return Last(status, word, times.past(run.due), at, reverse("web:task", args=[run.task]) if task else "")
