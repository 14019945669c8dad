"""Gives an engine a thread and an event loop of its own, so that no handler can hold up whoever talks to it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from tasks_app.engine.engine import Engine
from tasks_app.engine.watchdog import Block, Stall, Watchdog

SETTLE_GRACE = 5.0  # seconds a stopping loop gets beyond what the engine's own graces add up to, as long as it is not blocked
_LOOK = 0.1
LEAVE_GRACE = 0.25  # seconds for what handlers left behind on the loop, after the engine has ended


class Host:
    """The engine's thread. `stop` may be called twice and from any thread but its own."""

    def __init__(
        self, engine: Engine, *, new_loop: Callable[[], asyncio.AbstractEventLoop], told: Callable[[Block | Stall], object]
    ) -> None:
        self.engine = engine
        self.watchdog: Watchdog | None = None
        self._new_loop = new_loop
        self._told = told
        self._ready = threading.Event()
        self._stopping = threading.Lock()
        self._failed: BaseException | None = None
        self._grace = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Returns when the engine runs. Raises what kept it from running."""
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self, grace: float) -> bool:
        """Drain the engine and end its thread. False when its loop is blocked and did not end in time."""
        self.engine.begin_drain()
        with self._stopping:
            if self._thread.is_alive():
                self._ready.wait(SETTLE_GRACE)
                self._grace = grace
                if self._loop is not None and self._leave is not None:
                    with contextlib.suppress(RuntimeError):  # the loop has closed: its thread is about to end
                        self._loop.call_soon_threadsafe(self._leave.set)
                self._thread.join(grace + self.engine.runner.last_grace)
                self._settling()
        return not self._thread.is_alive()

    def _settling(self) -> None:
        """Wait on for a loop that still gets somewhere: there may be much to settle."""
        for _ in range(round(SETTLE_GRACE / _LOOK)):
            self._thread.join(_LOOK)
            if not self._thread.is_alive() or (self.watchdog is not None and self.watchdog.block is not None):
                return

    @property
    def coroutines(self) -> int:
        """How many asyncio tasks there are on the engine's loop."""
        return len(asyncio.all_tasks(self._loop)) if self._loop is not None else 0

    def cut_short(self) -> None:
        """Stop what runs at once: somebody does not want to wait for the grace."""
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.engine.runner.cut_short)

    def _run(self) -> None:
        try:
            loop = self._new_loop()
            main = loop.create_task(self._main(), name="engine host")
            _run_until(loop, main)
            _leave(loop)
            main.result()
        except BaseException as error:
            self._failed = error
        finally:
            self._ready.set()
            if self.watchdog is not None:
                self.watchdog.stop()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        self.watchdog = Watchdog(self._loop, threading.get_ident(), self.engine.clock, self._told)
        self.watchdog.start()
        await self.engine.start()
        self._ready.set()
        await _whatever_happens(self._leave)
        await self.engine.drain(self._grace)


async def _whatever_happens(leave: asyncio.Event) -> None:
    """Wait to be told to leave; a handler that cancels every task of the loop does not tell us."""
    while not leave.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await leave.wait()


def _run_until(loop: asyncio.AbstractEventLoop, main: asyncio.Task[None]) -> None:
    """Run the loop until `main` has ended, whatever a handler does to it."""
    while not main.done():
        try:
            loop.run_until_complete(main)
        except (SystemExit, KeyboardInterrupt):  # raised by a task or a callback that a handler made: asyncio lets them through
            continue
        except RuntimeError:  # a handler called loop.stop()
            if main.done():
                return


def _leave(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what handlers left behind, and close the loop a moment later, whether it has ended or not."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _run_until(loop, loop.create_task(_wait(left)))
    loop.close()


async def _wait(left: set[asyncio.Task[object]]) -> None:
    await asyncio.wait(left, timeout=LEAVE_GRACE)
