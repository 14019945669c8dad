"""Many tasks that come at once: their places are held from the beginning, and either all of them come or none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tasks_app.engine.arrivals import SLICE
from tasks_app.engine.errors import JournalFailed, ShareFull, WaitingFull
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.limits import Limits
from tasks_app.engine.task import Task
from tasks_app.journal.null import NullJournal
from tasks_app.tests.engine.virtual import VirtualLoop
from tasks_app.tests.engine.world import World

MANY = 2 * SLICE + 20
REQUESTS = [LaunchRequest(type="scripted", params={"mode": "hang"})] * MANY


class Slow(NullJournal):
    """Keeps what comes at once, but many tasks only when it is let; remembers what is not its own any more."""

    durable = True

    def __init__(self) -> None:
        self.go: asyncio.Future[None] | None = None
        self.disowned: list[int] = []

    async def keep_all(self, tasks: Sequence[Task]) -> None:
        self.go = asyncio.get_running_loop().create_future()
        await self.go

    def disown(self, tasks: Sequence[Task]) -> None:
        self.disowned += [task.number for task in tasks]


@pytest.fixture
def journal() -> Slow:
    return Slow()


@pytest.fixture
async def world(journal: Slow) -> World:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return World(loop, Limits(max_waiting=MANY + 1, max_waiting_each=MANY), journal=journal)


async def on_its_way(world: World, journal: Slow, by: str = "ann") -> asyncio.Task[list[Task]]:
    going = asyncio.create_task(world.engine.submit_slowly(REQUESTS, by=by))
    await world.settle()
    assert journal.go is not None
    return going


async def test_none_is_in_the_store_before_all_are_safe(world: World, journal: Slow) -> None:
    going = await on_its_way(world, journal)
    assert len(world.store) == 0
    journal.go.set_result(None)  # type: ignore[union-attr]
    assert [task.number for task in await going] == list(range(1, MANY + 1))
    assert len(world.store) == MANY


async def test_the_places_of_those_on_their_way_are_taken(world: World, journal: Slow) -> None:
    going = await on_its_way(world, journal)
    with pytest.raises(ShareFull):
        world.engine.submit(REQUESTS[0], by="ann")
    world.engine.submit(REQUESTS[0], by="bob")
    with pytest.raises(WaitingFull):
        world.engine.submit(REQUESTS[0], by="bob")
    journal.go.set_result(None)  # type: ignore[union-attr]
    first, *_ = await going
    with pytest.raises(WaitingFull):
        world.engine.submit(REQUESTS[0], by="bob")
    world.engine.cancel(first.id)
    world.engine.submit(REQUESTS[0], by="ann")


async def test_what_the_journal_cannot_keep_does_not_come_and_holds_no_place(world: World, journal: Slow) -> None:
    going = await on_its_way(world, journal)
    journal.go.set_exception(JournalFailed("The disk is full."))  # type: ignore[union-attr]
    with pytest.raises(JournalFailed):
        await going
    assert len(world.store) == 0
    again = await on_its_way(world, journal)
    journal.go.set_result(None)  # type: ignore[union-attr]
    assert len(await again) == MANY


async def test_who_stops_waiting_does_not_stop_them(world: World, journal: Slow) -> None:
    going = await on_its_way(world, journal)
    going.cancel()
    await world.settle()
    journal.go.set_result(None)  # type: ignore[union-attr]
    await world.settle()
    assert (going.cancelled(), len(world.store), journal.disowned) == (True, MANY, [])


async def test_without_memory_for_one_none_of_them_stays(world: World, journal: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    add = world.store.add

    def fails(tasks: Iterable[Task], **more: Any) -> list[Task]:
        some = list(tasks)
        if some and some[0].number > SLICE:
            raise MemoryError
        return add(some, **more)

    going = await on_its_way(world, journal)
    with monkeypatch.context() as patched:
        patched.setattr(world.store, "add", fails)
        journal.go.set_result(None)  # type: ignore[union-attr]
        with pytest.raises(MemoryError):
            await going
    assert (len(world.store), journal.disowned) == (0, list(range(SLICE + 1, MANY + 1)))
    again = await on_its_way(world, journal)
    journal.go.set_result(None)  # type: ignore[union-attr]
    assert len(await again) == MANY, "its places are free again"
