"""Bounds that nothing sets, each with a sentence on what it bounds."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from msgspec import Struct

from tasks_app.auth.sessions import IDLE_SECONDS, LONGEST_SECONDS, MOST_OF_ONE
from tasks_app.engine import deleted
from tasks_app.engine.context import MAX_MESSAGE
from tasks_app.engine.idempotency import MAX_KEYS
from tasks_app.engine.registry import MAX_ATTEMPTS
from tasks_app.engine.run import MAX_DEPTH, MAX_RESULT
from tasks_app.engine.runner import STUCK_CAP
from tasks_app.engine.trail import MAX_LINE_LENGTH, MAX_LINES, MAX_POINTS, MAX_SERIES
from tasks_app.handlers import _lookups
from tasks_app.presenters.settings_words import BYTES, COUNT, SECONDS


class Bound(Struct, frozen=True):
    """A bound that nothing sets."""

    name: str
    sentence: str | Promise
    most: float
    unit: str = COUNT


FIXED = (
    Bound("stuck_handlers", _("Handlers that do not stop when asked. So many, and the server says it is not ready."), STUCK_CAP),
    Bound("result", _("The JSON of a result. A task that returns a longer one fails."), MAX_RESULT, BYTES),
    Bound("result_depth", _("Lists and objects within one another, in a result or a body."), MAX_DEPTH),
    Bound("log_lines", _("Lines of a task's log that are kept; older ones are counted."), MAX_LINES),
    Bound("log_line", _("Characters of a log line."), MAX_LINE_LENGTH),
    Bound("progress_message", _("Characters of a step's text."), MAX_MESSAGE),
    Bound("series", _("Curves of one task."), MAX_SERIES),
    Bound("series_points", _("Points of a curve; more are thinned out."), MAX_POINTS),
    Bound("attempts", _("Attempts of a task."), MAX_ATTEMPTS),
    Bound("idempotency_keys", _("Keys that are remembered, so that a launch sent twice is one task."), MAX_KEYS),
    Bound("deleted", _("Tasks that were deleted and can come back; those deleted first are gone for good."), deleted.MOST),
    Bound("deleted_bytes", _("Memory that they hold."), deleted.MOST_BYTES, BYTES),
    Bound("deleted_seconds", _("How long a delete can be undone."), deleted.SECONDS, SECONDS),
    Bound("lookups", _("Names that are looked up at once."), _lookups.AT_ONCE),
    Bound("lookups_of_one", _("Of them for one person, where people log in; the rest is for others."), _lookups.OF_A_PERSON),
    Bound("lookup", _("How long a lookup may take."), _lookups.SECONDS, SECONDS),
    Bound("session_idle", _("A session ends when nothing was clicked for so long."), IDLE_SECONDS, SECONDS),
    Bound("session", _("A session ends at the latest after so long."), LONGEST_SECONDS, SECONDS),
    Bound("sessions_of_one", _("Sessions of one person; the oldest ends when one more begins."), MOST_OF_ONE),
)
