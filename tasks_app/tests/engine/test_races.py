"""What happens in the same instant: one end, in order, whichever comes first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from tasks_app.engine.errors import EngineError
from tasks_app.engine.task import TERMINAL, Status
from tasks_app.tests.engine.naive import assert_indexes_are_right, everything, replayed
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]


def ends(world: World, task_id: str) -> list[Status]:
    """Each time a task reached a terminal status."""
    own = [c for c in world.changes if c.task.id == task_id and c.after is not None]
    return [
        c.after.status
        for c in own
        if c.after and c.after.status in TERMINAL and (c.before is None or c.before.status is not c.after.status)
    ]


async def test_a_timeout_exactly_at_completion_ends_once(world: World) -> None:
    tasks = [world.submit("hang", seconds=1.0, timeout=1.0) for _ in range(500)]
    await world.advance(2)
    for task in tasks:
        assert len(ends(world, task.id)) == 1
    assert world.engine.queues.running == 0
    assert replayed(world.changes)[tasks[0].number] == world.now(tasks[0])


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancel_that_comes_with_the_completion_ends_once(world: World, turns: int) -> None:
    tasks = [world.submit("hang", seconds=1.0) for _ in range(300)]
    await asyncio.sleep(1.0)
    for _ in range(turns):
        await asyncio.sleep(0)
    for task in tasks:
        try:
            world.engine.cancel(task.id)
        except EngineError:
            assert world.status(task) is Status.COMPLETED
    await world.advance(10)
    assert {len(ends(world, task.id)) for task in tasks} == {1}
    assert {world.status(task) for task in tasks} <= {Status.COMPLETED, Status.CANCELLED}
    assert world.engine.queues.running == 0


async def test_a_cancel_meant_for_one_attempt_does_not_stop_the_next(world: World) -> None:
    task = await world.ran("hang")
    late = world.engine._dispatcher.call
    held: list[tuple[Callable[..., object], tuple[object, ...]]] = []
    world.engine._dispatcher.call = lambda function, *args: held.append((function, args))  # type: ignore[method-assign]
    world.engine.cancel(task.id)  # its word to the loop is held up
    world.engine._dispatcher.call = late  # type: ignore[method-assign]
    world.engine.cancel(task.id)
    await world.settle()
    world.engine.retry(task.id)
    await world.settle()
    assert world.status(task) is Status.PROCESSING
    for function, args in held:
        function(*args)
    await world.advance(10)
    assert world.status(task) is Status.PROCESSING


async def test_a_task_that_is_cancelled_while_it_comes_due_stays_cancelled(world: World) -> None:
    task = await world.ran("fail", max_attempts=2)
    seen_before_the_cancel = [[task.number], []]
    world.store.all_due = lambda at, most=500: seen_before_the_cancel.pop(0) if seen_before_the_cancel else []  # type: ignore[method-assign]
    world.engine.cancel(task.id)
    world.engine._dispatcher._release_due()
    assert world.status(task) is Status.CANCELLED


@pytest.mark.parametrize("seed", range(5))
async def test_orders_given_at_random_instants_leave_everything_in_order(start: Start, seed: int) -> None:
    world = await start(max_running=20, concurrency={"scripted": 10}, keep_finished=50)
    chance = random.Random(seed)
    for _ in range(300):
        world.submit(
            chance.choice(["ok", "fail", "hang", "stubborn", "slow_progress"]),
            seconds=0.5,
            times=3,
            timeout=chance.choice([None, 0.5, 1.0]),
            max_attempts=2,
        )
        task_id = chance.choice(everything(world.store)).id
        try:
            order = chance.choice(["cancel", "cancel", "force", "delete", "retry", "rerun", "pass"])
            if order == "force":
                world.engine.cancel(task_id, force=True)
            elif order != "pass":
                getattr(world.engine, order)(task_id)
        except EngineError:
            pass
        await asyncio.sleep(chance.choice([0, 0, 0.25, 0.5, 1.0]))
        assert world.store.count_of("scripted", Status.PROCESSING) <= 10
    await world.engine.drain(1)
    assert [change.version for change in world.changes] == list(range(1, world.store.version + 1))
    assert replayed(world.changes) == {task.number: task for task in world.store._tasks.values()}
    assert_indexes_are_right(world.store)
    assert world.engine.queues.running == 0
