"""What begins together: launches of another thread are gathered for a moment, those of the engine's own loop are not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Thread

import pytest

from tasks_app.engine.dispatcher import GATHER
from tasks_app.engine.task import Status, Task
from tasks_app.tests.engine.world import World


def elsewhere(launch: Callable[[], Task], times: int = 1) -> list[Task]:
    """What a thread launches that has no loop."""
    launched: list[Task] = []
    thread = Thread(target=lambda: launched.extend(launch() for _ in range(times)))
    thread.start()
    thread.join()
    return launched


async def test_what_another_thread_launches_one_by_one_begins_together(world: World) -> None:
    assert (await world.ran()).status is Status.COMPLETED
    before = len(world.changes)
    tasks = elsewhere(world.submit, 5)
    await world.settle()
    assert {world.status(task) for task in tasks} == {Status.PENDING}
    tasks += elsewhere(world.submit, 5)
    await world.advance(GATHER)
    assert {world.status(task) for task in tasks} == {Status.COMPLETED}
    assert [change.after.status for change in world.changes[before:] if change.after] == [
        *[Status.PENDING] * 10,
        *[Status.PROCESSING] * 10,
        *[Status.COMPLETED] * 10,
    ]


async def test_the_first_launch_after_a_rest_begins_at_once(world: World) -> None:
    await world.ran()
    await world.advance(GATHER)
    [task] = elsewhere(world.submit)
    await world.settle()
    assert world.status(task) is Status.COMPLETED


async def test_what_is_launched_on_the_loop_of_the_engine_begins_at_once(world: World) -> None:
    await world.ran()
    task = world.submit()
    await world.settle()
    assert world.status(task) is Status.COMPLETED


async def test_a_slot_that_comes_free_is_taken_at_once_though_others_are_gathered(world: World) -> None:
    world.engine.queues.limit("scripted", 1)
    first, second = world.submit("hang", seconds=1.0), world.submit("hang", seconds=1.0)
    await world.advance(1.0)
    assert (world.status(first), world.status(second)) == (Status.COMPLETED, Status.PROCESSING)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="asyncio begins tasks at once from Python 3.12 on")
async def test_the_first_step_of_a_handler_is_taken_with_its_begin(world: World) -> None:
    task = world.submit("hang", seconds=1.0)
    world.engine._dispatcher._dispatch()
    [live] = world.engine.runner._live.values()
    assert live.number == task.number
    assert live.run is not None
    assert live.run._task._fut_waiter is not None, "it waits already, and the loop had no turn"  # type: ignore[attr-defined]
