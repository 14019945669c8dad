"""Start now: a task that waits for a time does not wait any longer."""

from __future__ import annotations

from tasks_app.engine.abroad import refuse_foreign
from tasks_app.engine.engine import Engine
from tasks_app.engine.task import Task, due


def start_now(engine: Engine, task_id: str) -> Task:
    """Let a scheduled task, or one between two attempts, wait for a slot at once; it begins within a tick. Raises NotFound, and
    IllegalTransition for one that waits for no time."""
    number = refuse_foreign(engine.store.get(task_id)).number
    at = engine.clock.time()
    return engine.store.update(number, lambda task: due(task, at=at)) or engine.store.get(task_id)
