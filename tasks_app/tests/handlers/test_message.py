"""Message: carries its text for a time that chance decides."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers.message import message
from tasks_app.tests.handlers.running import Attempt, execute, until


@pytest.fixture
def chosen(monkeypatch) -> list[tuple[float, float]]:
    """The ranges from which chance was asked to choose; it takes a tenth of each."""
    asked: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        asked.append((low, high))
        return low + (high - low) / 10

    monkeypatch.setattr(random, "uniform", uniform)
    return asked


@pytest.mark.parametrize("data", ["hello", "", "<b>&\u2028</b>\n", "x" * 10_000])
async def test_the_text_comes_back_as_it_was(data):
    assert (await execute(message, {"data": data, "longest": 0})).result == {"data": data, "seconds": 0}


async def test_it_works_for_as_long_as_chance_says(chosen):
    ran = await execute(message, {"longest": 7})
    assert chosen == [(0, 7)]
    assert ran.result == {"data": "hello", "seconds": 0.7}
    assert ran.context.seconds >= 0.7
    current, total, words = ran.reports[0]
    assert (current, words) == (0, "Works for 0.7 s")
    assert total == pytest.approx(0.7)
    told = [current for current, _, _ in ran.reports]
    assert told == sorted(told)
    assert told[-1] >= 0.7
    assert ran.headline == ("hello", "Worked for 0.7 s")


async def test_any_time_up_to_the_longest_comes_up():
    times = [one.result["seconds"] for one in await asyncio.gather(*(execute(message, {"longest": 0.2}) for _ in range(200)))]
    assert all(0 <= seconds <= 0.2 for seconds in times)
    assert min(times) < 0.03
    assert max(times) > 0.17
    assert len(set(times)) > 50


async def test_a_cancelled_message_stops_at_once(chosen):
    attempt = Attempt(message, {"longest": 3600})
    attempt.start()
    await until(lambda: attempt.reports)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED


def test_it_is_tried_three_times_at_once_and_has_ten_and_ten_slots():
    assert (message.concurrency, message.retry_concurrency, message.max_attempts) == (10, 10, 3)
    assert [message.backoff.seconds(failures, 0.9) for failures in (1, 2)] == [0, 0]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"data": "x" * 10_001}, "params.data"),
        *(({"data": value}, "params.data") for value in (5, None, ["a"])),
        *(({"longest": value}, "params.longest") for value in (-0.1, 604_801, "5", True, None)),
        ({"timeout": 5}, "params.timeout"),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(params: dict[str, Any], field: str):
    with pytest.raises(InvalidParams) as refused:
        message.encode(params)
    assert field in [name for name, _ in refused.value.problems]


@pytest.mark.parametrize(
    ("params", "summary"),
    [
        ({}, "hello · up to 5 s"),
        ({"data": "two\n lines  of text", "longest": 90}, "two lines of text · up to 1 m 30 s"),
        ({"data": "y" * 41}, f"{'y' * 39}… · up to 5 s"),
        ({"data": ""}, "up to 5 s"),
    ],
)
def test_summaries_read_like_a_sentence(params: dict[str, Any], summary: str):
    assert Attempt(message, params).params.summary() == summary
