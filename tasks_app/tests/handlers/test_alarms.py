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


async def test_those_of_one_moment_go_off_as_they_were_set_and_others_have_their_turn_in_between():
    made, seen, over = Alarms(), list[int](), asyncio.Event()
    turns: list[int] = []
    count = 3 * room.A_TURN

    def turn() -> None:
        turns.append(len(seen))
        if len(seen) < count:
            asyncio.get_running_loop().call_soon(turn)

    at = asyncio.get_running_loop().time() + 0.01
    for number in range(count):
        made.at(at, partial(seen.append, number), copy_context())
    made.at(at + 0.01, over.set, copy_context())
    turn()
    await asyncio.wait_for(over.wait(), 60)
    assert seen == list(range(count))
    assert {room.A_TURN, 2 * room.A_TURN} <= set(turns)


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


@pytest.mark.parametrize("how", [SystemExit, KeyboardInterrupt])
def test_the_others_go_off_though_one_ends_the_loops_run(how: type[BaseException]):
    loop = asyncio.new_event_loop()
    seen: list[str] = []

    async def begin() -> Alarms:
        return alarms()

    def leave() -> None:
        raise how

    made = loop.run_until_complete(begin())
    made_at = loop.time()

    async def set_both() -> None:
        made.at(made_at, leave, copy_context())
        made.at(made_at, lambda: seen.append("second"), copy_context())
        await asyncio.sleep(0.05)

    task = loop.create_task(set_both())
    with pytest.raises(how):
        loop.run_until_complete(task)
    loop.run_until_complete(task)
    loop.close()
    assert seen == ["second"]


def test_they_are_gone_with_their_loop():
    loop = asyncio.new_event_loop()

    async def use() -> None:
        over = asyncio.Event()
        set_at(alarms(), 0.0, over.set)
        await over.wait()

    loop.run_until_complete(use())
    loop.close()
    gone = weakref.ref(loop)
    del loop
    gc.collect()
    assert gone() is None
