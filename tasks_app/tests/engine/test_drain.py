"""The orderly end: nothing new, a grace, a cancel, and every task settled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tasks_app.engine.errors import Draining
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import ACTIVE, Status
from tasks_app.tests import scripted
from tasks_app.tests.engine.virtual import EPOCH
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]


async def test_what_ends_within_the_grace_completes_and_the_rest_is_interrupted(world: World) -> None:
    quick = [world.submit("hang", seconds=2) for _ in range(3)]
    slow = [world.submit("hang", seconds=100) for _ in range(200)]
    await world.settle()
    began = world.loop.time()
    await world.engine.drain(5)
    assert {world.status(task) for task in quick} == {Status.COMPLETED}
    assert {world.status(task) for task in slow} == {Status.INTERRUPTED}
    assert sorted(scripted.ended) == sorted((task.id, 1) for task in quick + slow)
    assert world.loop.time() - began == pytest.approx(5, abs=0.1)


async def test_nobody_waits_for_the_grace_when_nothing_runs(world: World) -> None:
    began = world.loop.time()
    await world.engine.drain(100)
    assert world.loop.time() == pytest.approx(began)


async def test_what_does_not_stop_is_abandoned_after_grace_and_cancel_grace(start: Start) -> None:
    world = await start(cancel_grace=3)
    task = await world.ran("stubborn")
    began = world.loop.time()
    await world.engine.drain(2)
    done = world.now(task)
    assert done.status is Status.INTERRUPTED
    assert done.error is not None
    assert "may still be running" in done.error.message
    assert world.loop.time() - began == pytest.approx(5, abs=0.6)


async def test_one_that_is_stuck_already_ends_cancelled(world: World) -> None:
    task = await world.ran("stubborn")
    world.engine.cancel(task.id)
    await world.advance(6)
    await world.engine.drain(1)
    assert world.status(task) is Status.CANCELLED


async def test_nothing_new_starts_and_nothing_new_is_taken(start: Start) -> None:
    world = await start(concurrency={"scripted": 1})
    runs = await world.ran("hang", seconds=2)
    waits = world.submit()
    failed = world.submit("fail", type="scripted_thread", run_at=datetime.fromtimestamp(EPOCH, UTC) + timedelta(seconds=1))
    draining = asyncio.create_task(world.engine.drain(5))
    await world.settle()
    for call in (
        world.submit,
        lambda: world.engine.submit_many([LaunchRequest(type="scripted")]),
        lambda: world.engine.rerun(runs.id),
    ):
        with pytest.raises(Draining):
            call()
    await draining
    assert world.status(runs) is Status.COMPLETED
    assert [world.history(task)[-1] for task in (waits, failed)] == ["interrupted", "interrupted"]
    assert "processing" not in world.history(waits) + world.history(failed)


async def test_a_retry_is_refused_while_draining(world: World) -> None:
    task = await world.ran("fail")
    world.engine.begin_drain()
    with pytest.raises(Draining):
        world.engine.retry(task.id)


async def test_waiting_tasks_may_still_be_cancelled_while_draining(world: World) -> None:
    world.engine.pause("scripted")
    task = world.submit()
    world.engine.begin_drain()
    assert world.engine.cancel(task.id).status is Status.CANCELLED


async def test_afterwards_every_task_has_ended(start: Start) -> None:
    world = await start(concurrency={"scripted": 5})
    for mode in ("ok", "fail", "hang", "stubborn"):
        for _ in range(5):
            world.submit(mode, max_attempts=3)
    await world.advance(0.5)
    await world.engine.drain(1)
    assert sum(world.store.counts[status] for status in ACTIVE) == 0
    assert world.engine.queues.running == 0
    assert len(world.engine.runner) == 0


async def test_the_grace_can_be_cut_short(world: World) -> None:
    task = await world.ran("hang")
    began = world.loop.time()
    draining = asyncio.create_task(world.engine.drain(1000))
    await world.advance(1)
    world.engine.runner.cut_short()
    await draining
    assert world.status(task) is Status.INTERRUPTED
    assert world.loop.time() - began < 2


async def test_the_last_word_on_progress_is_kept(world: World) -> None:
    task = await world.ran("slow_progress", times=1000, seconds=0.1)
    await world.advance(1.05)
    await world.engine.drain(0)
    progress = world.now(task).progress
    assert progress is not None
    assert progress.current == 10


async def test_a_cancel_after_the_end_does_no_harm(world: World) -> None:
    await world.engine.drain(0)
    with pytest.raises(Draining):
        world.submit()
    world.engine.flush_progress()
    world.engine.resume("scripted")
