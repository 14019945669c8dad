"""Launching again with the same key gives the first task: each person's keys apart, bounded, the oldest forgotten first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

from tasks_app.engine.errors import IdempotencyConflict
from tasks_app.engine.launch import short
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task

MAX_KEYS = 100_000
MAX_OF_ONE = 50_000  # of one person who is known by name: nobody can have all others' keys forgotten


class Keys:
    """Idempotency keys with the fingerprint of the request and the id of its task. Hold `lock` from find to remember.

    Only hashes of keys are kept, so that long ones take no more room. A key that somebody else used is another key.
    """

    def __init__(self, most: int = MAX_KEYS, of_one: int = MAX_OF_ONE) -> None:
        self.lock = Lock()
        self._most = most
        self._of_one = of_one
        self._people: OrderedDict[str, OrderedDict[bytes, tuple[bytes, str]]] = OrderedDict()  # who used one last is at the end
        self._count = 0

    def find(self, by: str, key: str, fingerprint: bytes, store: Store) -> Task | None:
        """The task this person launched under this key, None when there was none or it is gone. Raises IdempotencyConflict when the
        request was another one."""
        own = self._people.get(by)
        known = own.get(short(key)) if own is not None else None
        task = store.find(known[1]) if known else None
        if known is None or task is None:
            return None
        if known[0] != fingerprint:
            raise IdempotencyConflict(field="idempotency_key")
        return task

    def remember(self, by: str, key: str, fingerprint: bytes, task_id: str) -> None:
        """Bind a key to a task. Past the bounds one is forgotten: of the same person past his own, else of who used none for longest."""
        self._bind(by, short(key), fingerprint, task_id)

    def restore(self, tasks: Iterable[Task]) -> None:
        """Bind the keys of an earlier process, which its tasks carry: a client that heard nothing before it was killed asks again now."""
        for task in tasks:
            if task.key:
                self._bind(task.by, task.key[:16], task.key[16:], task.id)

    def __len__(self) -> int:
        return self._count

    def _bind(self, by: str, key: bytes, fingerprint: bytes, task_id: str) -> None:
        own = self._people.setdefault(by, OrderedDict())
        self._people.move_to_end(by)
        self._count += key not in own
        own[key] = (fingerprint, task_id)
        own.move_to_end(key)
        if by and len(own) > self._of_one:
            self._forget_one(by)
        elif self._count > self._most:
            self._forget_one(next(iter(self._people)))

    def _forget_one(self, by: str) -> None:
        own = self._people[by]
        own.popitem(last=False)
        self._count -= 1
        if not own:
            del self._people[by]
