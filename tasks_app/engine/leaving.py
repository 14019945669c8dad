"""What becomes of tasks that wait when the process ends and nothing keeps them."""

from __future__ import annotations

import asyncio
from functools import partial

from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import WAITING, Task, interrupted

SLICE = 500  # tasks between two turns of the loop


async def interrupt_waiting(store: Store, at: float) -> None:
    """All of them are interrupted at that moment (seconds since 1970), but for those that run elsewhere."""
    numbers = store.numbers(Query(statuses=WAITING))
    for part in (numbers[i : i + SLICE] for i in range(0, len(numbers), SLICE)):
        store.update_many((number, partial(_interrupted, at=at)) for number in part)
        await asyncio.sleep(0)


def _interrupted(task: Task, *, at: float) -> Task | None:
    return interrupted(task, at=at) if task.status in WAITING and task.foreign is None else None
