"""Opens a TCP connection and hangs up, without a coroutine: ten thousand of these begin in a second."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from errno import EALREADY, EINPROGRESS, EINTR, EISCONN, EWOULDBLOCK
from time import perf_counter

from tasks_app.handlers._dials import Socket

Told = Callable[[float | Exception], object]  # hears milliseconds, or why there was no connection
_UNDER_WAY = frozenset({EINPROGRESS, EALREADY, EINTR, EWOULDBLOCK})
_STANDS = frozenset({0, EISCONN})


class Connecting:
    """A connection that is being opened; once it stands it is closed. On the engine's loop.

    It is closed in order. A reset (SO_LINGER with 0 seconds) would leave nothing in TIME_WAIT here, but over there it is an error of a
    client, or no connection at all: whoever is watched should see a visitor who leaves, and log nothing.
    """

    __slots__ = ("_began", "_dialled", "_limit", "_loop", "_timer", "_told", "_waits", "_where")

    def __init__(self, dialled: Socket, where: tuple[str, int], limit: float, told: Told) -> None:
        self._dialled = dialled
        self._where = where
        self._limit = limit  # seconds
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waits = False

    def begin(self) -> None:
        """Dial. `told` hears how it ended, once, maybe before this returns."""
        if self._dialled.gettimeout() != 0:
            self._dialled.setblocking(False)
        self._began = perf_counter()
        code = self._dialled.connect_ex(self._where)
        if code in _UNDER_WAY:
            code = self._dialled.connect_ex(self._where)  # who is near has answered by now: to ask costs less than to wait
        if code not in _UNDER_WAY:
            self._end(code)
            return
        self._waits = True
        self._loop.add_writer(self._dialled, self._answered)
        self._timer = self._loop.call_later(self._limit, self._late)

    def close(self) -> None:
        """Give up; nobody is told."""
        if self._waits:
            self._waits = False
            self._loop.remove_writer(self._dialled)
        if self._timer is not None:
            self._timer.cancel()
        self._dialled.close()

    def _answered(self) -> None:
        self._end(self._dialled.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _late(self) -> None:
        self.close()
        self._told(TimeoutError())

    def _end(self, code: int) -> None:
        took = (perf_counter() - self._began) * 1000
        self.close()
        self._told(took if code in _STANDS else OSError(code, os.strerror(code)))
