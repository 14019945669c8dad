"""What every journal promises. Mix `JournalContract` into a test class that has `journal`."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from tasks_app.engine.ports import Journal
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.tests.engine.records import IN_STATUS, a_task, begun


class JournalContract:
    """The promises. `reopened` gives the journal as the next process finds it."""

    def reopened(self, journal: Journal) -> Journal:
        raise NotImplementedError

    def test_a_new_journal_holds_nothing(self, journal: Journal) -> None:
        assert journal.load().tasks == []

    async def test_changes_are_taken_in_without_a_word(self, journal: Journal) -> None:
        store = Store()
        store.listen(journal.record)
        store.add([a_task(store.next_number()) for _ in range(100)])
        store.update(1, begun)
        store.delete(2)
        journal.record([])
        await asyncio.wait_for(journal.settled(store.version), 60)

    async def test_what_is_settled_is_there_in_the_next_process_if_it_says_durable(self, journal: Journal) -> None:
        store = Store()
        store.listen(journal.record)
        for make in IN_STATUS.values():
            task = make()
            store.add([_as(task, store.next_number())])
        store.delete(1)
        await journal.settled(store.version)
        journal.close()
        numbers = [task.number for task in self.reopened(journal).load().tasks]
        assert numbers == (list(range(2, len(IN_STATUS) + 1)) if journal.durable else [])

    async def test_changes_come_from_several_threads(self, journal: Journal) -> None:
        store = Store()
        store.listen(journal.record)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: store.add([a_task(store.next_number())]), range(200)))
        await asyncio.wait_for(journal.settled(store.version), 60)
        journal.close()
        assert len(self.reopened(journal).load().tasks) == (200 if journal.durable else 0)

    async def test_settled_returns_at_once_for_what_is_long_settled(self, journal: Journal) -> None:
        await asyncio.wait_for(journal.settled(0), 60)

    async def test_records_beside_the_tasks_are_kept_and_forgotten(self, journal: Journal) -> None:
        for record in (b"first", b"second"):
            journal.put("a", record)
        journal.put("b", b"")
        journal.put("c", b"gone")
        journal.put("c", None)
        await asyncio.wait_for(journal.settled(0), 60)
        journal.close()
        assert self.reopened(journal).load().records == ({"a": b"second", "b": b""} if journal.durable else {})

    def test_closing_twice_is_no_error(self, journal: Journal) -> None:
        journal.close()
        journal.close()


def _as(task: Task, number: int) -> Task:
    return replace(task, id=f"id-{number}", number=number)
