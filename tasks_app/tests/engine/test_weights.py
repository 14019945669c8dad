"""The task that holds the most memory is found by looking at what its handler's variables lead to."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tasks_app.engine import weights
from tasks_app.engine.context import Context
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.registry import Params
from tasks_app.memory import LONG_LOOK, Heaviest
from tasks_app.tests.engine.leaks import until
from tasks_app.tests.engine.test_host import Hosted
from tasks_app.tests.engine.world import handler

MIB = 2**20


async def holds_deep_down(params: Params, context: Context) -> None:
    """Twenty MiB in a coroutine it awaits."""
    await _holds([b"x" * MIB for _ in range(20)], context)


async def _holds(kept: list[bytes], context: Context) -> None:
    await asyncio.sleep(30)
    context.progress(len(kept))


def holds_in_a_thread(params: Params, context: Context) -> None:
    """Ten MiB in many small things."""
    kept = dict.fromkeys(range(10000), "x" * 1000)
    while True:
        context.wait(0.01)
        context.progress(len(kept))


async def holds_little(params: Params, context: Context) -> None:
    """Next to nothing."""
    await asyncio.sleep(30)


@pytest.mark.real_time
def test_the_heaviest_come_first() -> None:
    hosted = Hosted()
    for function in (holds_deep_down, holds_in_a_thread, holds_little):
        hosted.registry.register(handler(function.__name__, function))
    hosted.host.start()
    for name in ("holds_little", "holds_in_a_thread", "holds_deep_down"):
        hosted.engine.submit(LaunchRequest(type=name))
    runner = hosted.engine.runner
    try:
        assert until(lambda: [live.type.name for _, live in runner.heaviest(2)] == ["holds_deep_down", "holds_in_a_thread"])
        sizes = {live.type.name: size for size, live in runner.heaviest()}
        assert 19 * MIB < sizes["holds_deep_down"] < 22 * MIB
        assert 8 * MIB < sizes["holds_in_a_thread"] < 14 * MIB
        assert sizes["holds_little"] < MIB
    finally:
        assert hosted.ended(0)


@pytest.mark.parametrize("value", [list(range(3_000_000)), {n: [n] for n in range(100_000)}, "x" * 10_000_000])
def test_a_look_at_anything_is_short(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def getsizeof(found: object, default: int) -> int:
        nonlocal looks
        looks += 1
        return sys.getsizeof(found, default)

    monkeypatch.setattr(weights, "sys", SimpleNamespace(getsizeof=getsizeof))
    kept = value

    def frame() -> Any:
        held = kept

        return sys._getframe(), held

    made, _ = frame()
    assert weights.weight([made]) >= 3_000_000
    assert looks <= 2 * weights.MOST_LOOKS + weights.SAMPLE


def test_the_sentence_names_the_heaviest_and_is_made_now_and_then() -> None:
    now, looks = [0.0], []

    def find() -> list[tuple[int, int, str]]:
        looks.append(now[0])
        return [(900 * MIB, 12, "download"), (2 * MIB, 3, "ping"), (10, 4, "count")]

    said = Heaviest(find, clock=lambda: now[0])
    for now[0] in (0.0, LONG_LOOK / 2, LONG_LOOK):
        assert str(said) == "As far as can be told, most is held by task 12 (download) 900 MiB, task 3 (ping) 2 MiB."
    assert looks == [0.0, LONG_LOOK]
