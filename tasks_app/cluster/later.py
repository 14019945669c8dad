"""Tasks of others whose time came without a word: past its ETA one waits for a worker, past its expiry none will begin with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tasks_app.cluster.texts import moment_of
from tasks_app.engine.events import Change
from tasks_app.engine.ports import Clock
from tasks_app.engine.sentences import kept
from tasks_app.engine.sightings import Rank, Sighting
from tasks_app.engine.store import Store
from tasks_app.engine.task import LATER, WAITING, Outcome, OutcomeKind, Task

SETTLING = 5.0  # seconds after an ETA in which the word on its start should have come
UNHEARD = 90.0  # seconds after an expiry: by then whoever holds such a task has been asked, and has said so
AHEAD = 2.0  # seconds that clocks may differ: a start is to be newer than the word that it is due
_EXPIRED = kept("It expired, and no worker was heard to begin it before.")


class Later:
    """`see` takes the words that are made here. `holds` and `look` are called by one thread."""

    def __init__(self, store: Store, clock: Clock, see: Callable[[Sighting], object]) -> None:
        self._store = store
        self._clock = clock
        self._see = see
        self._waits: dict[str, float] = {}  # task id -> when to look at it, seconds since 1970
        self._held: dict[str, float] = {}  # its name there -> when a worker said last that it holds it
        store.listen(self._hear)

    def holds(self, names: Iterable[str]) -> None:
        """A worker says that it holds these: it will say what becomes of them."""
        self._held.update(dict.fromkeys(names, self._clock.time()))

    def look(self) -> None:
        """Say of each whose time came what that makes of it."""
        now = self._clock.time()
        self._held = {name: at for name, at in self._held.items() if now - at < UNHEARD}
        for task_id in [task_id for task_id, moment in list(self._waits.items()) if moment + SETTLING < now]:
            task = self._store.find(task_id)
            seen = self._seen(task, now) if task is not None else None
            if seen is not None:
                self._see(seen)

    def _seen(self, task: Task, now: float) -> Sighting | None:
        foreign = task.foreign
        assert foreign is not None
        expires, due = moment_of(foreign.expires), task.scheduled_for
        if expires is not None and expires + UNHEARD < now and foreign.id not in self._held:
            ended = Outcome(kind=OutcomeKind.CANCELLED)
            return Sighting(id=foreign.id, rank=Rank.ENDED, at=max(now, foreign.at), outcome=ended, reason=str(_EXPIRED()))
        if task.status in LATER and due is not None and due + SETTLING < now:
            return Sighting(id=foreign.id, rank=Rank.LAUNCHED, at=max(foreign.at + 0.001, due - AHEAD))
        return None

    def _hear(self, changes: Sequence[Change]) -> None:
        """Under the store's lock."""
        for change in changes:
            moment = _moment(change.after)
            if moment is not None:
                self._waits[change.task.id] = moment
            elif change.task.foreign is not None:
                self._waits.pop(change.task.id, None)


def _moment(task: Task | None) -> float | None:
    """When to look at a task first; None for one that has no such time."""
    if task is None or task.foreign is None or task.foreign.ours or task.status not in WAITING:
        return None
    moments = (moment_of(task.foreign.expires), task.scheduled_for if task.status in LATER else None)
    return min((moment for moment in moments if moment is not None), default=None)
