"""The page of one task, and its log as a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tasks_app import runtime
from tasks_app.engine.task import Task
from tasks_app.engine.trail import LogLine, Trail
from tasks_app.presenters import bulk, details, facts, labels, words
from tasks_app.runtime import Runtime
from tasks_app.web import shell


@require_safe
async def task_page(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """A task with all there is to know of it."""
    now = runtime.get()
    task = now.store.find(str(task_id))
    if task is None:
        return _missing(request)
    [task] = now.engine.reports.fresh([task])
    if task.type in bulk.KINDS:  # it has a page of its own
        return shell.see_other(reverse("web:bulk-page", args=[task.id]))
    return shell.page(request, "task/task.html", _shown(now, task), place="tasks", live=f"/live/tasks/{task.id}")


@require_safe
async def log_file(request: HttpRequest, task_id: UUID) -> HttpResponse:
    """What is kept of a task's log, as plain text."""
    now = runtime.get()
    task = now.store.find(str(task_id))
    if task is None:
        return _missing(request)
    answer = HttpResponse(_text(now.store.find_trail(task.number)), content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="task-{task.number}-log.txt"'
    return answer


@require_safe
async def no_such_task(request: HttpRequest, anything: str) -> HttpResponse:
    """An id that cannot be one."""
    return _missing(request)


def _missing(request: HttpRequest) -> HttpResponse:
    return shell.page(request, "task/missing.html", {}, place="tasks", status=404)


def _shown(now: Runtime, task: Task) -> dict[str, Any]:
    at = now.engine.clock.time()
    trail = now.store.find_trail(task.number)
    word = words.STATUS_WORDS[task.status]
    return {
        "task": task,
        "title": _("%(status)s: %(task)s") % {"status": word, "task": labels.title(task)},
        "summary": labels.summary(now, task),
        "part": {name: mark_safe(html) for name, html in details.detail_slots(now, task, at).items()},  # noqa: S308
        "log": mark_safe(details.log_lines(trail.lines() if trail else ())),  # noqa: S308 - made by templates that escape
        "params": facts.shown(task.params),
        "facts": facts.particulars(now, task),
    }


def _text(trail: Trail | None) -> str:
    if trail is None:
        return ""
    lines = trail.lines()
    left_out = lines[0].seq - 1 if lines else 0
    head = [f"(the first {left_out:,} lines are no longer kept)"] if left_out else []
    return "".join(f"{line}\n" for line in [*head, *_written(lines)])


def _written(lines: Iterable[LogLine]) -> Iterable[str]:
    return (f"{words.stamp(line.at)}  attempt {line.attempt}  {line.seconds:10.3f} s  {line.level:7}  {line.text}" for line in lines)
