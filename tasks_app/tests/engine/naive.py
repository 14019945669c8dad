"""The same answers as the store's, by looking at everything: slow, plain, and right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tasks_app.engine.events import Change
from tasks_app.engine.query import Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import LATER, TERMINAL, WAITING, Status, Task


def everything(store: Store) -> list[Task]:
    """All tasks, oldest first."""
    return sorted(store._tasks.values(), key=lambda task: task.number)


def page_naively(store: Store, query: Query, limit: int) -> tuple[list[Task], bool]:
    """A page, and whether more follows."""
    found = [task for task in everything(store) if query.matches(task)]
    if query.newest_first:
        found = [task for task in reversed(found) if query.cursor is None or task.number < query.cursor]
    else:
        found = [task for task in found if query.cursor is None or task.number > query.cursor]
    return found[:limit], len(found) > limit


def position(store: Store, task: Task) -> int:
    """A pending task's place in line."""
    line = [other for other in everything(store) if other.type == task.type and other.status is Status.PENDING]
    return 1 + sorted(line, key=lambda other: (-other.priority, other.number)).index(task)


def replayed(changes: Iterable[Change]) -> dict[int, Task]:
    """What a subscriber who applied every change holds."""
    held: dict[int, Task] = {}
    for change in changes:
        assert change.before == held.get(change.task.number)
        if change.after is None:
            del held[change.task.number]
        else:
            held[change.after.number] = change.after
    return held


def assert_indexes_are_right(store: Store) -> None:
    """All counters and indexes say what a recount says."""
    tasks = everything(store)
    indexes = store._indexes
    assert store.counts == {status: sum(task.status is status for task in tasks) for status in Status}
    assert len(store) == len(tasks) == len(store._numbers)
    assert all(store._numbers[task.id] == task.number for task in tasks)
    by_type = {(name, status): n for name, counts in store.type_counts.items() for status, n in counts.items() if n}
    assert by_type == Counter((task.type, task.status) for task in tasks)
    assert list(indexes.all) == [task.number for task in tasks]
    for status in Status:
        assert list(indexes.statuses[status]) == [task.number for task in tasks if task.status is status]
    assert {name: list(numbers) for name, numbers in indexes.types.items()} == _grouped((task.type, task) for task in tasks)
    assert {name: list(numbers) for name, numbers in indexes.tags.items()} == _grouped((tag, task) for task in tasks for tag in task.tags)
    assert {name: list(numbers) for name, numbers in indexes.people.items()} == _grouped((task.by, task) for task in tasks if task.by)
    assert list(indexes.elsewhere) == [task.number for task in tasks if task.foreign is not None]
    assert indexes.doors == Counter(task.via for task in tasks)
    ours = [task for task in tasks if task.foreign is None]
    assert list(indexes.due) == sorted((task.scheduled_for or 0.0, task.number) for task in ours if task.status in LATER)
    assert len(store._ended) == sum(task.status in TERMINAL for task in ours)
    assert len(store._ended) + len(store._ended_elsewhere) == sum(task.status in TERMINAL for task in tasks)
    assert indexes.waiting_of == Counter(task.by for task in ours if task.by and task.status in WAITING)
    for name, line in indexes.lines.items():
        assert len(line) == sum(task.type == name and task.status is Status.PENDING for task in ours)
    for task in ours:
        if task.status is Status.PENDING:
            assert store.position(task) == position(store, task)


def _grouped(pairs: Iterable[tuple[str, Task]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for name, task in pairs:
        found.setdefault(name, []).append(task.number)
    return found
