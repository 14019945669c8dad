"""The fixed schedule that repeated probes keep, whatever a single probe takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

MAX_UNDER_WAY = 1000


async def on_schedule(count: int, interval: float, probe: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Start probe 1 now and each next one `interval` seconds later; return when all have ended.

    A probe never waits for another one: each is a task of its own. What a probe raises ends them all and is raised here.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                await asyncio.sleep(began + (number - 1) * interval - loop.time())
                group.create_task(probe(number))
    except BaseExceptionGroup as raised:
        raise _first(raised) from None


def few_under_way(timeout: float, info: ValidationInfo) -> float:
    """A check for a `timeout` param declared after `interval`: at most MAX_UNDER_WAY probes can be under way at once."""
    interval = info.data.get("interval")
    if interval and timeout / interval > MAX_UNDER_WAY:
        raise PydanticCustomError("under_way", "At most 1,000 intervals long: no more probes than that may be under way at once")
    return timeout


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
