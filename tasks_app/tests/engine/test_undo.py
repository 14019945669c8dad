"""A deleted task is gone at once, and for ten seconds it can come back as it was."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks_app.engine import deleted
from tasks_app.engine.deleted import SECONDS
from tasks_app.engine.errors import Conflict, Draining, NotFound, WaitingFull
from tasks_app.engine.events import Return
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.series import Series
from tasks_app.engine.task import Status, Task
from tasks_app.tests import scripted
from tasks_app.tests.engine.lives import InlineJournal, gone
from tasks_app.tests.engine.naive import assert_indexes_are_right
from tasks_app.tests.engine.virtual import VirtualLoop
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]


@pytest.fixture
async def world(start: Start) -> World:
    """An engine without bounds that matter."""
    return await start()


def same(before: Task, after: Task) -> bool:
    """Whether two records differ in nothing but the store's version."""
    differing = [name for name in before.__struct_fields__ if getattr(before, name) != getattr(after, name)]
    return differing in ([], ["version"])


async def test_a_task_that_ended_comes_back_with_its_log_and_its_key(world: World) -> None:
    before = await world.ran("talks", 1, idempotency_key="once", tags=["nightly"], name="sweep")
    log = [line.text for line in world.store.trail(before.number).lines()]
    world.engine.delete(before.id)
    assert world.store.find(before.id) is None
    assert world.store.find_trail(before.number) is None
    after = world.engine.restore(before.id)
    assert same(before, after)
    assert world.store.get(before.id) is after
    assert [line.text for line in world.store.trail(before.number).lines()] == log != []
    assert world.submit("talks", idempotency_key="once", tags=["nightly"], name="sweep") is after
    assert_indexes_are_right(world.store)


async def test_a_task_that_waited_waits_again_in_its_old_place(world: World) -> None:
    world.engine.pause("scripted")
    first, second, third = (world.submit() for _ in range(3))
    world.engine.delete(second.id)
    fourth = world.submit()
    world.engine.restore(second.id)
    assert [world.store.position(world.now(task)) for task in (first, second, third, fourth)] == [1, 2, 3, 4]
    world.engine.resume("scripted")
    await world.advance(1)
    assert world.status(second) is Status.COMPLETED


async def test_a_task_that_was_to_start_meanwhile_starts_when_it_is_back(world: World) -> None:
    task = world.submit("ok", run_at=datetime.fromtimestamp(world.clock.time() + 5, UTC))
    world.engine.delete(task.id)
    await world.advance(8)
    world.engine.restore(task.id)
    await world.advance(1)
    assert world.status(task) is Status.COMPLETED


async def test_a_task_that_ran_comes_back_as_cancelled_by_the_delete(world: World) -> None:
    task = await world.ran("hang", 1)
    world.engine.delete(task.id, by="ann")
    await world.settle()
    after = world.engine.restore(task.id)
    assert after.status is Status.CANCELLED
    assert after.cancel is not None
    assert (after.cancel.by, after.cancel.reason) == ("ann", "Deleted")
    assert after.attempts[-1].seconds == pytest.approx(1)
    assert world.engine.queues.running == 0
    assert world.engine.retry(task.id).status is Status.PENDING


async def test_a_handler_that_does_not_stop_comes_back_as_one_that_is_stopping(start: Start) -> None:
    world = await start(cancel_grace=2)
    task = await world.ran("stubborn", 1)
    world.engine.delete(task.id)
    after = world.engine.restore(task.id)
    assert after.status is Status.CANCELLING
    await world.advance(3)
    stuck = world.now(task)
    assert stuck.cancel is not None
    assert stuck.cancel.stuck, "Force stop is offered"
    scripted.LET_GO.set()
    await world.advance(1)
    assert world.status(task) is Status.CANCELLED


async def test_a_handler_that_had_to_be_abandoned_is_said_to_be_when_its_task_is_back(start: Start) -> None:
    world = await start(cancel_grace=2)
    task = await world.ran("stubborn", 1)
    world.engine.delete(task.id)
    await world.advance(4)
    after = world.engine.restore(task.id)
    assert after.status is Status.CANCELLED
    assert after.cancel is not None
    assert after.cancel.abandoned
    scripted.LET_GO.set()
    await world.advance(1)


async def test_after_ten_seconds_it_is_too_late(world: World) -> None:
    task = await world.ran("ok", 1)
    world.engine.delete(task.id)
    await world.advance(SECONDS - 0.01)
    assert world.store.deleted.seconds_left(task.id) == pytest.approx(0.01)
    await world.advance(0.01)
    assert world.store.deleted.seconds_left(task.id) is None
    with pytest.raises(NotFound, match="too late"):
        world.engine.restore(task.id)
    await world.advance(1)
    assert len(world.store.deleted) == 0, "its memory is given back"


async def test_it_comes_back_once(world: World) -> None:
    task = await world.ran("ok", 1)
    world.engine.delete(task.id)
    world.engine.restore(task.id)
    with pytest.raises(Conflict, match="back already"):
        world.engine.restore(task.id)
    world.engine.delete(task.id)
    assert same(task, world.engine.restore(task.id)), "and may be deleted again"


