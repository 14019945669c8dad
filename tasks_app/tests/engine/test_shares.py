"""Shares: one person can neither fill the line nor take all slots, and nobody is held up by those who try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import bulk
from tasks_app.engine.engine import Engine
from tasks_app.engine.errors import ShareFull, WaitingFull
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import Recovered, SystemClock
from tasks_app.engine.registry import Registry
from tasks_app.engine.store import Store
from tasks_app.engine.task import Status, Task
from tasks_app.executors.local import LocalExecutor
from tasks_app.journal.null import NullJournal
from tasks_app.tests import scripted
from tasks_app.tests.engine.naive import assert_indexes_are_right, everything
from tasks_app.tests.engine.records import a_task, begun
from tasks_app.tests.engine.virtual import VirtualLoop
from tasks_app.tests.engine.world import World

Start = Callable[..., Awaitable[World]]
PEOPLE = ("ann", "bob", "")
STEP = st.tuples(
    st.sampled_from(["add", "add", "add", "start", "delete", "pass over", "let in"]),
    st.sampled_from(PEOPLE),
    st.sampled_from(["scripted", "other"]),
    st.integers(-1, 1),
    st.integers(0, 30),
)


def request(mode: str = "hang", type: str = "scripted", **given: Any) -> LaunchRequest:
    return LaunchRequest(type=type, params={"mode": mode}, **given)


def running(world: World) -> Counter[str]:
    return Counter(task.by for task in everything(world.store) if task.status is Status.PROCESSING)


# -- the lines


@given(st.lists(STEP, max_size=60))
def test_who_is_next_is_what_looking_at_everybody_in_line_would_say(steps: list[tuple[str, str, str, int, int]]) -> None:
    store = Store()
    store.shares.divide()
    full: set[str] = set()
    for what, by, type, priority, choice in steps:
        pending = [task for task in everything(store) if task.status is Status.PENDING]
        if what == "add":
            number = store.next_number()
            store.add([a_task(number, type=type, by=by, priority=priority)])
        elif what == "pass over" and by:
            full.add(by)
            store.shares.pass_over(by)
        elif what == "let in":
            full.discard(by)
            store.shares.let_in(by)
        elif what == "start" and pending:
            store.update(pending[choice % len(pending)].number, begun)
        elif what == "delete" and len(store):
            store.delete(everything(store)[choice % len(store)].number)
        assert_indexes_are_right(store)
        for line in ("scripted", "other"):
            first = first_naively(store, line, full)
            assert store.first_in_line(line) == first
            if first is not None:
                following = following_naively(store, line, full)
                assert store.next_in_line(line, first, 60) == following
                assert store.next_in_line(line, first, 2) == following[:2]
            assert store.first_in_line(line, anybody=True) == first_naively(store, line, set())


def standing(store: Store, line: str, full: set[str]) -> list[tuple[int, int, str]]:
    """Minus priority, number and name of those in line who are not passed over, in their order."""
    return sorted(
        (-task.priority, task.number, task.by)
        for task in everything(store)
        if task.status is Status.PENDING and task.type == line and task.by not in full
    )


def first_naively(store: Store, line: str, full: set[str]) -> tuple[int, int] | None:
    return next(((rank, number) for rank, number, _ in standing(store, line, full)), None)


def following_naively(store: Store, line: str, full: set[str]) -> list[int]:
    """Those right behind the first who are as urgent and of the same person."""
    (rank, _, by), *rest = standing(store, line, full)
    return [number for _, number, _ in takewhile(lambda one: (one[0], one[2]) == (rank, by), rest)]


def test_however_many_tasks_of_a_full_person_wait_as_many_records_are_looked_at() -> None:
    """Not one of the 20,000 stands in the list of those who are next."""
    store = Store()
    store.shares.divide()
    store.add([a_task(store.next_number(), by="ann") for _ in range(20_000)])
    store.add([a_task(store.next_number(), by="bob")])
    store.shares.pass_over("ann")
    line: Any = store._indexes.lines["scripted"]
    assert (len(line._heads), store.first_in_line("scripted")) == (1, (0, 20_001))
    store.shares.let_in("ann")
    assert (len(line._heads), store.first_in_line("scripted")) == (2, (0, 1))


async def test_tasks_of_one_person_begin_at_once_up_to_his_share(start: Start) -> None:
    world = await start(max_running_each=4)
    told: list[int] = []
    world.store.listen(lambda changes: told.append(len(changes)))
    world.engine.submit_many([request() for _ in range(7)], by="ann")
    world.engine.submit_many([request() for _ in range(2)], by="bob")
    await world.settle()
    assert told == [7, 2, 6]
    assert running(world) == {"ann": 4, "bob": 2}


async def test_they_begin_in_the_order_of_the_line_whoever_they_are_of(start: Start) -> None:
    world = await start(max_running_each=10)
    for by, priority in (("ann", 0), ("ann", 0), ("bob", 0), ("ann", 0), ("bob", 1), ("ann", -1), ("", 0), ("", 0), ("bob", -1)):
        world.engine.submit(request(priority=priority), by=by)
    await world.settle()
    began = [change.after.number for change in world.changes if change.after and change.after.status is Status.PROCESSING]
    assert began == [5, 1, 2, 3, 4, 7, 8, 6, 9]


# -- waiting


async def test_past_his_share_of_the_line_one_is_refused_and_others_are_served(start: Start) -> None:
    world = await start(max_waiting_each=3, concurrency={"scripted": 1})
    world.engine.pause("scripted")
    for _ in range(3):
        world.engine.submit(request(), by="ann")
    with pytest.raises(ShareFull, match="3 tasks of ann are waiting; at most 3 of one person may"):
        world.engine.submit(request(), by="ann")
    with pytest.raises(ShareFull):
        world.engine.submit_many([request()], by="ann")
    assert world.engine.submit(request(), by="bob").status is Status.PENDING
    assert world.store.shares.waiting("ann") == 3


async def test_many_at_once_are_taken_in_all_or_not_at_all(start: Start) -> None:
    world = await start(max_waiting_each=3)
    world.engine.pause("scripted")
    with pytest.raises(ShareFull):
        world.engine.submit_many([request()] * 4, by="ann")
    assert len(world.store) == 0
    assert len(world.engine.submit_many([request()] * 3, by="ann")) == 3


async def test_what_starts_is_cancelled_or_deleted_makes_room_in_the_share(start: Start) -> None:
    world = await start(max_waiting_each=2, max_running=1)
    first = world.engine.submit(request(), by="ann")
    await world.settle()
    second, third = world.engine.submit_many([request()] * 2, by="ann")
    world.engine.cancel(second.id)
    world.engine.delete(third.id)
    assert world.store.shares.waiting("ann") == 0
    world.engine.submit_many([request()] * 2, by="ann")
    assert world.status(first) is Status.PROCESSING


async def test_a_retry_counts_for_whoever_launched_the_task(start: Start) -> None:
    world = await start(max_waiting_each=1)
    old = world.engine.submit(request("fail"), by="ann")
    await world.settle()
    assert world.status(old) is Status.FAILED
    world.engine.pause("scripted")
    world.engine.submit(request(), by="ann")
    with pytest.raises(ShareFull):
        world.engine.retry(old.id)
    assert world.status(old) is Status.FAILED
    with pytest.raises(ShareFull):
        world.engine.rerun(old.id, by="ann")
    assert world.engine.rerun(old.id, by="bob").by == "bob"


async def test_nobody_in_particular_has_no_share_and_the_whole_line_has_a_bound(start: Start) -> None:
    world = await start(max_waiting_each=1, max_waiting=3)
    world.engine.pause("scripted")
    world.engine.submit_many([request()] * 3)
    with pytest.raises(WaitingFull):
        world.engine.submit(request(), by="bob")


async def test_tasks_of_an_earlier_process_are_in_the_share_again() -> None:
    old = [a_task(number, by="ann") for number in (1, 2)] + [begun(a_task(3, by="ann")), a_task(4, by="bob")]
    engine = engine_after(old, Limits(max_waiting_each=2, max_running_each=1))
    assert (engine.store.shares.waiting("ann"), engine.store.shares.waiting("bob")) == (2, 1)
    with pytest.raises(ShareFull):
        engine.submit(request(), by="ann")
    assert engine.submit(request(), by="bob").by == "bob"


class Left(NullJournal):
    """A journal in which an earlier process left tasks."""

    def __init__(self, tasks: list[Task]) -> None:
        super().__init__()
        self._tasks = tasks

    def load(self, *_: Any) -> Recovered:
        return Recovered(tasks=self._tasks)


def engine_after(tasks: list[Task], limits: Limits) -> Engine:
    registry = Registry()
    registry.discover(scripted)
    return Engine(store=Store(), registry=registry, executor=LocalExecutor(), journal=Left(tasks), clock=SystemClock(), limits=limits)


# -- running


async def test_past_his_share_of_slots_ones_tasks_wait_and_others_start(start: Start) -> None:
    world = await start(max_running_each=2, max_running=5)
    of_ann = world.engine.submit_many([request()] * 50, by="ann")
    of_bob = world.engine.submit_many([request()] * 2, by="bob")
    await world.settle()
    assert running(world) == {"ann": 2, "bob": 2}
    waiting = world.engine.waiting(world.now(of_ann[2]))
    assert waiting is not None
    assert (waiting.reason, waiting.position, waiting.slots) == ("share_full", 1, 2)
    world.engine.cancel(of_ann[0].id)
    await world.settle()
    assert running(world) == {"ann": 2, "bob": 2}
    assert world.status(of_ann[2]) is Status.PROCESSING
    assert world.status(of_bob[0]) is Status.PROCESSING


async def test_tasks_without_a_name_share_no_share(start: Start) -> None:
    world = await start(max_running_each=1)
    world.engine.submit_many([request()] * 3)
    await world.settle()
    assert running(world) == {"": 3}


async def test_the_servers_own_tasks_are_in_nobodys_share(start: Start) -> None:
    world = await start(max_running_each=1, max_waiting_each=1)
    world.registry.register(bulk.bulk_type(world.engine))
    hangs = world.engine.submit(request(), by="ann")
    await world.settle()
    world.engine.submit(request(), by="ann")
    params = {"action": "cancel", "ids": []}
    acts = world.engine.submit_own(
        LaunchRequest(type=bulk.NAME, params=params | {"ids": ["0" * 8 + "-0000" * 3 + "-" + "0" * 12]}), by="ann"
    )
    await world.settle()
    assert (world.status(acts), world.status(hangs)) == (Status.COMPLETED, Status.PROCESSING)
    assert running(world) == {"ann": 1}


async def test_a_slot_of_a_handler_that_is_stuck_goes_back_to_its_persons_share(start: Start) -> None:
    world = await start(max_running_each=1, cancel_grace=2)
    stubborn = world.engine.submit(request("stubborn"), by="ann")
    await world.settle()
    following = world.engine.submit(request(), by="ann")
    world.engine.cancel(stubborn.id)
    await world.settle()
    assert world.status(following) is Status.PENDING
    await world.advance(3)
    assert world.status(following) is Status.PROCESSING


LIVES = st.lists(
    st.tuples(st.sampled_from(["launch", "launch", "launch", "cancel", "delete", "retry"]), st.sampled_from(PEOPLE), st.integers(0, 40)),
    max_size=40,
)


@pytest.mark.parametrize("turns", [1, 5])
@given(lives=LIVES)
def test_nobody_runs_more_than_his_share_and_no_slot_stays_free_for_want_of_looking(lives: list[tuple[str, str, int]], turns: int) -> None:
    loop = VirtualLoop()
    world = World(loop, Limits(max_running=5, max_running_each=2, concurrency={"scripted": 4}))
    loop.run_until_complete(world.engine.start())
    for step, (what, by, choice) in enumerate(lives):
        tasks = everything(world.store)
        task = tasks[choice % len(tasks)] if tasks else None
        if what == "launch":
            world.engine.submit(request(priority=choice % 3), by=by)
        elif task is not None and what == "cancel" and task.status in (Status.PENDING, Status.PROCESSING):
            world.engine.cancel(task.id)
        elif task is not None and what == "delete":
            world.engine.delete(task.id)
        elif task is not None and what == "retry" and task.status is Status.CANCELLED:
            world.engine.retry(task.id)
        if step % turns == 0:
            loop.run_until_complete(world.settle())
            _is_shared_out(world)
    loop.run_until_complete(world.engine.drain(0))
    assert not world.engine.queues._held
    loop.close()


def _is_shared_out(world: World) -> None:
    runs = running(world)
    assert all(count <= 2 for by, count in runs.items() if by)
    assert world.engine.queues._held == Counter({by: count for by, count in runs.items() if by})
    if sum(runs.values()) < 4:
        waiting = [task for task in everything(world.store) if task.status is Status.PENDING]
        assert all(task.by and runs[task.by] == 2 for task in waiting)
