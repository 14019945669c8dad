"""Series: small numbers of their own, each given once, in order; and cancels that come before their task."""

from __future__ import annotations

import random
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks_app.engine.errors import Draining, InvalidParams, WaitingFull
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.series import Series
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.tests.engine.naive import assert_indexes_are_right
from tasks_app.tests.engine.records import a_task
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]
JOBS = Series("jobs", 0)
OTHERS = Series("others")
REQUEST = LaunchRequest(type="scripted")


def numbered(store: Store, series: Series = JOBS) -> Task:
    """A new task of a series, as it is kept."""
    store.series.open(series)
    number = store.next_number()
    return store.add([a_task(number, series=series.name)])[0]


def test_a_series_counts_from_its_first_number_and_does_not_mind_others() -> None:
    store = Store()
    assert [numbered(store, series).serial for series in (JOBS, OTHERS, JOBS, OTHERS, JOBS)] == [0, 1, 1, 2, 2]
    store.add([a_task(store.next_number())])
    assert numbered(store).serial == 3
    assert store.series.numbers("jobs") == [1, 3, 5, 7]
    assert [store.series.number("jobs", serial) for serial in (0, 1, 2, 3, 4, -1)] == [1, 3, 5, 7, None, None]
    assert store.series.number("others", 0) is None


def test_a_series_that_nobody_opened_is_empty() -> None:
    series = Store().series
    assert (series.numbers("jobs"), series.number("jobs", 0), series.ahead("jobs"), series.is_ahead("jobs", 0)) == ([], None, [], False)


def test_opening_a_series_again_changes_nothing() -> None:
    store = Store()
    numbered(store)
    store.series.open(JOBS)
    assert numbered(store).serial == 1


def test_a_number_of_a_deleted_task_is_not_given_again() -> None:
    store = Store()
    numbered(store)
    last = numbered(store)
    store.delete(last.number)
    assert store.series.number("jobs", 1) is None
    assert numbered(store).serial == 2
    assert store.series.numbers("jobs") == [1, 3]


def test_restored_tasks_keep_their_numbers_and_the_next_goes_on_from_there() -> None:
    store = Store()
    store.restore([a_task(1, series="jobs", serial=8), a_task(2, series="jobs", serial=4)], serials={"jobs": 12})
    store.series.open(JOBS)
    assert store.series.numbers("jobs") == [2, 1], "in the order of the series"
    assert numbered(store).serial == 12


def test_a_cancel_ahead_is_remembered_until_its_task_comes_and_then_used_up() -> None:
    store = Store()
    store.series.open(JOBS)
    assert store.series.cancel_ahead("jobs", 1)
    assert store.series.cancel_ahead("jobs", 7)
    assert store.series.cancel_ahead("jobs", 1)
    assert store.series.ahead("jobs") == [1, 7]
    first, second = numbered(store), numbered(store)
    assert (first.status, second.status) == (Status.PENDING, Status.CANCELLED)
    assert second.cancel is not None
    assert second.ended_at == second.created_at
    assert store.series.ahead("jobs") == [7]
    assert [store.series.is_ahead("jobs", serial) for serial in (0, 1, 7)] == [False, False, True]
    assert not store.series.cancel_ahead("jobs", 1), "given out already"
    assert_indexes_are_right(store)


async def test_what_is_refused_uses_up_no_number(start: Start) -> None:
    world = await start(max_waiting=1)
    world.engine.pause("scripted")
    with pytest.raises(InvalidParams):
        world.engine.submit_numbered(LaunchRequest(type="scripted", params={"mode": 5}), JOBS)
    assert world.engine.submit_numbered(REQUEST, JOBS).serial == 0
    with pytest.raises(WaitingFull):
        world.engine.submit_numbered(REQUEST, JOBS)
    world.engine.resume("scripted")
    await world.settle()
    assert world.engine.submit_numbered(REQUEST, JOBS).serial == 1
    world.engine.begin_drain()
    with pytest.raises(Draining):
        world.engine.submit_numbered(REQUEST, JOBS)
    assert len(world.store.series.numbers("jobs")) == 2


async def test_a_task_cancelled_ahead_never_runs_and_is_announced_as_cancelled(world: World) -> None:
    world.store.series.open(JOBS)
    world.store.series.cancel_ahead("jobs", 0)
    task = world.engine.submit_numbered(REQUEST, JOBS)
    await world.advance(5)
    assert world.history(task) == ["cancelled"]
    assert world.now(task).attempts == ()
    assert world.engine.queues.running == 0


async def test_a_number_stays_through_a_retry_and_a_rerun_has_none(world: World) -> None:
    task = world.engine.submit_numbered(LaunchRequest(type="scripted", params={"mode": "fail"}), JOBS)
    await world.settle()
    world.engine.retry(task.id)
    await world.settle()
    assert world.now(task).serial == 0
    again = world.engine.rerun(task.id)
    assert (again.series, again.serial) == ("", None)


def test_threads_get_each_number_once_and_a_cancel_of_a_number_is_never_lost() -> None:
    """Either it was remembered, and the task came in cancelled, or the number had been given out."""
    store = Store()
    store.series.open(JOBS)
    remembered: set[int] = set()
    added: dict[int, Task] = {}
    barrier = threading.Barrier(4)

    def add() -> None:
        barrier.wait()
        for _ in range(2000):
            task = numbered(store)
            assert task.serial is not None
            added[task.serial] = task
            number = store.series.number("jobs", task.serial)
            assert number is not None
            assert store.by_number(number) is not None

    def cancel() -> None:
        chance = random.Random(7)
        barrier.wait()
        while len(added) < 3 * 2000:
            serial = len(added) + chance.randrange(40)
            if store.series.cancel_ahead("jobs", serial):
                remembered.add(serial)
            else:
                number = store.series.number("jobs", serial)
                assert number is not None
                assert store.by_number(number) is not None, "what was given out is in the store"

    with ThreadPoolExecutor(4) as pool:
        for future in [*(pool.submit(add) for _ in range(3)), pool.submit(cancel)]:
            future.result()
    assert sorted(added) == list(range(6000))
    assert remembered, "the threads did not meet"
    cancelled = {serial for serial, task in added.items() if task.status is Status.CANCELLED}
    assert cancelled == remembered & added.keys()
    assert store.series.ahead("jobs") == sorted(remembered - added.keys())
