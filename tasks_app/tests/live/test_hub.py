"""The hub's tick: however many look, the loop gets its turns meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tasks_app.conf import config_of
from tasks_app.engine.store import Store
from tasks_app.live import hub
from tasks_app.live.hub import A_STEP, FEW, STEPS, Hub
from tasks_app.live.window import Seen, Tick
from tasks_app.tests.engine.records import a_task

VIEWERS = 100


@pytest.fixture(autouse=True)
def nothing_ticks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "TICK", 3600.0)


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


def _runtime(flush_progress: Any = lambda among=None: None) -> Any:
    return SimpleNamespace(
        engine=SimpleNamespace(flush_progress=flush_progress, reports=SimpleNamespace(waiting=0)),
        store=Store(),
        config=config_of({}),
        host=SimpleNamespace(watchdog=None),
        notices=list,
    )


class _Told:
    """A window that keeps what it is told."""

    seen = Seen()

    def __init__(self, *numbers: int) -> None:
        self.numbers = frozenset(numbers)
        self.ticks: list[Tick] = []

    def tick(self, tick: Tick) -> None:
        """What changed."""
        self.ticks.append(tick)


class _Counted:
    """A viewer who counts what he is offered."""

    key = None

    def __init__(self) -> None:
        self.offers = 0

    def offer(self, window: Any) -> None:
        """One more."""
        self.offers += 1

    def moved(self) -> None:
        """Nothing was seen."""


@pytest.mark.parametrize(("count", "steps"), [(1, 1), (A_STEP - 1, 1), (A_STEP, 2), (3 * A_STEP, STEPS), (10 * A_STEP, STEPS)])
async def test_many_viewers_are_served_in_steps_and_each_once_a_tick(count: int, steps: int) -> None:
    served = Hub(_runtime())
    window: Any = _Told()
    viewers: list[Any] = [_Counted() for _ in range(count)]
    for viewer in viewers:
        served.join(viewer, "told", lambda: window)
    await served.tick()  # the first finds out how many there are
    before = {viewer: viewer.offers for viewer in viewers}
    window.ticks.clear()
    for _ in range(steps):
        await served.tick()
    assert {viewer.offers - before[viewer] for viewer in viewers} == {1}
    assert len({tick.number for tick in window.ticks}) <= 2
    for _ in range(steps):
        await served.tick()
    assert [tick.again for tick in window.ticks].count(False) == 2, "each tick has one first step"
    for viewer in viewers:
        served.leave(viewer)


@pytest.mark.parametrize(("waiting", "asked"), [(0, None), (FEW, None), (FEW + 1, frozenset({1, 2}))])
async def test_of_many_words_on_progress_only_those_that_are_seen_are_written_for_a_tick(waiting: int, asked: Any) -> None:
    flushed: list[Any] = []
    runtime = _runtime(lambda among=None: flushed.append(among))
    runtime.engine.reports.waiting = waiting
    served = Hub(runtime)
    window: Any = _Told(1, 2)
    viewer: Any = _Counted()
    served.join(viewer, "told", lambda: window)
    await served.tick()
    assert flushed == [asked]
    served.leave(viewer)


async def test_what_happens_while_the_first_window_is_made_is_told_to_it() -> None:
    runtime = _runtime()
    served = Hub(runtime)
    window: Any = _Told()
    viewer: Any = _Counted()

    def make() -> Any:
        runtime.store.add([a_task(1)])  # by another thread, say, once the window has looked
        return window

    served.join(viewer, "told", make)
    await served.tick()
    assert window.ticks[0].reshaped
    served.leave(viewer)


async def test_a_window_that_cannot_be_made_leaves_nobody_listening() -> None:
    runtime = _runtime()
    served = Hub(runtime)
    viewer: Any = _Counted()

    def make() -> Any:
        raise LookupError

    with pytest.raises(LookupError):
        served.join(viewer, "none", make)
    assert served._ticking is None
    runtime.store.add([a_task(1)])
    assert served._marks.swap() == (0, frozenset(), False)


async def test_what_changed_for_a_window_waits_until_somebody_is_there_to_see_it() -> None:
    flushed: list[Any] = []
    runtime = _runtime(lambda among=None: flushed.append(among))
    served = Hub(runtime)
    crowded: Any = _Told(1)
    lonely: Any = _Told(2)
    one: Any = _Counted()
    served.join(one, "lonely", lambda: lonely)
    many: list[Any] = [_Counted() for _ in range(A_STEP)]
    for viewer in many:
        served.join(viewer, "crowded", lambda: crowded)
    while len(lonely.ticks) < 2:
        await served.tick()
    assert served._step == 0
    lonely.ticks.clear()
    crowded.ticks.clear()
    runtime.store.add([a_task(2)])
    await served.tick()  # the lonely one is not due
    assert lonely.ticks == []
    assert [set(tick.dirty) for tick in crowded.ticks] == [set()]
    assert flushed[-1] == {1}, "further steps ask for what they show alone"
    await served.tick()
    assert [(set(tick.dirty), tick.reshaped) for tick in lonely.ticks] == [({2}, True)]
    assert flushed[-1] is None, "and the first for all"
    for viewer in [one, *many]:
        served.leave(viewer)


async def test_a_window_that_fails_half_way_leaves_nothing_watched() -> None:
    served = Hub(_runtime())
    window: Any = _Told(1, 2)

    def fails(tick: Tick) -> None:
        window.numbers = frozenset({2, 3})
        raise ValueError

    window.tick = fails
    viewer: Any = _Counted()
    viewer.give_up = lambda code: None
    served.join(viewer, "told", lambda: window)
    await served.tick()
    assert served.viewers == 0
    assert served._marks._visible == {}


async def test_who_left_while_others_were_served_is_offered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(hub, "LOOK_AT_CLOCK", 1)
    served = Hub(_runtime())
    window: Any = _Told()
    other: Any = _Told()
    first, last, alone = _Counted(), _Counted(), _Counted()
    viewers: list[Any] = [first, last, alone]
    served.join(viewers[0], "told", lambda: window)
    served.join(viewers[1], "told", lambda: window)
    served.join(viewers[2], "other", lambda: other)

    async def leave() -> None:
        served.leave(viewers[1])
        served.leave(viewers[2])

    leaving = asyncio.create_task(leave())
    await served.tick()
    await leaving
    assert [first.offers, last.offers, alone.offers] == [1, 0, 0]
    assert other.ticks == [], "nobody looks through it any more"
    served.leave(viewers[0])


@pytest.mark.parametrize(("takes", "turns"), [(0.00001, 0), (0.001, 5), (0.1, 5)], ids=["quick", "slow", "very slow"])
async def test_the_loop_gets_a_turn_by_the_clock_while_many_viewers_are_served(
    monkeypatch: pytest.MonkeyPatch, takes: float, turns: int
) -> None:
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(hub, "time", clock)
    served = Hub(_runtime())
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
