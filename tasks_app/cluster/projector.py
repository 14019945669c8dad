"""Brings what is heard of tasks that run elsewhere into the store, many words at a time, as records like any other."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from threading import Lock
from typing import Any

from tasks_app.cluster import ours
from tasks_app.cluster.texts import task_id_of
from tasks_app.cluster.words import sighting_of
from tasks_app.engine.events import Change, Return
from tasks_app.engine.ports import Clock
from tasks_app.engine.sightings import Sighting, first_seen, followed
from tasks_app.engine.store import Store
from tasks_app.engine.task import ACTIVE, RUNNING, Task, progressed
from tasks_app.executors import wire

VIA = "celery"
MOST_ACTIVE = 100_000  # tasks of others that have not ended; past that, new ones are not taken in
MOST_TYPES = 1_000  # names of their types; past that they go under one
OTHER_TYPE = "celery.other"
MOST_UNNAMED, MOST_WORDS = 10_000, 8  # tasks of which nobody has said the type yet, and words on each that are kept
MOST_GONE = 50_000  # tasks that were deleted here, or were too old: what is still heard of them is passed over
SLICE = 100  # records changed while the store is held
MOST_TOLD = 200_000  # words that wait; past that the oldest are dropped, and counted
Said = Sighting | tuple[str, int, Any]  # a word on its state; or (task, attempt, word) on what it does


class Projector:
    """`take` and `see` may be called from any thread and are quick; `flush` writes what was told meanwhile. `own` says whether a server's
    name is this process's."""

    def __init__(self, store: Store, clock: Clock, own: Callable[[str], bool] = lambda origin: False) -> None:
        self._store = store
        self._clock = clock
        self._own = own
        self._flushing = Lock()
        self._told: deque[tuple[str, Said]] = deque()
        self._unnamed: OrderedDict[str, list[Said]] = OrderedDict()
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._types: set[str] = set()
        self._active = 0
        self.dropped = 0  # words that came faster than they could be written
        self.left_out = 0  # tasks past MOST_ACTIVE
        self.written = 0  # words that were
        store.listen(self._hear)

    # -- what is told

    def take(self, event: Mapping[str, Any], at: float) -> None:
        """An event on a task, by our clock at `at` (seconds since 1970)."""
        name = event.get("uuid")
        if not isinstance(name, str) or not name:
            return
        call = ours.call_of(name)
        if call is not None:
            self._take_ours(call, event, at)
            return
        seen = sighting_of(event, at)
        if seen is not None:
            self.see(seen)

    def see(self, seen: Sighting) -> None:
        """A word on a task's state, however it was come by."""
        call = ours.call_of(seen.id)
        self._put(call[0] if call else task_id_of(seen.id), seen)

    def _take_ours(self, call: tuple[str, int], event: Mapping[str, Any], at: float) -> None:
        task_id, attempt = call
        word = wire.read_event(dict(event))
        if word is None:
            seen = ours.of_celery(event, attempt, at)
        elif isinstance(word, wire.Launched):
            is_it = (word.record.task_id, word.record.attempt) == call and not self._own(word.record.origin)
            seen = ours.of_record(word.record, at) if is_it else None
        else:
            seen = ours.of_word(word, attempt, event, at)
        if seen is not None:
            self._put(task_id, seen)
        elif isinstance(word, wire.Progressed | wire.Logged | wire.Measured):
            self._put(task_id, (task_id, attempt, word))

    def _put(self, task_id: str, said: Said) -> None:
        if len(self._told) >= MOST_TOLD:
            self.dropped += 1
            self._told.popleft()
        self._told.append((task_id, said))

    @property
    def waiting(self) -> int:
        """How many words are not written yet."""
        return len(self._told)

    # -- writing

    def flush(self, most: int = 20_000) -> int:
        """Write the oldest words that wait, at most so many; how many."""
        with self._flushing:
            words = [self._told.popleft() for _ in range(min(most, len(self._told)))]
            by_task: dict[str, list[Said]] = {}
            for task_id, said in words:
                by_task.setdefault(task_id, []).append(said)
            names = iter(by_task)
            while part := list(islice(names, SLICE)):
                self._write({name: by_task[name] for name in part})
            self.written += len(words)
            return len(words)

    def _write(self, by_task: Mapping[str, list[Said]]) -> None:
        known: list[tuple[int, Callable[[Task], Task | None]]] = []
        new: list[Task] = []
        for task_id, words in by_task.items():
            task = self._store.find(task_id)
            if task is None:
                new += self._new(task_id, words)
            elif task.foreign is not None:
                known.append((task.number, partial(self._folded, words)))
        if known:
            self._store.update_many(known)
        if new:
            self._store.add(new)
        for task_id, words in by_task.items():
            self._leave_trail(task_id, words)

    def _new(self, task_id: str, words: list[Said]) -> Iterable[Task]:
        """The record of a task that was not known; none while nobody has said its type, or there is no room."""
        if task_id in self._gone:
            return
        words = self._unnamed.pop(task_id, []) + words
        named = next((said for said in words if isinstance(said, Sighting) and said.type), None)
        if named is None or (ours.call_of(named.id) is not None and "ours" not in named.facts):
            self._keep_unnamed(task_id, words)
            return
        if self._active >= MOST_ACTIVE:
            self.left_out += 1
            return
        known = self._with_room(named)
        task = first_seen(known, task_id=task_id, number=self._store.next_number(), via=VIA, clock=self._clock)
        yield self._folded([known, *words], task) or task

    def _with_room(self, named: Sighting) -> Sighting:
        """The same, of a type for which there is room."""
        if named.type in self._types or len(self._types) < MOST_TYPES:
            self._types.add(named.type)
            return named
        first = {"name": named.type, **named.first}
        return Sighting(**{**{name: getattr(named, name) for name in named.__struct_fields__}, "type": OTHER_TYPE, "first": first})

    def _keep_unnamed(self, task_id: str, words: list[Said]) -> None:
        self._unnamed[task_id] = words[-MOST_WORDS:]
        while len(self._unnamed) > MOST_UNNAMED:
            self._unnamed.popitem(last=False)

    def _folded(self, words: list[Said], task: Task) -> Task | None:
        """What all these words make of a record; None where they tell nothing new."""
        before = task
        for said in words:
            if isinstance(said, Sighting):
                task = followed(task, said, self._clock) or task
            elif isinstance(said[2], wire.Progressed) and task.status in RUNNING:
                word = said[2]
                at = self._clock.monotonic()
                task = progressed(task, current=word.current, total=word.total, message=word.message, monotonic=at)
        return None if task is before else task

    def _leave_trail(self, task_id: str, words: Sequence[Said]) -> None:
        told = [said for said in words if not isinstance(said, Sighting) and not isinstance(said[2], wire.Progressed)]
        task = self._store.find(task_id) if told else None
        if task is None or task.foreign is None:
            return
        trail, began = self._store.trail(task.number), task.attempts[-1].started_at if task.attempts else self._clock.time()
        for _, attempt, word in told:
            if isinstance(word, wire.Logged):
                for line in word.lines:
                    trail.log(at=began + line.seconds, seconds=line.seconds, attempt=attempt, level=line.level, text=line.text)
            else:
                for one in word.values:
                    trail.measure(one.name, one.value, seconds=one.seconds, unit=one.unit, attempt=attempt)

    # -- what becomes of records in the store

    def _hear(self, changes: Sequence[Change]) -> None:
        """Under the store's lock."""
        for change in changes:
            if change.task.foreign is None:
                continue
            before, after = None if isinstance(change, Return) else change.before, change.after
            self._active += (after is not None and after.status in ACTIVE) - (before is not None and before.status in ACTIVE)
            if after is None:
                self._gone[change.task.id] = None
                if len(self._gone) > MOST_GONE:
                    self._gone.popitem(last=False)
            elif before is None:
                self._gone.pop(after.id, None)