async def test_what_never_was_cannot_come_back(world: World) -> None:
    with pytest.raises(NotFound):
        world.engine.restore("nobody")


async def test_a_place_that_others_have_taken_is_not_given_twice(start: Start) -> None:
    world = await start(max_waiting=2)
    world.engine.pause("scripted")
    first, _ = world.submit(), world.submit()
    world.engine.delete(first.id)
    taker = world.submit()
    with pytest.raises(WaitingFull):
        world.engine.restore(first.id)
    world.engine.delete(taker.id)
    assert world.engine.restore(first.id).status is Status.PENDING, "once there is room it can"


async def test_what_comes_back_is_kept_although_it_ended_first(start: Start) -> None:
    world = await start(keep_finished=2)
    first, second = [await world.ran("ok", 1) for _ in range(2)]
    world.engine.delete(first.id)
    third = await world.ran("ok", 1)
    world.engine.restore(first.id)
    await world.advance(1)
    assert [world.store.find(task.id) is not None for task in (first, second, third)] == [True, False, True]


async def test_a_number_of_a_series_stays_its_own(world: World) -> None:
    jobs = Series("jobs")
    world.engine.pause("scripted")
    first, second = (world.engine.submit_numbered(LaunchRequest(type="scripted"), jobs) for _ in range(2))
    world.engine.delete(first.id)
    world.engine.restore(first.id)
    assert world.store.series.numbers("jobs") == [first.number, second.number]
    assert world.engine.submit_numbered(LaunchRequest(type="scripted"), jobs).serial == 3


async def test_what_came_back_is_counted_once(world: World) -> None:
    task = await world.ran("ok", 1)
    before = dict(world.engine.stats.totals)
    world.engine.delete(task.id)
    world.engine.restore(task.id)
    assert dict(world.engine.stats.totals) == before
    assert [type(change) for change in world.changes][-1] is Return


async def test_what_came_back_outlives_a_crash_and_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    world = World(loop, journal=InlineJournal(tmp_path / "before" / "journal", loop))
    await world.engine.start()
    world.engine.pause("scripted")
    first, second, third = (world.engine.submit_numbered(LaunchRequest(type="scripted"), Series("jobs")) for _ in range(3))
    world.engine.delete(first.id)
    world.engine.delete(second.id)
    await world.settle()
    world.engine.restore(first.id)
    await world.settle()
    shutil.copytree(tmp_path / "before", tmp_path / "after", ignore=shutil.ignore_patterns("*.lock"))
    await gone(world.engine)
    world.engine.journal.close()
    later = World(loop, journal=InlineJournal(tmp_path / "after" / "journal", loop), first_id=100)
    assert [same(task, later.store.get(task.id)) for task in (first, third)] == [True, True]
    assert later.store.find(second.id) is None
    with pytest.raises(NotFound):
        later.engine.restore(second.id)
    following = later.engine.submit_numbered(LaunchRequest(type="scripted"), Series("jobs"))
    assert (following.number, following.serial) == (third.number + 1, 4)
    await gone(later.engine)
    later.engine.journal.close()


async def test_no_more_is_kept_than_the_bounds_say(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleted, "MOST", 3)
    tasks = [await world.ran("ok", 0.1) for _ in range(5)]
    for task in tasks:
        world.engine.delete(task.id)
    assert [world.store.deleted.find(task.id) is not None for task in tasks] == [False, False, True, True, True]
    monkeypatch.setattr(deleted, "MOST_BYTES", 1)
    world.engine.delete((await world.ran("ok", 0.1)).id)
    assert len(world.store.deleted) == 0


async def test_nothing_is_kept_where_there_is_no_memory_left(world: World) -> None:
    task = await world.ran("ok", 1)
    world.engine.delete(task.id)
    await world.advance(1)
    assert len(world.store.deleted) == 1
    world.engine._undo._room = lambda: "There is no memory left."
    await world.advance(1)
    assert len(world.store.deleted) == 0


async def test_a_server_that_stops_brings_nothing_back(world: World) -> None:
    task = await world.ran("ok", 1)
    world.engine.delete(task.id)
    world.engine.begin_drain()
    with pytest.raises(Draining):
        world.engine.restore(task.id)
    await world.engine.drain(0)
    assert len(world.store.deleted) == 0


async def test_those_of_a_batch_have_ten_seconds_from_its_end(world: World) -> None:
    tasks = [await world.ran("ok", 0.1) for _ in range(3)]
    kept = world.store.deleted
    kept.open("many")
    world.engine.delete(tasks[0].id, batch="many")
    await world.advance(60)
    world.engine.delete(tasks[1].id, batch="many")
    kept.close("many")
    world.engine.delete(tasks[2].id)
    await world.advance(9)
    assert kept.numbers_of("many") == [tasks[0].number, tasks[1].number]
    assert kept.hold("many")
    await world.advance(60)
    assert world.engine.restore(tasks[0].id), "time stands still for what is about to come back"
    kept.close("many")
    await world.advance(SECONDS)
    assert not kept.hold("many")
    with pytest.raises(NotFound):
        world.engine.restore(tasks[1].id)
    await world.advance(1)
    assert len(kept) == 0
