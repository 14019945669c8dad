"""Who a task is: its type, its name, its params in a line."""

from __future__ import annotations

from django.utils.translation import gettext as _
from msgspec import Struct, json

from tasks_app.engine.task import Status, Task
from tasks_app.presenters.origins import mark
from tasks_app.presenters.sentences import translated
from tasks_app.runtime import Runtime

MAX_SUMMARY = 100
DOT = " · "
UNTROUBLED = frozenset({Status.PROCESSING, Status.COMPLETED})  # of these a first attempt is nothing to speak of


class Label(Struct, frozen=True):
    """Two lines: `type`, `name` and `attempt` (empty where there is nothing to say of it), then `summary`."""

    type: str
    name: str
    attempt: str
    summary: str


def label(runtime: Runtime, task: Task) -> Label:
    """A task's label."""
    parts = [summary(runtime, task)]
    if task.priority:
        parts.append(_("priority %(number)s") % {"number": task.priority})
    parts.extend(f"#{tag}" for tag in task.tags)
    parts.append(mark(task))
    return Label(task.type, task.name, attempt(task), DOT.join(part for part in parts if part))


def summary(runtime: Runtime, task: Task) -> str:
    """What a task does, in at most about 100 characters: as its type says it, or the params as they are."""
    task_type = runtime.registry.find(task.type)
    try:
        said = _arguments(task) if _is_plain(task) else translated(task_type.summary(task)) if task_type else task.params.decode()
    except Exception:  # the type's own code, or params of an older version of it: the row is shown all the same
        said = task.params.decode()
    return cut(said, MAX_SUMMARY)


def _is_plain(task: Task) -> bool:
    return task.foreign is not None and not task.foreign.ours


def _arguments(task: Task) -> str:
    """The arguments of a task of a plain Celery app, as they were written there."""
    given = json.decode(task.params)
    return " ".join(str(given[name]) for name in ("args", "kwargs") if name in given) if isinstance(given, dict) else ""


def attempt(task: Task) -> str:
    """`attempt 2 of 3`; empty where only one is allowed, and while the first has not gone wrong."""
    if _is_plain(task):
        return attempt_of(task.attempt_number, task) if task.attempt_number > 1 else ""
    if not task.attempt_number or task.attempts_allowed < 2:
        return ""
    if task.attempt_number == 1 and task.status in UNTROUBLED:
        return ""
    return attempt_of(task.attempt_number, task)


def attempt_of(number: int, task: Task) -> str:
    """The same for another attempt; how many there may be is not known of tasks that run elsewhere."""
    if _is_plain(task):
        return _("attempt %(number)s") % {"number": number}
    return _("attempt %(number)s of %(all)s") % {"number": number, "all": task.attempts_allowed}


def cut(text: str, length: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else line[: length - 1] + "…"


def title(task: Task) -> str:
    """What a task is called in a sentence: its type, and its name where it has one."""
    return f"{task.type} {task.name}".strip()
