"""What many ask for at once is done one at a time."""

from __future__ import annotations

import asyncio
from functools import partial

from tasks_app import turnstile as turnstiles
from tasks_app.turnstile import Turnstile, turnstile


async def test_a_few_are_let_through_in_each_turn_in_the_order_they_came(monkeypatch):
    monkeypatch.setattr(turnstiles, "TURN_SECONDS", 0.0)
    through: list[int] = []
    gate = Turnstile()
    for number in range(3):
        gate.enter(partial(through.append, number))
    seen = []
    for _ in range(4):
        seen.append(list(through))
        await asyncio.sleep(0)
    assert seen == [[], [0], [0, 1], [0, 1, 2]]


async def test_as_many_as_there_is_time_for_are_let_through_in_a_turn(monkeypatch):
    monkeypatch.setattr(turnstiles, "TURN_SECONDS", 60.0)
    through: list[int] = []
    gate = Turnstile()
    for number in range(100):
        gate.enter(partial(through.append, number))
    await asyncio.sleep(0)
    assert through == list(range(100))


async def test_whoever_comes_again_stands_at_the_end_of_the_line():
    through: list[str] = []
    gate = Turnstile()

    def again(left: int) -> None:
        through.append(f"again {left}")
        if left:
            gate.enter(partial(again, left - 1))

    gate.enter(partial(again, 2))
    gate.enter(partial(through.append, "other"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert through == ["again 2", "other", "again 1", "again 0"]


async def test_one_that_fails_holds_up_nobody():
    through: list[int] = []
    gate, told = Turnstile(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    gate.enter(lambda: 1 / 0)
    gate.enter(lambda: through.append(1))
    for _ in range(3):
        await asyncio.sleep(0)
    gate.enter(lambda: through.append(2))
    await asyncio.sleep(0)
    assert through == [1, 2]
    assert [type(error) for error in told] == [ZeroDivisionError]


async def test_there_is_one_for_each_loop():
    assert turnstile() is turnstile()
    assert await asyncio.to_thread(lambda: asyncio.run(_one())) is not turnstile()


async def _one() -> Turnstile:
    return turnstile()
