"""Task type `count`: counts, one number an interval."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import Sentence, joined, kept, say
from tasks_app.handlers._words import STARTING, seconds

_PART = kept("{part:,} of {whole:,}")
_BREATH = 100  # numbers counted without a pause before others get their turn


class CountParams(Params):
    """How far and how fast."""

    to: int = Field(200, ge=1, le=1_000_000, description="Number that is counted to")
    interval: float = Field(1.0, ge=0, le=3600, description="Seconds from one number to the next; 0 counts as fast as it can")

    def summary(self) -> str:
        """How far and how fast."""
        return joined(" · ", (say("to {count:,}", count=self.to), _pace(self.interval)))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    return say("Counted to {count:,}", count=result["counted"]), _paced(result["interval"])


@task_type("count", params=CountParams, title="Count", idempotent=True, headline=headline)
async def count(params: CountParams, context: Context) -> dict[str, Any]:
    """Counts to a number, one each interval, on a schedule that does not drift."""
    context.progress(0, params.to, STARTING)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(1, params.to + 1):
        if params.interval:
            await asyncio.sleep(began + number * params.interval - loop.time())
        elif number % _BREATH == 0:
            await asyncio.sleep(0)
        context.progress(number, message=_PART(part=number, whole=params.to))
    return {"counted": params.to, "interval": params.interval}


def _pace(interval: float) -> Sentence:
    if not interval:
        return say("without a pause")
    return say("one a second") if interval == 1 else say("one every {time}", time=seconds(interval))


def _paced(interval: float) -> Sentence:
    if not interval:
        return say("Without a pause")
    return say("One a second") if interval == 1 else say("One every {time}", time=seconds(interval))
