"""Task type `long_computation`: work that takes the time it is given, and comes nearer to a constant meanwhile."""

from __future__ import annotations

import asyncio
from math import ceil, log
from typing import Any

from pydantic import Field

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import kept, say
from tasks_app.handlers._words import STARTING, seconds

NAME = "long_computation"
TERMS = 1_000  # of the harmonic series, added in each step
STEP = 1.0  # seconds
_STEP = kept("Step {number:,} of {all:,}: {value:.9f}")
LONGEST = 9_223_372_036  # seconds, 292 years: what 63 bits hold of nanoseconds


class LongComputationParams(Params):
    """How long."""

    duration: float = Field(180, ge=0, le=LONGEST, description="Seconds the work takes")
    given: float | None = Field(
        None,
        exclude_if=lambda given: given is None,
        json_schema_extra={"hidden": True},
        description="The number that somebody asked for, where it was not taken as it is",
    )

    def summary(self) -> str:
        """How long."""
        return say("takes {time}", time=seconds(self.duration))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    return say("Result {value:.6f}", value=result["value"]), say("Worked for {time}", time=seconds(result["duration"]))


@task_type(NAME, params=LongComputationParams, title="Long computation", concurrency=10, idempotent=True, headline=headline)
async def long_computation(params: LongComputationParams, context: Context) -> dict[str, Any]:
    """Works for the given time in steps of a second; each step brings the result nearer to Euler's constant (0.577216)."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    context.progress(0, params.duration, STARTING)
    steps = ceil(params.duration / STEP)
    terms = Harmonic()
    for step in range(1, steps + 1):
        terms.add(TERMS)
        due = min(step * STEP, params.duration)
        await asyncio.sleep(began + due - loop.time())
        context.progress(due, message=_STEP(number=step, all=steps, value=terms.constant()))
    terms.add(TERMS)
    duration = int(params.duration) if params.duration.is_integer() else params.duration
    return {"duration": duration, "message": "Long computation completed successfully", "value": round(terms.constant(), 12)}


class Harmonic:
    """The harmonic series so far: 1 + 1/2 + 1/3 + …"""

    def __init__(self) -> None:
        self._terms = 0
        self._sum = 0.0

    def add(self, terms: int) -> None:
        """Add the next terms."""
        self._sum += sum(map((1.0).__truediv__, range(self._terms + 1, self._terms + terms + 1)))
        self._terms += terms

    def constant(self) -> float:
        """Euler's constant as the series so far gives it: H(n) - ln n - 1/2n, off by less than 1/12n²."""
        return self._sum - log(self._terms) - 1 / (2 * self._terms)
