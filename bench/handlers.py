"""Task types of the benchmarks: named to their servers with IOTASK_HANDLERS."""

from __future__ import annotations

import random
import time

from tasks_app.engine.context import Context
from tasks_app.engine.registry import Params, task_type

MODULE = "bench.handlers"
STAMP = "at {} ns"


class NoopParams(Params):
    """Nothing."""


@task_type("noop", params=NoopParams)
async def noop(params: NoopParams, context: Context) -> None:
    """The job that everybody does."""


class SleeperParams(Params):
    """How long it waits; seconds."""

    seconds: float = 3600.0


@task_type("sleeper", params=SleeperParams)
async def sleeper(params: SleeperParams, context: Context) -> None:
    """Waits."""
    await context.sleep(params.seconds)


class TickerParams(Params):
    """How often it makes progress; seconds."""

    interval: float = 0.1


@task_type("ticker", params=TickerParams)
async def ticker(params: TickerParams, context: Context) -> None:
    """Says how far it is, again and again."""
    count = 0
    while True:
        count += 1
        context.progress(count % 1000, 1000)
        await context.sleep(params.interval)


class BeaconParams(Params):
    """How far apart its words are; seconds. So far that each is shown before the next comes: none is passed over for being late."""

    least: float = 1.0
    most: float = 2.0


@task_type("beacon", params=BeaconParams)
async def beacon(params: BeaconParams, context: Context) -> None:
    """Tells the moment at which it tells it, at moments that have nothing to do with anybody's tick."""
    while True:
        context.progress(message=STAMP.format(time.monotonic_ns()))
        await context.sleep(random.uniform(params.least, params.most))
