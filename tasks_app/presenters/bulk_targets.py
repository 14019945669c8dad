"""What a bulk action was for, as the list of tasks shows it: its filter, or the tasks that were chosen one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from tasks_app.engine import bulk, bulk_undo
from tasks_app.engine.bulk import BulkParams
from tasks_app.engine.grammar import MAX_TEXT
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.presenters.filters import linked


def which(task: Task) -> list[tuple[str, str]]:
    """The filter of an action, as names and values; none where tasks were named one by one."""
    if task.type == bulk_undo.NAME:
        return []
    chosen = BulkParams.model_validate_json(task.params).filter
    if chosen is None:
        return []
    found = [(name, value) for name in ("status", "type", "tag") for value in getattr(chosen, name)]
    return found + ([("q", chosen.q)] if chosen.q else [])


def where(store: Store, task: Task) -> str:
    """The list of what matches its filter now, or of the tasks that were chosen, as far as they are there; empty where there is none, or
    they are too many to be named in an address."""
    if task.type != bulk.NAME:
        return ""
    params = BulkParams.model_validate_json(task.params)
    if params.ids is None:
        return linked(which(task))
    numbers = sorted({found.number for task_id in params.ids if (found := store.find(task_id)) is not None})
    term = f"number:{','.join(_ranges(numbers))}"
    return linked([("q", term)]) if numbers and len(term) <= MAX_TEXT else ""


def _ranges(numbers: Sequence[int]) -> Iterator[str]:
    """`5`, `7..9`: what follows one another in one piece."""
    for _key, group in groupby(enumerate(numbers), lambda one: one[1] - one[0]):
        run = [number for _place, number in group]
        yield f"{run[0]}..{run[-1]}" if len(run) > 1 else str(run[0])
