"""What a handler is given: progress, log, measurements, sleep, and whether it should stop."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tasks_app.engine.errors import TaskCancelled
from tasks_app.engine.family import Family
from tasks_app.engine.sentences import Draft, kept
from tasks_app.engine.task import OutcomeKind
from tasks_app.engine.trail import Trail
from tasks_app.engine.whose import nobodys

if TYPE_CHECKING:
    from tasks_app.engine.ports import Clock

MAX_MESSAGE = 200
LARGEST = 2.0**53
_NO_NUMBER = kept("{value} is no number from 0 to 2**53: it is ignored.")
_TOO_MUCH = kept("{current:g} of {total:g} is too much: it is held at the total.")
_WENT_BACK = kept("It went back from {before:g} to {current:g}: it is held. A new count begins with 0 or another total.")
_ODD = kept("Odd progress: {why} This is said once.")
Report = tuple[float, float | None, str | Draft]  # current, total, message


class Stop(Struct, frozen=True):
    """Why an attempt was asked to stop; recorded before it is asked."""

    kind: OutcomeKind
    reason: str = ""


class Context:
    """A handler's door to the world. Every method may be called from the handler's own thread, as often as it likes."""

    __slots__ = (
        *("_began", "_clock", "_current", "_ended", "_message", "_report", "_stop", "_stopped", "_total", "_trail", "_warned"),
        *("attempt", "by", "family", "number", "task_id", "trace", "type", "when_begun"),
    )

    def __init__(
        self,
        *,
        task_id: str,
        number: int,
        type: str,
        attempt: int,
        clock: Clock,
        trail: Callable[[], Trail],
        report: Callable[[int, int, Report], Any],
        blocking: bool = False,
        by: str = "",
        trace: str = "",
    ) -> None:
        self.task_id = task_id
        self.trace = trace  # the traceparent of the request that launched it
        self.by = by  # the name of whoever launched it
        self.number = number
        self.type = type
        self.attempt = attempt
        self._stop: Stop | None = None
        self._ended = False
        self._clock = clock
        self._began = clock.monotonic()
        self._trail = trail
        self._report = report
        self._current: float = 0.0
        self._total: float | None = None
        self._message: str | Draft = ""
        self._warned = False
        self.when_begun: Callable[[], object] = _nothing
        self.family = Family()
        # Only a synchronous handler waits on it. A signal may have to wake it, whatever lock its thread is taking just then: this has none.
        self._stopped: SimpleQueue[None] | None = SimpleQueue() if blocking else None

    def progress(self, current: float | None = None, total: float | None = None, message: str | Draft | None = None) -> None:
        """Say how far the work is: `current` of `total` units, and the step in words. What is left out stays as it was.

        Cheap and coalesced: only the newest word travels, a few times a second. Values that are no number from 0 to 2**53 are ignored,
        `current` is held at `total`, and does not go back, unless to 0 or with another total: then a new count begins. The first of
        such values is a warning in the task's log.
        """
        if self.ended:
            return
        total = self._number(total)
        anew = total is not None and total != self._total
        if total is not None:
            self._total = total
        current = self._number(current)
        if current is not None:
            self._current = self._kept_in_bounds(current, anew)
        if message is not None:
            self._message = message if isinstance(message, Draft) else writable(str(message)[:MAX_MESSAGE])
        if self._total is not None and self._current > self._total:
            self._current = self._total
        self._report(self.number, self.attempt, (self._current, self._total, self._message))

    def log(self, message: object, level: str = "info") -> None:
        """Add a line to the task's log; `level` is debug, info, warning or error. Line breaks begin new lines."""
        if self.ended:
            return
        at, seconds = self._clock.time(), self._clock.monotonic() - self._began
        if isinstance(message, Draft):
            self._trail().log(at=at, seconds=seconds, attempt=self.attempt, level=level, text=message)
            return
        for text in writable(str(message)[:20_000]).splitlines() or [""]:
            self._trail().log(at=at, seconds=seconds, attempt=self.attempt, level=level, text=text)

    def measure(self, name: str, value: float | None, unit: str = "") -> None:
        """Add a value to the live series `name`, drawn on the task's page. None marks a value that did not come back."""
        if self.ended or (value is not None and not _finite(value)):
            return
        seconds = self._clock.monotonic() - self._began
        shown, in_units = writable(str(name)[:60]), writable(str(unit)[:12])
        self._trail().measure(shown, value, seconds=seconds, unit=in_units, attempt=self.attempt)

    @property
    def stop(self) -> Stop | None:
        """Why it was asked to stop, None while it was not. A handler can read it and not write it."""
        return self._stop

    @property
    def ended(self) -> bool:
        """Whether the attempt is settled: what comes later is not heard."""
        return self._ended

    @property
    def cancelled(self) -> bool:
        """Whether the handler should stop: somebody asked, its time is up, or the server is stopping."""
        return self.stop is not None

    @property
    def seconds(self) -> float:
        """Seconds since this attempt began."""
        return self._clock.monotonic() - self._began

    async def sleep(self, seconds: float) -> None:
        """Wait, in an `async def` handler."""
        if not seconds > 0:
            await asyncio.sleep(seconds)
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _wake, woken, context=nobodys.context)  # asyncio.sleep would keep a coroutine and a context more
        try:
            await woken
        finally:
            timer.cancel()

    def wait(self, seconds: float) -> None:
        """Wait, in a `def` handler. Leaves through TaskCancelled when the task is to stop."""
        if self._stopped is None:
            raise TypeError("wait() is for handlers written with def; an async def handler awaits context.sleep().")
        self.check()
        with suppress(Empty):
            self._stopped.get(timeout=max(seconds, 0))
            self._stopped.put(None)  # others may wait as well
        self.check()

    def check(self) -> None:
        """In a `def` handler: leave through TaskCancelled when the task is to stop."""
        if self.cancelled:
            raise TaskCancelled(self.stop.reason if self.stop else "")

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """In an `async def` handler: run a coroutine beside it. It is cancelled when the handler ends; an error is a line in the log."""
        return self.family.start(coroutine, lambda error: self.log(f"{type(error).__name__}: {error}", "error"))

    async def program(self, *command: str, **options: Any) -> Process:
        """In an `async def` handler: start a program, as asyncio.create_subprocess_exec does. When the handler ends it is killed, with all
        that it started itself. Raises OSError."""
        return await self.family.program(*command, **options)

    @property
    def trail(self) -> Trail:
        """Where its log and its series are kept. For executors that hear of them from elsewhere."""
        return self._trail()

    def begin(self) -> None:
        """The handler begins now, or begins anew, at a worker. For executors that sent it there; on the engine's loop."""
        self._began = self._clock.monotonic()
        self._current, self._total, self._message = 0.0, None, ""
        self.when_begun()

    def end(self) -> None:
        """The attempt is settled. For the engine."""
        self._ended = True
        self.when_begun = _nothing

    def request_stop(self, stop: Stop) -> None:
        """Record why the handler is to stop, and wake it if it waits. For the engine; the first reason stays."""
        if self.stop is None:
            self._stop = stop
        if self._stopped is not None:
            self._stopped.put(None)

    def _number(self, value: float | None) -> float | None:
        if value is None:
            return None
        if _finite(value) and value >= 0:
            return value
        self._warn(_NO_NUMBER(value=_shown(value)))
        return None

    def _kept_in_bounds(self, current: float, anew: bool) -> float:
        if self._total is not None and current > self._total:
            self._warn(_TOO_MUCH(current=current, total=self._total))
        if 0 < current < self._current and not anew:
            self._warn(_WENT_BACK(before=self._current, current=current))
            return self._current
        return current

    def _warn(self, why: str) -> None:
        """Once: a handler may say it a million times."""
        if not self._warned:
            self._warned = True
            self.log(_ODD(why=why), "warning")


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _nothing() -> None:
    """Nobody wants to know."""


def writable(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates, as in file names that are not, are spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _finite(value: object) -> bool:
    """Whether this is a number that every reader can count with: infinity, NaN and integers past what a browser holds are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _shown(value: object) -> str:
    try:
        return f"{value!r:.40}"
    except Exception:  # integers too long to write down, objects whose repr raises
        return f"A {type(value).__name__}"
