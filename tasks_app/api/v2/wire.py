"""What a task looks like in JSON, as it is now."""

from __future__ import annotations

import re

from tasks_app import task_json as shapes
from tasks_app.engine.task import WAITING, Task
from tasks_app.runtime import Runtime
from tasks_app.task_json import Moment as Moment
from tasks_app.task_json import TaskJSON as TaskJSON
from tasks_app.task_json import moment as moment

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether this could be a task's id: a UUID in lower case."""
    return _ID.fullmatch(text) is not None


def task_json(task: Task, runtime: Runtime) -> TaskJSON:
    """A task as it is now."""
    waiting = runtime.engine.waiting(task) if task.status in WAITING else None
    return shapes.task_json(task, monotonic=runtime.engine.clock.monotonic(), waiting=waiting)
