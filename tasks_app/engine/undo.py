"""Deleting, and undoing it: a task is gone at once, and for ten seconds it can come back as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tasks_app.engine.context import Stop
from tasks_app.engine.deleted import SECONDS
from tasks_app.engine.errors import Conflict, NotFound
from tasks_app.engine.ports import Clock
from tasks_app.engine.sentences import say
from tasks_app.engine.store import Store
from tasks_app.engine.task import RUNNING, WAITING, OutcomeKind, Status, Task, cancel_requested

DELETED = "Deleted"  # the reason of the cancel of what ran when it was deleted


class Undo:
    """Deletes and brings back. `stop` asks an attempt of a task to stop, `admit` lets so many tasks of a person wait or raises, `back` is
    called when a task has come back, `room` gives a sentence when there is no memory left."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        stop: Callable[[int, int, Stop], object],
        admit: Callable[[int, str], object],
        back: Callable[[], object],
        room: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._stop = stop
        self._admit = admit
        self._back = back
        self._room = room

    def delete(self, task_id: str, *, by: str, batch: str) -> Task:
        """Remove a task; one that runs is stopped, and will have been cancelled by the delete should it come back. Its last record. Raises
        NotFound."""
        number = self._store.get(task_id).number
        kept = partial(_left, by=by, at=self._clock.time(), monotonic=self._clock.monotonic())
        task = self._store.delete(number, kept=kept, batch=batch)
        if task is None:
            raise NotFound  # somebody was faster
        if task.status in RUNNING and task.foreign is None:
            self._stop(number, task.attempt_number, Stop(OutcomeKind.CANCELLED, DELETED))
        return task

    def restore(self, task_id: str) -> Task:
        """Put a task back that was deleted a moment ago. Raises Conflict when it is not deleted, NotFound when it is too late or there was
        no such task, and what `admit` raises when its place was taken meanwhile."""
        if self._store.find(task_id) is not None:
            raise Conflict(say("This task is not deleted, or is back already."))
        try:
            task = self._store.bring_back(task_id, admit=self._place)
        except NotFound:
            if self._store.find(task_id) is not None:  # somebody was faster
                raise Conflict(say("This task is not deleted, or is back already.")) from None
            raise NotFound(
                say("It is too late to bring this task back: that can be done for {seconds:g} seconds after a delete.", seconds=SECONDS)
            ) from None
        self._back()
        return task

    def make_room(self) -> None:
        """Keep nothing that was deleted while there is no memory for what is there."""
        if len(self._store.deleted) and self._room():
            self._store.deleted.clear()

    def _place(self, task: Task) -> None:
        """One that waited needs a place again, and others may have taken it; one that has ended is kept in any case."""
        self._admit(int(task.status in WAITING and task.foreign is None), task.by)


def _left(task: Task, *, by: str, at: float, monotonic: float) -> Task:
    """What comes back of a task that is deleted now."""
    if task.status is not Status.PROCESSING or task.foreign is not None:  # what runs elsewhere goes on
        return task
    return cancel_requested(task, by=by, reason=DELETED, at=at, monotonic=monotonic)
