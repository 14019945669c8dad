"""The schedule that probes keep, and where it falls among many."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tasks_app.engine.errors import TaskFailure
from tasks_app.handlers._schedule import FREE, FURTHEST, SLOT, Timetable, on_schedule, timetable


async def test_the_first_probe_starts_now_and_nothing_is_waited_for_after_the_last():
    seen: list[int] = []

    async def probe(number: int) -> None:
        seen.append(number)

    await asyncio.wait_for(on_schedule(1, 3600, probe), 60)
    assert seen == [1]


async def test_all_probes_are_under_way_together_and_awaited():
    everybody = asyncio.Barrier(20)

    async def probe(number: int) -> None:
        await everybody.wait()  # passes only when all twenty are there

    await asyncio.wait_for(on_schedule(20, 0.01, probe), 60)


async def test_what_a_probe_raises_comes_out_plain_and_ends_the_others():
    ended: list[int] = []

    async def probe(number: int) -> None:
        if number == 3:
            raise TaskFailure("enough")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    with pytest.raises(TaskFailure, match="enough"):
        await asyncio.wait_for(on_schedule(1000, 0.01, probe), 60)
    assert {1, 2} <= set(ended)


async def test_a_cancel_ends_every_probe_before_it_comes_back():
    ended: list[int] = []
    begun = asyncio.Event()

    async def probe(number: int) -> None:
        if number == 5:
            begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    running = asyncio.create_task(on_schedule(1000, 0.01, probe))
    await asyncio.wait_for(begun.wait(), 60)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert {1, 2, 3, 4, 5} <= set(ended)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def entered(table: Timetable, count: int, interval: float, now: float = 0.0) -> list[tuple[int, float]]:
    return [table.enter(now, interval) for _ in range(count)]


def test_a_few_schedules_begin_where_they_are():
    assert entered(Timetable(), FREE, 1.0, now=12.345) == [(34, 0.0)] * FREE


def test_many_that_come_at_once_are_spread_over_their_interval():
    places = entered(Timetable(), 10_000, 1.0, now=12.345)
    falls = Counter(place for place, _ in places)
    assert len(falls) == 100
    assert max(falls.values()) == 100
    assert all(wait == pytest.approx(((place - 34) % 100) * SLOT) for place, wait in places)


def test_as_many_again_that_come_one_by_one_are_even_too():
    table = Timetable()
    for number in range(10_000):
        table.enter(number / 5_000, 1.0)  # twice as fast as they may fall due
    assert max(table._slots[1.0].values()) == 100


def test_nobody_is_moved_further_than_ten_seconds():
    places = entered(Timetable(), 60_000, 60.0)
    assert max(wait for _, wait in places) < FURTHEST
    assert max(Counter(place for place, _ in places).values()) == 60


def test_who_ends_makes_room_and_nothing_is_kept_of_an_interval_without_schedules():
    table = Timetable()
    first = entered(table, FREE, 0.5)
    assert table.enter(0.0, 0.5) == (1, SLOT)
    table.leave(0, 0.5)
    assert table.enter(0.0, 0.5) == (0, 0.0)
    for place, _ in [*first, (1, SLOT)]:
        table.leave(place, 0.5)
    assert (table._slots, table._counts) == ({}, {})


@pytest.mark.parametrize("interval", [0.01, 0.014, 0.1, 1 / 3, 3600.0])
@pytest.mark.parametrize("now", [0.0, 0.999999, 123456.789])
def test_a_place_is_within_its_interval_and_the_wait_shorter_than_that(interval: float, now: float):
    for place, wait in entered(Timetable(), 3 * FREE, interval, now):
        assert 0 <= place < max(1, round(interval / SLOT))
        assert 0 <= wait < max(interval, SLOT)


async def test_each_loop_has_a_table_of_its_own():
    assert timetable() is timetable()
    assert await asyncio.to_thread(lambda: asyncio.run(another())) is not timetable()


async def another() -> Timetable:
    return timetable()
