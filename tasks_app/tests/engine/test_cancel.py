"""Cancel is honest: what stops, stops; what does not is said to be stuck, and its slot is handed on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from tasks_app.engine.errors import IllegalTransition, NotFound
from tasks_app.engine.runner import STUCK_CAP
from tasks_app.engine.task import TERMINAL, OutcomeKind, Status, Task
from tasks_app.tests import scripted
from tasks_app.tests.engine.records import IN_STATUS
from tasks_app.tests.engine.virtual import EPOCH
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]


async def in_status(world: World, status: Status) -> Task:
    """A task in this status, by honest means."""
    if status is Status.SCHEDULED:
        return world.submit(run_at=datetime.fromtimestamp(EPOCH, UTC) + timedelta(hours=1))
    if status is Status.PENDING:
        world.engine.pause("scripted")
        return world.submit()
    mode = {
        Status.PROCESSING: "hang",
        Status.RETRYING: "fail",
        Status.CANCELLING: "stubborn",
        Status.COMPLETED: "ok",
        Status.FAILED: "fail",
        Status.CANCELLED: "hang",
    }[status]
    task = await world.ran(mode, max_attempts=2 if status is Status.RETRYING else 1)
    if status in (Status.CANCELLING, Status.CANCELLED):
        world.engine.cancel(task.id)
        await world.settle()
    assert world.status(task) is status
    return world.now(task)


REACHABLE = sorted(set(IN_STATUS) - {Status.INTERRUPTED})


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("status", REACHABLE)
async def test_a_cancel_ends_a_task_in_any_status_that_has_not_ended(world: World, status: Status, force: bool) -> None:
    task = await in_status(world, status)
    if status in TERMINAL:
        version = world.store.version
        with pytest.raises(IllegalTransition):
            world.engine.cancel(task.id, force=force)
        assert world.store.version == version
        return
    world.engine.cancel(task.id, by="ann", reason="no more", force=force)
    await world.advance(6)
    if status is Status.CANCELLING and not force:
        assert world.status(task) is Status.CANCELLING
    else:
        assert world.status(task) is Status.CANCELLED
        assert world.engine.queues.running == 0


async def test_a_running_task_stops_at_once_and_its_finally_runs(world: World) -> None:
    task = await in_status(world, Status.PROCESSING)
    said = world.engine.cancel(task.id, by="ann", reason="no more")
    assert said.status is Status.CANCELLING
    await world.settle()
    done = world.now(task)
    assert done.status is Status.CANCELLED
    assert done.cancel is not None
    assert (done.cancel.by, done.cancel.reason, done.cancel.forced, done.cancel.stuck, done.cancel.abandoned) == (
        "ann",
        "no more",
        False,
        False,
        False,
    )
    assert scripted.ended == [(task.id, 1)]
    assert done.attempt is not None
    assert done.attempt.outcome is OutcomeKind.CANCELLED


async def test_a_waiting_task_is_cancelled_at_once_and_never_starts(world: World) -> None:
    for status in (Status.SCHEDULED, Status.PENDING, Status.RETRYING):
        task = await in_status(world, status)
        assert world.engine.cancel(task.id).status is Status.CANCELLED
        world.engine.resume("scripted")
        await world.advance(7200)
        assert world.status(task) is Status.CANCELLED


async def test_asking_twice_changes_nothing(world: World) -> None:
    task = await in_status(world, Status.CANCELLING)
    version = world.store.version
    again = world.engine.cancel(task.id, by="bob", reason="again")
    assert world.store.version == version
    assert again.cancel == world.now(task).cancel


async def test_a_handler_that_does_not_stop_is_stuck_after_its_grace_and_its_slot_is_handed_on(start: Start) -> None:
    world = await start(concurrency={"scripted": 1}, cancel_grace=5)
    task = await in_status(world, Status.CANCELLING)
    waits = world.submit()
    await world.advance(4.9)
    assert world.status(waits) is Status.PENDING
    await world.advance(0.2)
    stuck = world.now(task)
    assert stuck.status is Status.CANCELLING
    assert stuck.cancel is not None
    assert stuck.cancel.stuck
    assert world.status(waits) is Status.COMPLETED
    assert world.engine.runner.stuck == 1


async def test_a_stuck_handler_that_stops_in_the_end_is_cancelled_and_gives_no_second_slot_back(start: Start) -> None:
    world = await start(concurrency={"scripted": 1})
    task = await in_status(world, Status.CANCELLING)
    await world.advance(6)
    runs = world.submit("hang")
    await world.settle()
    scripted.LET_GO.set()
    await world.advance(1)
    assert (world.status(task), world.status(runs)) == (Status.CANCELLED, Status.PROCESSING)
    assert (world.engine.queues.running, world.engine.runner.stuck) == (1, 0)


async def test_force_abandons_what_does_not_stop_and_says_so(world: World) -> None:
    task = await in_status(world, Status.CANCELLING)
    await world.advance(6)
    assert world.engine.cancel(task.id, force=True).status is Status.CANCELLING
    await world.advance(0.5)
    done = world.now(task)
    assert done.status is Status.CANCELLED
    assert done.cancel is not None
    assert (done.cancel.forced, done.cancel.abandoned) == (True, True)
    assert done.error is not None
    assert "may still be running" in done.error.message
    assert world.engine.runner.stuck == 1
    assert world.engine.queues.running == 0


async def test_force_does_not_call_a_handler_abandoned_that_stops_when_asked(world: World) -> None:
    task = await in_status(world, Status.PROCESSING)
    world.engine.cancel(task.id, force=True)
    await world.advance(1)
    done = world.now(task)
    assert done.cancel is not None
    assert (done.status, done.cancel.forced, done.cancel.abandoned, done.error) == (Status.CANCELLED, True, False, None)


@pytest.mark.parametrize(("seconds", "abandoned"), [(0.2, False), (0.3, True)])
async def test_force_leaves_a_handler_a_quarter_of_a_second_to_clean_up(world: World, seconds: float, abandoned: bool) -> None:
    task = await world.ran("cleans_up", seconds=seconds)
    world.engine.cancel(task.id, force=True)
    await world.advance(1)
    done = world.now(task)
    assert done.cancel is not None
    assert (done.status, done.cancel.abandoned) == (Status.CANCELLED, abandoned)


async def test_what_an_abandoned_handler_does_later_is_not_heard(world: World) -> None:
    task = await in_status(world, Status.CANCELLING)
    world.engine.cancel(task.id, force=True)
    await world.advance(1)
    version = world.store.version
    scripted.LET_GO.set()
    await world.advance(1)
    assert world.store.version == version
    assert world.engine.runner.stuck == 0


async def test_a_new_attempt_may_run_beside_the_abandoned_one(world: World) -> None:
    task = await in_status(world, Status.CANCELLING)
    world.engine.cancel(task.id, force=True)
    await world.advance(1)
    world.engine.retry(task.id)
    await world.settle()
    assert world.status(task) is Status.PROCESSING
    scripted.LET_GO.set()
    await world.advance(1)
    done = world.now(task)
    assert (done.status, len(done.attempts)) == (Status.COMPLETED, 2)
    assert sorted(scripted.ended) == [(task.id, 1), (task.id, 2)]


async def test_sixteen_stuck_handlers_are_too_many(world: World) -> None:
    tasks = [world.submit("stubborn") for _ in range(STUCK_CAP)]
    await world.settle()
    for task in tasks[1:]:
        world.engine.cancel(task.id)
    await world.advance(6)
    assert (world.engine.runner.stuck, world.engine.runner.stuck_too_many) == (STUCK_CAP - 1, False)
    world.engine.cancel(tasks[0].id)
    await world.advance(6)
    assert world.engine.runner.stuck_too_many
    scripted.LET_GO.set()
    await world.advance(1)
    assert not world.engine.runner.stuck_too_many


async def test_a_handler_that_returns_though_asked_to_stop_was_cancelled_and_keeps_its_result(world: World) -> None:
    task = await in_status(world, Status.CANCELLING)
    scripted.LET_GO.set()
    await world.advance(1)
    done = world.now(task)
    assert (done.status, done.result) == (Status.CANCELLED, b'{"attempt":1,"password":0}')


async def test_a_cancelled_task_is_not_tried_again(world: World) -> None:
    task = await world.ran("hang", max_attempts=5)
    world.engine.cancel(task.id)
    await world.advance(100)
    assert (world.status(task), len(world.now(task).attempts)) == (Status.CANCELLED, 1)


# -- delete


@pytest.mark.parametrize("status", REACHABLE)
async def test_a_task_can_be_deleted_in_any_status_and_nothing_of_it_comes_back(world: World, status: Status) -> None:
    task = await in_status(world, status)
    world.engine.delete(task.id)
    with pytest.raises(NotFound):
        world.engine.delete(task.id)
    scripted.LET_GO.set()
    world.engine.resume("scripted")
    await world.advance(7200)
    assert world.store.find(task.id) is None
    assert world.changes[-1].after is None
    assert world.engine.queues.running == 0


async def test_deleting_a_running_task_stops_its_handler_and_frees_its_slot(start: Start) -> None:
    world = await start(concurrency={"scripted": 1})
    task = await in_status(world, Status.PROCESSING)
    waits = world.submit()
    world.engine.delete(task.id)
    await world.settle()
    assert scripted.ended[0] == (task.id, 1)
    assert world.status(waits) is Status.COMPLETED


async def test_a_deleted_handler_that_does_not_stop_is_given_up_after_its_grace(start: Start) -> None:
    world = await start(concurrency={"scripted": 1})
    task = await world.ran("stubborn")
    waits = world.submit()
    world.engine.delete(task.id)
    await world.advance(5.1)
    assert world.status(waits) is Status.COMPLETED
    assert len(world.engine.runner) == 0
    assert world.engine.runner.stuck == 1


async def test_late_progress_of_a_deleted_task_is_refused(world: World) -> None:
    task = await world.ran("slow_progress", times=10, seconds=0.1)
    world.engine.delete(task.id)
    await world.advance(5)
    assert world.store.find(task.id) is None
    assert world.changes[-1].after is None
