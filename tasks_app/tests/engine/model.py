"""What tasks must be, told from their changes alone, and what a later process must find of them."""

from __future__ import annotations

from msgspec.structs import replace

from tasks_app.engine.events import Change, Return
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, TERMINAL, TRANSITIONS, Status, Task
from tasks_app.tests.engine.naive import everything

S = Status


class Model:
    """What a task must be, told from its changes alone."""

    def __init__(self, max_running: int) -> None:
        self.max_running = max_running
        self.held: dict[int, Task] = {}
        self.version = 0
        self.retries = 0  # explicit ones that were heard of
        self.limits: dict[str, int | None] = {"scripted": 2, "other": None}
        self.paused: set[str] = set()

    def hear(self, changes: list[Change]) -> None:
        for change in changes:
            assert change.version == self.version + 1, "versions rise by one"
            self.version = change.version
            if isinstance(change, Return):
                self._returned(change)
                continue
            assert change.before == self.held.get(change.task.number)
            if change.after is None:
                del self.held[change.task.number]
            else:
                self._moved(change.before, change.after)
                self.held[change.after.number] = change.after
                if change.before is not None and (change.before.status, change.after.status) == (S.PENDING, S.PROCESSING):
                    self._may_start(change.after.type)
        changes.clear()

    def _returned(self, change: Change) -> None:
        assert change.before is not None
        assert change.after is not None
        assert change.task.number not in self.held
        assert change.after == replace(change.before, version=change.version), "it comes back as it left"
        self.held[change.task.number] = change.after

    def _may_start(self, type: str) -> None:
        assert type not in self.paused
        running = [task for task in self.held.values() if task.status in RUNNING and not (task.cancel and task.cancel.stuck)]
        assert len(running) <= self.max_running
        limit = self.limits[type]
        assert limit is None or sum(task.type == type for task in running) <= limit

    def _moved(self, before: Task | None, after: Task) -> None:
        if before is None:
            assert after.status in (S.PENDING, S.SCHEDULED)
            return
        assert (before.id, before.number, before.type, before.params, before.created_at) == (
            *(after.id, after.number, after.type, after.params, after.created_at),
        )
        if before.status is not after.status:
            assert after.status in TRANSITIONS[before.status]
            self.retries += before.status in TERMINAL
        assert len(after.attempts) >= len(before.attempts)

    def begin_anew(self, store: Store) -> None:
        """Another process has taken over: this is where it begins."""
        self.held = {task.number: task for task in everything(store)}
        self.version = store.version
        self.retries = 0


def after_a_crash(acknowledged: dict[int, Task], kept: int) -> dict[int, set[Status]]:
    """In which statuses the next process must find each task: all that was acknowledged, but for those that ended before `kept` others."""
    ended = sorted(
        (task for task in acknowledged.values() if task.status in TERMINAL), key=lambda task: (task.ended_at or 0.0, task.number)
    )
    gone = {task.number for task in ended[: max(0, len(ended) - kept)]}
    return {number: _found(task) for number, task in acknowledged.items() if number not in gone}


def _found(task: Task) -> set[Status]:
    if task.status not in RUNNING:
        return {task.status}
    again = task.type == "other" and task.status is S.PROCESSING and task.attempt_number < task.attempts_allowed
    return {S.RETRYING} if again else {S.INTERRUPTED}
