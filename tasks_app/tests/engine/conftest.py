"""The engine's tests run in virtual time, unless they are marked `real_time`; whatever they start must have ended when they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import pytest

from tasks_app.engine.limits import Limits
from tasks_app.tests import scripted
from tasks_app.tests.engine.leaks import nothing_left
from tasks_app.tests.engine.virtual import VirtualLoop
from tasks_app.tests.engine.world import World
from tasks_app.tests.patient_loop import PatientLoop


def pytest_configure(config: pytest.Config) -> None:
    """Name our mark."""
    config.addinivalue_line("markers", "real_time: runs with the machine's clock: real threads and processes take part")


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time, unless the test or its module says otherwise."""
    if item.get_closest_marker("real_time"):
        return {"real": PatientLoop}
    return {"virtual": VirtualLoop}


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """No test sees what another one's handlers did, and none leaves a thread or a process."""
    scripted.LET_GO.clear()
    scripted.ended.clear()
    with nothing_left():
        yield
        scripted.LET_GO.set()


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Starts an engine with the given limits."""
    worlds: list[World] = []

    async def started(*, chance: Callable[[], float] = lambda: 0.0, types: Any = (), executor: Any = None, **limits: Any) -> World:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        world = World(loop, Limits(**limits), chance=chance, types=types, executor=executor)
        await world.engine.start()
        worlds.append(world)
        return world

    yield started
    scripted.LET_GO.set()
    for world in worlds:
        await world.end()
    await asyncio.sleep(10)  # of virtual time: even the stubborn have ended now
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"left behind: {left}"


@pytest.fixture
async def world(start: Callable[..., Awaitable[World]]) -> World:
    """An engine with the limits it comes with."""
    return await start()
