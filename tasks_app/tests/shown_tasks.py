"""Task types for tests that look at pages: each stays in one state for as long as it is looked at."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Backoff, Params, task_type

HOUR = 3600.0


class Text(Params):
    """What is said."""

    words: str = "nothing"


@task_type("stubborn", params=Text)
async def stubborn(params: Text, context: Context) -> None:
    """Works on when it is asked to stop."""
    context.progress(3, 10)
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(HOUR)


@task_type("wavering", params=Text, max_attempts=3, backoff=Backoff(base=HOUR, limit=HOUR, jitter=0))
async def wavering(params: Text, context: Context) -> None:
    """Fails, and waits an hour before it tries again."""
    raise ValueError(params.words)


@task_type("failing", params=Text)
async def failing(params: Text, context: Context) -> None:
    """Fails with words of somebody's choice."""
    raise ValueError(params.words)


@task_type("measured", params=Text)
async def measured(params: Text, context: Context) -> dict[str, Any]:
    """Leaves a curve, a log with all its levels, progress and a result behind."""
    for number in range(40):
        context.measure("round_trip", 1.5 + number % 7)
        context.progress(number + 1, 40, f"Step {number + 1} of 40")
    for level in ("debug", "info", "warning", "error"):
        context.log(f"{params.words} ({level})", level=level)
    return {"words": params.words, "parts": [1, 2, {"deep": True}], "nothing": None}


class Pace(Params):
    """How many it counts in a second, to which number, and whether it then stays there."""

    to: int = 1000
    rate: float = 20.0
    stays: bool = False


@task_type("marching", params=Pace, concurrency=256)
async def marching(params: Pace, context: Context) -> None:
    """Counts at a steady pace."""
    for number in range(1, params.to + 1):
        context.progress(number, params.to, f"Number {number}")
        await context.sleep(1 / params.rate)
    if params.stays:
        await context.sleep(HOUR)
