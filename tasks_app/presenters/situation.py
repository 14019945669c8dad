"""What a reader should know about a task's state, in a sentence or two: why it waits, that it is being stopped, by whom it was."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from tasks_app.engine.task import Cancel, Status, Task
from tasks_app.presenters import times, words
from tasks_app.presenters.clocks import time_of_day
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.waits import waits
from tasks_app.runtime import Runtime


def situation(runtime: Runtime, task: Task) -> SafeString:
    """Empty where there is nothing to say."""
    match task.status:
        case Status.PENDING:
            return _in_line(runtime, task)
        case Status.SCHEDULED:
            return _sentences(times.moment(task.scheduled_for or task.created_at, _("Starts {}.")))
        case Status.RETRYING:
            failed = _("Attempt %(number)s failed.") % {"number": task.attempt_number}
            return _sentences(failed, times.moment(task.scheduled_for or task.created_at, _("The next one begins {}.")))
        case Status.CANCELLING if task.cancel:
            return _sentences(*_stopping(runtime, task, task.cancel), *_asked(task.cancel))
        case Status.CANCELLED if task.cancel:
            return _sentences(*_stopped(task.cancel), *_asked(task.cancel))
        case Status.PROCESSING if task.foreign and not task.foreign.ours:
            return _sentences(_("It runs in another program: Force stop ends the process there, Delete only forgets it here."))
        case Status.INTERRUPTED if task.foreign:
            return _sentences(_("No worker says that it has this task, and how it ended was not heard."))
        case Status.INTERRUPTED:
            ran = _("The server stopped while this task ran.") if task.attempts else _("The server stopped while this task waited.")
            return _sentences(ran, _("Retry starts it again from the beginning."))
    return SafeString()


def _sentences(*parts: str) -> SafeString:
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


def _in_line(runtime: Runtime, task: Task) -> SafeString:
    found = waits(runtime, task)
    guess = "" if found.seconds is None else ", " + _about(found.seconds)
    return _sentences(f"{found.place}." if found.place else "", f"{found.reason}{guess}." if found.reason else "")


def _about(seconds: float) -> str:
    step = 1 if seconds < 10 else 5
    return (
        _("about %(time)s") % {"time": words.duration(max(1, round(seconds / step) * step))}
        if seconds < words.MINUTE
        else words.guess(seconds)
    )


def _stopping(runtime: Runtime, task: Task, cancel: Cancel) -> tuple[str, ...]:
    if cancel.forced:
        return (times.since(cancel.at, _("Being stopped by force, {}.")),)
    if not cancel.stuck:
        return (times.since(cancel.at, _("Stopping… {}.")),)
    grace = words.took(runtime.engine.limits.cancel_grace)
    refused = runtime.engine.executor.why_no_force(task)
    able = runtime.engine.executor.supports_force_stop
    way = _("Force stop ends it without its help.") if able else _("It cannot be stopped by force here.")
    way = translated(refused) if refused is not None else way
    return times.since(cancel.at, _("Stopping… {}.")), _("Its handler did not stop within %(grace)s.") % {"grace": grace}, way


def _stopped(cancel: Cancel) -> tuple[str, ...]:
    how = _("Stopped by force.") if cancel.forced else _("Cancelled.")
    return how, _("Its code could not be stopped and may still be running.") if cancel.abandoned else ""


def _asked(cancel: Cancel) -> tuple[SafeString, ...]:
    at = time_of_day(cancel.at)
    asked = (
        format_html(_("Asked by {} at {}."), format_html("<bdi>{}</bdi>", cancel.by), at)
        if cancel.by
        else format_html(_("Asked at {}."), at)
    )
    return (asked, format_html(_("Reason: “{}”"), format_html("<bdi>{}</bdi>", translated(cancel.reason)))) if cancel.reason else (asked,)
