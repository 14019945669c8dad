"""Many moments over one timer of the loop."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

import pytest

from tasks_app.handlers import _alarms as room
from tasks_app.handlers._alarms import Alarms, alarms

whose: ContextVar[str] = ContextVar("whose", default="nobody")


def set_at(made: Alarms, seconds: float, call: Callable[[], object]) -> room.Alarm:
    return made.at(asyncio.get_running_loop().time() + seconds, call, copy_context())


async def test_they_go_off_in_the_order_of_their_moments_and_never_before():
    loop, made = asyncio.get_running_loop(), Alarms()
    seen: list[tuple[float, float]] = []
    over = asyncio.Event()
    began = loop.time()

    def note(due: float) -> None:
        seen.append((due, loop.time()))

    for seconds in (0.05, 0.01, 0.03, 0.0, 0.02, 0.04):
        made.at(began + seconds, partial(note, began + seconds), copy_context())
    made.at(began + 0.06, over.set, copy_context())
    await asyncio.wait_for(over.wait(), 60)
    assert [due for due, _ in seen] == sorted(due for due, _ in seen)
    assert all(at >= due - 2 * room.EARLY for due, at in seen)
    assert len(made) == 0


@pytest.mark.parametrize(("turn", "seen_in_between"), [(0.0, {1, 2, 3}), (60.0, {0, 50})])
async def test_those_of_one_moment_go_off_as_they_were_set_and_after_a_while_others_have_their_turn(
    monkeypatch: pytest.MonkeyPatch, turn: float, seen_in_between: set[int]
):
    monkeypatch.setattr(room, "TURN", turn)
    made, seen, over = Alarms(), list[int](), asyncio.Event()
    turns: list[int] = []

    def look() -> None:
        turns.append(len(seen))
        if len(seen) < 50:
            asyncio.get_running_loop().call_soon(look)

    at = asyncio.get_running_loop().time() + 0.01
    for number in range(50):
        made.at(at, partial(seen.append, number), copy_context())
    made.at(at + 0.01, over.set, copy_context())
    look()
    await asyncio.wait_for(over.wait(), 60)
    assert seen == list(range(50))
    assert seen_in_between <= set(turns)
    assert turn == 0.0 or set(turns) == seen_in_between, "as timers of the loop would"


async def test_each_is_called_as_part_of_what_it_was_set_for():
    made, seen, over = Alarms(), list[str](), asyncio.Event()
    for name in ("ann", "bob"):
        whose.set(name)
        set_at(made, 0.01, lambda: seen.append(whose.get()))
    whose.set("carol")
    set_at(made, 0.02, over.set)
    await asyncio.wait_for(over.wait(), 60)
    assert seen == ["ann", "bob"]


async def test_one_that_fails_is_told_of_and_holds_up_no_other():
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    made, over = Alarms(), asyncio.Event()

    def fail() -> None:
        raise LookupError("no such moment")

    set_at(made, 0.0, fail)
    set_at(made, 0.0, over.set)
    await asyncio.wait_for(over.wait(), 60)
    assert [str(context["exception"]) for context in told] == ["no such moment"]


async def test_one_that_was_cancelled_does_not_go_off_and_one_that_has_gone_off_is_past_cancelling():
    made, seen, over = Alarms(), list[str](), asyncio.Event()
    first = set_at(made, 0.0, lambda: seen.append("first"))
    set_at(made, 0.0, lambda: seen.append("second")).cancel()
    set_at(made, 0.01, over.set)
    await asyncio.wait_for(over.wait(), 60)
    first.cancel()
    assert seen == ["first"]
    assert made._cancelled == len(made) == 0


async def test_of_many_that_were_cancelled_nothing_waits_for_its_moment_an_hour_away():
    made = Alarms()
    kept = set_at(made, 3600, lambda: None)
    for alarm in [set_at(made, 3600, lambda: None) for _ in range(1000)]:
        alarm.cancel()
    assert len(made) <= 2 * room.FEW
    kept.cancel()
    assert len(made) == 0
    assert made._timer is None


async def test_one_may_set_and_cancel_others_while_it_goes_off():
    made, seen, over = Alarms(), list[str](), asyncio.Event()

    def go_off() -> None:
        late.cancel()
        made.at(asyncio.get_running_loop().time(), lambda: seen.append("set from within"), copy_context())

    set_at(made, 0.0, go_off)
    late = set_at(made, 0.005, lambda: seen.append("cancelled from within"))
    set_at(made, 0.02, over.set)
    await asyncio.wait_for(over.wait(), 60)
    assert seen == ["set from within"]


async def test_an_earlier_moment_does_not_wait_for_a_later_one_that_was_set_before():
    made, over = Alarms(), asyncio.Event()
    late = set_at(made, 3600, lambda: None)
    set_at(made, 0.01, over.set)
    await asyncio.wait_for(over.wait(), 60)
    late.cancel()


@pytest.mark.parametrize("place", ["call_at", "call_soon", "time"])
async def test_where_there_is_no_memory_for_a_timer_all_go_off_a_little_later(monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.setattr(room, "GUARD", 0.05)
    monkeypatch.setattr(room, "TURN", 0.0)
    loop, made, seen, over = asyncio.get_running_loop(), Alarms(), list[int](), asyncio.Event()
    loop.set_exception_handler(lambda *_: None)  # that there was none is told
    at = loop.time() + 0.01
    for number in range(5):
        made.at(at + (0.01 * number if place == "call_at" else 0.0), partial(seen.append, number), copy_context())
    made.at(at + 0.06, over.set, copy_context())
    failures: list[Any] = []
    real = getattr(loop, place)

    def once(*given: Any, **more: Any) -> Any:
        if not failures and (made._goes_off if place == "time" else made._go_off in given):
            failures.append(given)
            raise MemoryError
        return real(*given, **more)

    monkeypatch.setattr(loop, place, once)
    await asyncio.wait_for(over.wait(), 60)
    assert failures
    assert seen == list(range(5))


async def test_one_that_cannot_be_set_is_not_called_and_nobody_elses_moment_is_lost(monkeypatch: pytest.MonkeyPatch):
    loop, made, seen, over = asyncio.get_running_loop(), Alarms(), list[str](), asyncio.Event()
    set_at(made, 0.03, over.set)

    def none_left(*_: object, **more: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_at", none_left)
        with pytest.raises(MemoryError):
            set_at(made, 0.01, lambda: seen.append("not set"))
    with monkeypatch.context() as patch:
        patch.setattr(room, "heappush", none_left)
        with pytest.raises(MemoryError):
            set_at(made, 0.01, lambda: seen.append("not set"))
    await asyncio.wait_for(over.wait(), 60)
    assert seen == []


@pytest.mark.parametrize("how", [SystemExit, KeyboardInterrupt])
def test_the_others_go_off_though_one_ends_the_loops_run(how: type[BaseException]):
    loop = asyncio.new_event_loop()

    def leave() -> None:
        raise how

    async def set_both() -> None:
        over = asyncio.Event()
        set_at(alarms(), 0.0, leave)
        set_at(alarms(), 0.0, over.set)
        await asyncio.wait_for(over.wait(), 60)

    task = loop.create_task(set_both())
    with pytest.raises(how):
        loop.run_until_complete(task)
    loop.run_until_complete(task)
    loop.close()


def test_they_are_gone_with_their_loop_though_some_wait():
    loop = asyncio.new_event_loop()

    async def use() -> None:
        over = asyncio.Event()
        set_at(alarms(), 0.0, over.set)
        set_at(alarms(), 3600.0, over.set)
        await over.wait()

    loop.run_until_complete(use())
    loop.close()
    gone = weakref.ref(loop)
    del loop

    async def next_one() -> Alarms:
        return alarms()

    asyncio.run(next_one())
    gc.collect()
    assert gone() is None


async def test_of_one_that_is_over_nothing_is_kept():
    class Kept:
        """Something large."""

    def held_by(alarm_of: Callable[[Callable[[], object]], room.Alarm]) -> tuple[room.Alarm, weakref.ref[Kept]]:
        kept = Kept()
        return alarm_of(lambda: kept), weakref.ref(kept)

    made, over = Alarms(), asyncio.Event()
    stays = set_at(made, 3600, over.set)
    cancelled, first = held_by(partial(set_at, made, 3600))
    cancelled.cancel()
    assert first() is None
    _, second = held_by(partial(set_at, made, 0.0))
    set_at(made, 0.01, over.set)
    await asyncio.wait_for(over.wait(), 60)
    assert second() is None
    stays.cancel()
