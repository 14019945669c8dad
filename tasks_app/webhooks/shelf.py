"""All deliveries that are known: by id, by task, in memory and in the journal; bounded in number and size."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import RLock

import msgspec

from tasks_app.engine.ports import Journal
from tasks_app.webhooks.delivery import Delivery, State

MOST = 10_000  # deliveries
MOST_BYTES = 32 * 1024 * 1024  # that they hold together
MOST_OF_ONE = 20  # of one task
PREFIX = "webhook:"  # of records in the journal
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Delivery).decode


class Shelf:
    """Thread-safe. What waits is never thrown out for what is new: then there is no room."""

    def __init__(self, journal: Journal, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._journal = journal
        self._most, self._most_bytes = most, most_bytes
        self._lock = RLock()
        self._all: dict[str, Delivery] = {}
        self._done: OrderedDict[str, None] = OrderedDict()  # by when they were done
        self._by_task: dict[str, tuple[Delivery, ...]] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def pending(self) -> int:
        """How many wait for a try."""
        return len(self._all) - len(self._done)

    def get(self, delivery_id: str) -> Delivery | None:
        """The delivery of an id."""
        return self._all.get(delivery_id)

    def of(self, task_id: str) -> tuple[Delivery, ...]:
        """Those of a task, the oldest first; the same object as before while nothing has changed."""
        return self._by_task.get(task_id, ())

    def has_room(self, delivery: Delivery) -> bool:
        """Whether one more fits, once what is done has made room."""
        with self._lock:
            while self._done and not self._fits(delivery):
                self._drop(next(iter(self._done)))
            return self._fits(delivery)

    def put(self, delivery: Delivery) -> Delivery:
        """Keep one, or its next state."""
        with self._lock:
            before = self._all.get(delivery.id)
            self._all[delivery.id] = delivery
            others = self._by_task.get(delivery.task.id, ())
            if before is None:
                self._size += delivery.size
                self._by_task[delivery.task.id] = (*others, delivery)
                self._thin_out(delivery.task.id)
            else:
                self._by_task[delivery.task.id] = tuple(delivery if one.id == delivery.id else one for one in others)
            self._done.pop(delivery.id, None)
            if delivery.state is not State.PENDING:
                self._done[delivery.id] = None
            self._journal.put(PREFIX + delivery.id, _encode(delivery))
            return delivery

    def change(self, delivery_id: str, change: Callable[[Delivery], Delivery]) -> Delivery | None:
        """Keep what becomes of one as it is now; None where it is not here. Who changes it meanwhile waits."""
        with self._lock:
            found = self._all.get(delivery_id)
            return None if found is None else self.put(change(found))

    def change_waiting(self, change: Callable[[Delivery], Delivery]) -> None:
        """The same for each that waits for a try."""
        with self._lock:
            for delivery_id in self._all.keys() - self._done.keys():
                self.change(delivery_id, change)

    def forget_task(self, task_id: str) -> None:
        """A task has left: with it goes what was told of it; what is still to be told stays until it is."""
        if task_id in self._by_task:
            with self._lock:
                for one in self._by_task.get(task_id, ()):
                    if one.id in self._done:
                        self._drop(one.id)

    def restore(self, records: Mapping[str, bytes]) -> list[Delivery]:
        """Those of an earlier process, oldest first; what cannot be read stays where it is, and is nobody's."""
        found = [one for name, record in records.items() if name.startswith(PREFIX) and (one := _read(record)) is not None]
        return sorted(found, key=lambda one: (one.at, one.id))

    def forget(self, delivery: Delivery) -> None:
        """One of an earlier process is not true any more."""
        self._journal.put(PREFIX + delivery.id, None)

    def _fits(self, delivery: Delivery) -> bool:
        return len(self._all) < self._most and self._size + delivery.size <= self._most_bytes

    def _thin_out(self, task_id: str) -> None:
        found = self._by_task[task_id]
        done = [one.id for one in found if one.id in self._done]
        for old in done[: max(0, len(found) - MOST_OF_ONE)]:
            self._drop(old)

    def _drop(self, delivery_id: str) -> None:
        gone = self._all.pop(delivery_id)
        self._done.pop(delivery_id, None)
        self._size -= gone.size
        left = tuple(one for one in self._by_task[gone.task.id] if one.id != delivery_id)
        if left:
            self._by_task[gone.task.id] = left
        else:
            del self._by_task[gone.task.id]
        self._journal.put(PREFIX + delivery_id, None)


def _read(record: bytes) -> Delivery | None:
    with contextlib.suppress(msgspec.MsgspecError):
        return _decode(record)
    return None
