"""One card for each attempt, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.task import TERMINAL, Attempt, OutcomeKind, Status, TaskError
from tasks_app.presenters import times, words
from tasks_app.presenters.timeline import OUTCOME_STATUS


class Card(Struct, frozen=True):
    """An attempt: how it ended, how long it took, its error. `open` for the newest; its traceback may stand elsewhere already."""

    number: int
    status: str
    length: str | SafeString
    said: str
    error: TaskError | None
    traceback: str
    open: bool


def cards(attempts: Sequence[Attempt], status: Status) -> tuple[Card, ...]:
    """The cards of a task's attempts; `status` is the task's."""
    return tuple(_card(attempt, status, attempt is attempts[-1]) for attempt in reversed(attempts))


def _card(attempt: Attempt, status: Status, newest: bool) -> Card:
    ended = attempt.seconds is not None
    shown = OUTCOME_STATUS[attempt.outcome] if ended else status
    length = times.since(attempt.started_at) if attempt.seconds is None else words.took(attempt.seconds)
    traceback = attempt.error.traceback if attempt.error and not (newest and status in TERMINAL) else ""
    return Card(attempt.number, shown.value, length, _said(attempt), attempt.error, traceback, newest)


def _said(attempt: Attempt) -> str:
    return {
        None: _("Running"),
        OutcomeKind.COMPLETED: _("Completed"),
        OutcomeKind.FAILED: _("Failed"),
        OutcomeKind.TIMED_OUT: _("Ran out of time"),
        OutcomeKind.CANCELLED: _("Cancelled"),
        OutcomeKind.INTERRUPTED: _("Interrupted: the server stopped"),
    }[attempt.outcome]
