"""Time that tests make: a loop that jumps to its next timer when nothing is ready, and a clock tied to it."""

from __future__ import annotations

import asyncio
import selectors

BEGIN = 1_000.0
EPOCH = 1_800_000_000.0  # what the wall clock says when the loop begins


class _JumpingSelector(selectors.DefaultSelector):
    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0) or self.loop.told_idle():
            return events
        if timeout is None:  # only another thread can go on from here
            return super().select(None)
        self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while something is ready and jumps when nothing is."""

    def __init__(self) -> None:
        self.now = BEGIN
        self._idle: list[asyncio.Future[None]] = []
        selector = _JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    async def settle(self) -> None:
        """Return when nothing is ready any more; time does not pass."""
        idle: asyncio.Future[None] = self.create_future()
        self._idle.append(idle)
        await idle

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen."""
        await asyncio.sleep(seconds)
        await self.settle()

    def told_idle(self) -> bool:
        """Wake whoever waits for nothing to be ready; whether there was one."""
        idle, self._idle = self._idle, []
        for future in idle:
            if not future.done():
                future.set_result(None)
        return bool(idle)


class FakeClock:
    """The engine's clock on a virtual loop. The wall clock may be set; the monotonic one is the loop's."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.set_by = 0.0  # seconds by which somebody set the wall clock

    def time(self) -> float:
        """Wall clock."""
        return EPOCH + self._loop.now - BEGIN + self.set_by

    def monotonic(self) -> float:
        """The loop's time."""
        return self._loop.now
