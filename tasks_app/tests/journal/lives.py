"""A few tasks' lives, change by change, and what a journal's files hold of them at any moment."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tasks_app.engine.store import Store
from tasks_app.engine.task import Outcome, OutcomeKind, Task, cancel_requested, finished, retried, retry_planned, started
from tasks_app.journal.file import JournalFile
from tasks_app.tests.engine.records import FAILED, a_task

Snapshot = dict[int, Task]


def steps(store: Store) -> list[Callable[[], object]]:
    """Every kind of change, one call each."""
    done = Outcome(kind=OutcomeKind.COMPLETED, result=b'"' + b"x" * 3000 + b'"')

    def update(number: int, change: Callable[[Task], Task]) -> Callable[[], object]:
        return partial(store.update, number, change)

    found: list[Callable[[], object]] = [lambda: store.add([a_task(store.next_number(), params=b'"' + b"p" * 2000 + b'"')])] * 3
    found.append(lambda: store.add([a_task(store.next_number()) for _ in range(4)]))
    found.append(update(1, lambda task: started(task, at=60.0, monotonic=1.0)))
    found.append(update(2, lambda task: cancel_requested(task, by="a", reason="b", at=61.0, monotonic=1.0)))
    found.append(update(1, lambda task: retry_planned(task, FAILED, monotonic=2.0, due_at=63.0)))
    found.append(update(2, lambda task: retried(task, at=62.0)))
    found.append(update(2, lambda task: started(task, at=63.0, monotonic=3.0)))
    found.append(update(2, lambda task: finished(task, done, monotonic=4.0)))
    return [*found, partial(store.delete, 3), partial(store.delete, 2)]


def snapshot(store: Store) -> Snapshot:
    """All tasks by number."""
    return {task.number: task for task in store.many(range(100))}


def kept(path: Path) -> Snapshot:
    """What the next process finds."""
    file = JournalFile(path)
    try:
        return {task.number: task for task in file.load()[0].tasks}
    finally:
        file.close()


def files_of(path: Path) -> Iterator[Path]:
    """A journal's files, without its lock, which the next process takes anew."""
    return (file for file in path.parent.glob(f"{path.name}*") if file.is_file() and file.suffix != ".lock")


def after_a_crash(path: Path, folder: Path) -> Snapshot:
    """What a process finds that starts on the files as they are now."""
    folder.mkdir()
    for file in files_of(path):
        shutil.copy(file, folder)
    return kept(folder / path.name)
