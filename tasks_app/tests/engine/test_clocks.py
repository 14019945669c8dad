"""Clocks that jump: the wall clock is set, the machine sleeps. Durations, order and what is kept stay right, and a timer fires once."""

from __future__ import annotations

import datetime as dt

import pytest

from tasks_app.engine.task import Status
from tasks_app.tests.engine.virtual import EPOCH
from tasks_app.tests.engine.world import World

YEAR = 365 * 86_400.0
JUMPS = [3600.0, -3600.0, 1.0, -EPOCH, 12 * YEAR, 40 * YEAR]  # an hour, a leap second, 1970, past 2038, far ahead


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_wall_clock_that_is_set_bends_nothing(world: World, jump: float) -> None:
    before = await world.ran("ok")
    running, timed = world.submit("hang", seconds=4.0), world.submit("hang", timeout=3.0)
    await world.advance(1)
    world.clock.set_by += jump
    after = world.submit("ok")
    await world.advance(4)
    assert world.now(running).seconds_running(0.0) == pytest.approx(4.0)
    assert world.now(timed).seconds_running(0.0) == pytest.approx(3.0)
    assert [world.status(task) for task in (before, running, timed, after)] == [
        Status.COMPLETED,
        Status.COMPLETED,
        Status.FAILED,
        Status.COMPLETED,
    ], "and all are kept, however old one seems"
    assert [task.number for task in (before, running, timed, after)] == [1, 2, 3, 4]
    assert [change.version for change in world.changes] == sorted(change.version for change in world.changes)


@pytest.mark.parametrize("jump", JUMPS)
async def test_the_wait_before_a_retry_is_as_long_as_it_was(world: World, jump: float) -> None:
    task = await world.ran("fail_then_ok", times=1, max_attempts=2)
    await world.advance(0.4)
    world.clock.set_by += jump
    await world.advance(0.3)
    assert world.status(task) is Status.RETRYING, "its second is not over"
    await world.advance(0.5)
    assert world.status(task) is Status.COMPLETED
    assert world.now(task).attempt_number == 2


async def test_what_is_scheduled_for_a_time_comes_at_that_time(world: World) -> None:
    at = dt.datetime.fromtimestamp(world.clock.time() + 3600, dt.UTC)
    task = world.submit("ok", run_at=at)
    world.clock.set_by += 3590
    await world.advance(5)
    assert world.status(task) is Status.SCHEDULED
    await world.advance(6)
    assert world.status(task) is Status.COMPLETED


async def test_after_a_long_sleep_of_the_machine_every_timer_fires_once(world: World) -> None:
    timed = world.submit("hang", timeout=10.0, max_attempts=1)
    retried = await world.ran("fail_then_ok", times=1, max_attempts=3)
    world.loop.now += 8 * 3600  # all at once: nothing ran meanwhile
    await world.advance(2)
    assert world.history(timed) == ["pending", "processing", "failed"]
    assert world.history(retried) == ["pending", "processing", "retrying", "pending", "processing", "completed"]
    assert world.now(retried).attempt_number == 2
