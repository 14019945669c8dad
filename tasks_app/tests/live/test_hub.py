"""The hub's tick: however many look, the loop gets its turns meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tasks_app.conf import config_of
from tasks_app.engine.store import Store
from tasks_app.live import hub
from tasks_app.live.hub import Hub
from tasks_app.live.window import Seen

VIEWERS = 100


class _Still:
    """A window in which nothing happens."""

    numbers = frozenset[int]()
    seen = Seen()

    def tick(self, tick: Any) -> None:
        """Nothing changes."""


class _Reader:
    """A viewer whom it takes a while to serve."""

    key = None

    def __init__(self, clock: Any, takes: float) -> None:
        self._clock, self._takes = clock, takes

    def offer(self, window: Any) -> None:
        """The clock goes on."""
        self._clock.now += self._takes

    def moved(self) -> None:
        """Nothing was seen."""


@pytest.mark.parametrize(("takes", "turns"), [(0.00001, 0), (0.001, 5), (0.1, 5)], ids=["quick", "slow", "very slow"])
async def test_the_loop_gets_a_turn_by_the_clock_while_many_viewers_are_served(
    monkeypatch: pytest.MonkeyPatch, takes: float, turns: int
) -> None:
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(hub, "time", clock)
    runtime: Any = SimpleNamespace(
        engine=SimpleNamespace(flush_progress=lambda: None),
        store=Store(),
        config=config_of({}),
        host=SimpleNamespace(watchdog=None),
        notices=list,
    )
    served = Hub(runtime)
    readers: list[Any] = [_Reader(clock, takes) for _ in range(VIEWERS)]
    window: Any = _Still()
    for reader in readers:
        served.join(reader, "still", lambda: window)
    counted, over = 0, asyncio.Event()

    async def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await served.tick()
    over.set()
    found = counted
    await counting
    for reader in readers:
        served.leave(reader)
    assert found == turns
