"""The schedule that probes keep."""

from __future__ import annotations

import asyncio

import pytest

from tasks_app.engine.errors import TaskFailure
from tasks_app.handlers._schedule import on_schedule


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
