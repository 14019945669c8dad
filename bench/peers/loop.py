"""The ceiling: `asyncio.create_task` on the fastest loop there is, with nothing kept. `python -m bench.peers.loop COUNT` says how many a
second."""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop


async def noop() -> None:
    """The job."""


async def all_of_them(count: int) -> None:
    """So many tasks, and wait for them."""
    await asyncio.gather(*[asyncio.create_task(noop()) for _ in range(count)])


def rate(count: int) -> float:
    """Tasks a second."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        began = time.perf_counter()
        runner.run(all_of_them(count))
        return count / (time.perf_counter() - began)


if __name__ == "__main__":
    print(rate(int(sys.argv[1])))
