"""Launches that are taken in together: each gets what it would have got alone."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence

import pytest

from tasks_app.engine import together
from tasks_app.engine.errors import Draining, IdempotencyConflict, InvalidParams, ShareFull, UnknownType, WaitingFull
from tasks_app.engine.events import Change, Step, steps
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Status, Task
from tasks_app.engine.together import Found
from tasks_app.tests.engine.world import World


def asked(by: str = "ann", **given: object) -> tuple[LaunchRequest, str]:
    return LaunchRequest.model_validate({"type": "scripted", "params": {"mode": "ok"}, **given}), by


def submitted(world: World, *launches: tuple[LaunchRequest, str]) -> list[Found]:
    found = world.engine.together.submit(launches, via="test")
    assert len(found) == len(launches)
    return found


def tasks(found: Sequence[Found]) -> list[Task]:
    return [one[0] for one in found if isinstance(one, tuple)]


def kinds(found: Sequence[Found]) -> list[type]:
    return [type(one) for one in found]


async def test_each_is_a_task_of_whoever_asked_and_all_of_one_are_told_at_once(world: World) -> None:
    told: list[int] = []

    def listen(changes: Sequence[Change]) -> None:
        told.append(len(changes))

    world.store.listen(listen)
    found = submitted(world, *[asked("ann", name=str(n)) for n in range(3)], *[asked("bob")] * 2)
    assert told == [3, 2]
    assert [(task.by, task.via, task.name) for task in tasks(found)] == [
        ("ann", "test", "0"),
        ("ann", "test", "1"),
        ("ann", "test", "2"),
        ("bob", "test", ""),
        ("bob", "test", ""),
    ]
    assert all(one[1] for one in found if isinstance(one, tuple))
    await world.settle()
    assert {world.status(task) for task in tasks(found)} == {Status.COMPLETED}


async def test_all_came_at_one_moment_so_that_they_are_counted_in_one_step(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = itertools.count(world.clock.time())
    monkeypatch.setattr(world.clock, "time", lambda: next(moments))
    told: list[list[Step]] = []
    world.store.listen(lambda changes: told.append(steps(changes)))
    found = submitted(world, *[asked(name=str(n)) for n in range(3)])
    assert len({task.created_at for task in tasks(found)}) == 1
    assert [[times for _, _, times in some] for some in told] == [[3]]
    submitted(world, asked())
    assert told[1][0][1].created_at > told[0][0][1].created_at


async def test_where_types_wait_in_turn_others_get_to_the_store_in_between_and_all_begin(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks_app.engine.runner.ROUNDS", 3)
    begun: list[int] = []
    world.store.listen(lambda changes: begun.append(sum(1 for one in changes if one.before and one.before.status is Status.PENDING)))
    found = tasks(submitted(world, *[asked(type=("scripted", "scripted_thread")[number % 2]) for number in range(10)]))
    await world.settle()
    assert [count for count in begun if count] == [3, 3, 3, 1]
    assert {world.status(task) for task in found} <= {Status.COMPLETED, Status.PROCESSING}


async def test_they_keep_their_order_also_past_what_is_taken_in_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST", 4)
    found = submitted(world, *[asked(name=str(n)) for n in range(11)])
    assert [task.name for task in tasks(found)] == [str(n) for n in range(11)]
    assert [task.version for task in tasks(found)] == sorted(task.version for task in tasks(found))


async def test_what_is_wrong_with_one_is_nothing_to_the_others(world: World) -> None:
    found = submitted(world, asked(), asked(type="nothing"), asked(), asked(params={"mode": 1}), asked())
    assert kinds(found) == [tuple, UnknownType, tuple, InvalidParams, tuple]
    assert len(tasks(found)) == world.store.waiting == 3


async def test_a_key_makes_one_task_also_among_others(world: World) -> None:
    found = submitted(world, asked(), asked(idempotency_key="k"), asked(idempotency_key="k"), asked(idempotency_key="k", name="x"), asked())
    assert kinds(found) == [tuple, tuple, tuple, IdempotencyConflict, tuple]
    first, again = found[1], found[2]
    assert isinstance(first, tuple)
    assert isinstance(again, tuple)
    assert (first[1], again[1]) == (True, False)
    assert first[0].id == again[0].id
    assert world.store.waiting == 3


async def test_where_the_line_is_full_the_first_get_in(start: Callable[..., Awaitable[World]]) -> None:
    world = await start(max_waiting=3)
    found = submitted(world, *[asked()] * 5)
    assert kinds(found) == [tuple] * 3 + [WaitingFull] * 2
    assert world.engine.admission.refused == {"waiting_full": 2}


async def test_whose_share_is_full_does_not_keep_others_out(start: Callable[..., Awaitable[World]]) -> None:
    world = await start(max_waiting_each=2)
    found = submitted(world, *[asked("ann")] * 3, *[asked("bob")] * 2)
    assert kinds(found) == [tuple, tuple, ShareFull, tuple, tuple]


async def test_nothing_comes_in_once_it_stops(world: World) -> None:
    world.engine.begin_drain()
    assert kinds(submitted(world, asked(), asked())) == [Draining, Draining]
    assert world.store.waiting == 0


async def test_what_may_have_been_taken_in_is_not_taken_in_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory() -> None:
        raise MemoryError

    monkeypatch.setattr(world.engine._dispatcher, "wake", no_memory)
    assert kinds(submitted(world, asked(), asked(), asked())) == [MemoryError] * 3
    assert world.store.waiting == 3


async def test_none_is_nothing(world: World) -> None:
    assert submitted(world) == []
