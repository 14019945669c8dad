"""Many tasks that come at once: on disk before the store knows them, then in the store little by little, and either all or none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

from tasks_app.engine.admission import Admission
from tasks_app.engine.errors import NotFound
from tasks_app.engine.ports import Journal
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task

SLICE = 50  # tasks taken in before others get their turn


class Arrivals:
    """Takes them in. `admit` raises where there is no room for so many of one person; `withdraw` deletes a task."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        admission: Admission,
        *,
        admit: Callable[[int, str], object],
        taken: Callable[[], object],
        withdraw: Callable[[str], object],
    ) -> None:
        self._store = store
        self._journal = journal
        self._admission = admission
        self._admit = admit
        self._taken = taken
        self._withdraw = withdraw
        self._under_way: set[asyncio.Task[list[Task]]] = set()

    async def take_in(self, tasks: Sequence[Task], by: str) -> list[Task]:
        """Put all into the store, or none; the records as they are kept. Who is let in stays in, and has his place from the beginning.
        Whoever waits may be cancelled: what has begun is gone through with. Raises what `admit` does, and JournalFailed."""
        self._store.add((), admit=lambda: self._let_in(len(tasks), by))
        going = asyncio.ensure_future(self._go(tasks, by))
        self._under_way.add(going)  # a loop holds what it runs by a thread alone
        going.add_done_callback(self._under_way.discard)
        return await asyncio.shield(going)

    def _let_in(self, count: int, by: str) -> None:
        """Under the store's lock: nobody comes in between the look and the promise."""
        self._admit(count, by)
        self._admission.promise(count, by)

    async def _go(self, tasks: Sequence[Task], by: str) -> list[Task]:
        kept: list[Task] = []
        try:
            await self._journal.keep_all(tasks)
            for first in range(0, len(tasks), SLICE):
                kept += self._store.add(tasks[first : first + SLICE])
                self._admission.promise(first - len(kept), by)
                self._taken()
                await asyncio.sleep(0)
        except Exception:
            self._undo(tasks)
            raise
        finally:  # those that did not come
            self._admission.promise(len(kept) - len(tasks), by)
        return kept

    def _undo(self, tasks: Sequence[Task]) -> None:
        """No memory for one: so none of them is here, and of what was not here yet nothing stays on disk."""
        self._journal.disown([task for task in tasks if self._store.by_number(task.number) is None])
        for task in tasks:
            with suppress(NotFound, MemoryError):
                self._withdraw(task.id)
