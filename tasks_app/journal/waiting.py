"""Those who wait until something is on disk, and how they are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tasks_app.engine.errors import JournalFailed

Waiter = Callable[[JournalFailed | None], object]


class Waiting(NamedTuple):
    """Somebody who waits for a version, and for so many notes."""

    version: int
    notes: int
    patient: bool
    call: Waiter


def told_at_last(call: Waiter, error: JournalFailed | None) -> Waiting:
    """Somebody who waits for nothing any more but to be told this."""
    return Waiting(0, 0, True, lambda _: call(error))


def tell(waiters: Sequence[Waiting], error: JournalFailed | None) -> Sequence[Waiting]:
    """Call those who wait; those who are left, as one could not be called for want of memory."""
    for index, waiting in enumerate(waiters):
        try:
            waiting.call(error)
        except MemoryError:
            return waiters[index:]
    return ()


def awaited() -> tuple[asyncio.Future[None], Waiter]:
    """A future of the loop that runs, and what resolves it from another thread."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    return done, partial(_tell_loop, loop, done)


def _tell_loop(loop: asyncio.AbstractEventLoop, done: asyncio.Future[None], error: JournalFailed | None) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
        loop.call_soon_threadsafe(_resolve, done, error)


def _resolve(done: asyncio.Future[None], error: JournalFailed | None) -> None:
    if not done.done():
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
