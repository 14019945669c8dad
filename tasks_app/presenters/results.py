"""A result in two short lines: as its type says it, or its JSON."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from msgspec import DecodeError
from msgspec.json import decode

from tasks_app.engine.task import Task
from tasks_app.presenters.sentences import translated
from tasks_app.runtime import Runtime

SHORT = 200  # bytes of JSON shown as they are


def headline(runtime: Runtime, task: Task) -> tuple[str, str]:
    """Two lines for a completed task."""
    task_type = runtime.registry.find(task.type)
    if task.result is None:
        return _("Done"), ""
    if task_type is not None and task_type.headline is not None:
        try:
            first, second = task_type.headline(decode(task.result))
            return translated(first), translated(second)
        except Exception:  # the type's own code met a result it did not expect: show the result itself
            return _plain(task.result), ""
    return _plain(task.result), ""


def _plain(result: bytes) -> str:
    if len(result) <= SHORT:
        try:
            value: Any = decode(result)
        except DecodeError:
            value = None
        if value is None or value in ({}, []):
            return _("Done")
        return _("Result %(value)s") % {"value": value if isinstance(value, str) else result.decode()}
    return _("Result %(value)s") % {"value": result[:SHORT].decode(errors="ignore")}
