"""Slots of their own for further attempts: first attempts and retries do not hold one another up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tasks_app.engine.errors import SetupError
from tasks_app.engine.registry import Backoff, TaskType, task_type
from tasks_app.engine.task import Status
from tasks_app.tests import scripted
from tasks_app.tests.engine.naive import assert_indexes_are_right
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]
AT_ONCE = Backoff(base=0, jitter=0)


def tried(name: str = "tried", **declared: Any) -> TaskType:
    """The scripted handler, tried three times, with two slots for first attempts and one for further ones."""
    given: dict[str, Any] = {"concurrency": 2, "retry_concurrency": 1, "max_attempts": 3, "backoff": AT_ONCE, **declared}
    return task_type(name, params=scripted.ScriptParams, **given)(scripted.scripted.function)


def slots(world: World, name: str = "tried") -> tuple[int, int]:
    """How many first and further attempts run."""
    queue = world.engine.queues.get(name)
    return queue.running, queue.retrying


async def test_a_retry_takes_a_slot_of_its_own(start: Start) -> None:
    world = await start(types=[tried()])
    tasks = [world.submit("hang", type="tried", seconds=1000, timeout=10) for _ in range(2)]
    await world.advance(10.5)
    assert [world.status(task) for task in tasks] == [Status.PROCESSING, Status.PENDING]
    assert [world.now(task).attempt_number for task in tasks] == [2, 1]
    assert slots(world) == (0, 1)
    assert world.engine.queues.running == 1


async def test_new_tasks_go_on_while_retries_wait_for_theirs(start: Start) -> None:
    world = await start(types=[tried()])
    failing = [world.submit("hang", type="tried", seconds=1000, timeout=10) for _ in range(2)]
    await world.advance(10.5)
    new = [world.submit("hang", type="tried", seconds=1000, timeout=100) for _ in range(3)]
    await world.settle()
    assert [world.status(task) for task in new] == [Status.PROCESSING, Status.PROCESSING, Status.PENDING]
    assert slots(world) == (2, 1)
    told = [world.engine.waiting(world.now(task)) for task in (failing[1], new[2])]
    assert [(waiting.reason, waiting.position, waiting.slots) for waiting in told if waiting] == [("type_full", 1, 1), ("type_full", 1, 2)]


async def test_three_attempts_and_the_slots_are_free_again(start: Start) -> None:
    world = await start(types=[tried()])
    task = world.submit("hang", type="tried", seconds=1000, timeout=10)
    await world.advance(31)
    assert world.history(task) == ["pending", "processing", *["retrying", "pending", "processing"] * 2, "failed"]
    assert [attempt.seconds for attempt in world.now(task).attempts] == [pytest.approx(10)] * 3
    assert slots(world) == (0, 0)
    assert world.engine.queues.running == 0
    assert_indexes_are_right(world.store)


async def test_a_limit_for_retries_that_is_set_counts(start: Start) -> None:
    world = await start(types=[tried()], concurrency={"tried": 5}, retry_concurrency={"tried": 3})
    tasks = [world.submit("hang", type="tried", seconds=1000, timeout=10) for _ in range(5)]
    await world.advance(10.5)
    assert slots(world) == (0, 3)
    assert sorted(world.status(task) for task in tasks) == [Status.PENDING] * 2 + [Status.PROCESSING] * 3


async def test_a_limit_for_retries_means_nothing_where_they_have_no_slots_of_their_own(start: Start) -> None:
    world = await start(types=[tried(retry_concurrency=None)], retry_concurrency={"tried": 1})
    for _ in range(2):
        world.submit("hang", type="tried", seconds=1000, timeout=10)
    await world.advance(10.5)
    assert slots(world) == (2, 0)


async def test_an_explicit_retry_stands_in_the_line_of_retries(start: Start) -> None:
    world = await start(types=[tried(max_attempts=1)])
    failed = [await world.ran("fail", type="tried") for _ in range(2)]
    for _ in range(2):
        world.submit("hang", type="tried", seconds=1000)
    world.engine.pause("tried")
    for task in failed:
        world.engine.retry(task.id)
    told = [world.engine.waiting(world.now(task)) for task in failed]
    assert [(waiting.reason, waiting.position) for waiting in told if waiting] == [("paused", 1), ("paused", 2)]
    world.engine.resume("tried")
    await world.settle()
    assert [world.now(task).attempt_number for task in failed] == [2, 2]


async def test_a_retry_that_waits_or_runs_is_cancelled_like_any_other(start: Start) -> None:
    world = await start(types=[tried()])
    tasks = [world.submit("hang", type="tried", seconds=1000, timeout=10) for _ in range(2)]
    await world.advance(10.5)
    for task in tasks:
        world.engine.cancel(task.id)
    await world.advance(30)
    assert [world.status(task) for task in tasks] == [Status.CANCELLED] * 2
    assert slots(world) == (0, 0)
    assert_indexes_are_right(world.store)


async def test_the_server_has_no_more_slots_than_it_has(start: Start) -> None:
    world = await start(types=[tried(concurrency=10, retry_concurrency=10)], max_running=3)
    for _ in range(6):
        world.submit("hang", type="tried", seconds=1000, timeout=10)
    for _ in range(6):
        await world.advance(5)
        assert sum(slots(world)) == world.engine.queues.running == 3


async def test_the_first_in_either_line_goes_first_when_the_server_is_full(start: Start) -> None:
    world = await start(types=[tried(concurrency=10, retry_concurrency=10)], max_running=1)
    first = world.submit("hang", type="tried", seconds=1000, timeout=10)
    second = world.submit("hang", type="tried", seconds=1000, timeout=10)
    await world.advance(10.5)
    assert (world.now(first).attempt_number, world.status(second)) == (2, Status.PENDING), "the older task is before the newer"


@pytest.mark.parametrize("count", [0, -1])
def test_slots_for_retries_are_one_or_more(count: int) -> None:
    with pytest.raises(SetupError, match="needs a concurrency of 1 or more"):
        tried(retry_concurrency=count)
