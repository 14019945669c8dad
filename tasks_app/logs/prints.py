"""What handlers print. While a server runs nobody who prints waits: a thread writes it, and what comes faster is counted."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from threading import Condition, Thread
from typing import TextIO

from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.logs")
MAX_WAITING = 1 << 20  # bytes that wait for whoever reads; further ones are counted
PATIENCE = 2.0  # seconds that the end waits for somebody to read
_PART = 1 << 16


class Prints(io.RawIOBase):
    """Takes bytes at once and writes them to a descriptor when that takes them."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._waiting = bytearray()
        self._dropped = 0
        self._over = False
        self._changed = Condition()
        Thread(target=self._write_until_the_end, name="prints", daemon=True).start()

    def writable(self) -> bool:
        """It can be written to, as far as anybody notices."""
        return True

    def fileno(self) -> int:
        """The descriptor behind it."""
        return self._number

    def isatty(self) -> bool:
        """Whether a person sees it."""
        return os.isatty(self._number)

    def write(self, data: object) -> int:
        """Keep the bytes for the thread, or count them where too many wait."""
        given = bytes(data)  # type: ignore[call-overload] # any buffer
        if self._over:
            return os.write(self._number, given)
        with self._changed:
            if len(self._waiting) + len(given) <= MAX_WAITING:
                self._waiting += given
                self._changed.notify_all()
            else:
                self._dropped += len(given)
        return len(given)

    def end(self) -> None:
        """Return when what waits is out, or after PATIENCE: the other side may not be reading. From then on writes are ordinary ones."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting, PATIENCE)
            self._over = True
            self._changed.notify_all()

    def _write_until_the_end(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._over)
                part = bytes(self._waiting[:_PART])
            if not part:
                return
            with suppress(OSError):  # nobody is there any more
                part = part[: os.write(self._number, part)]
            with self._changed:
                del self._waiting[: len(part)]
                self._changed.notify_all()
                dropped = 0 if self._waiting else self._dropped
                self._dropped -= dropped
            if dropped:
                said = "%d bytes that handlers printed came faster than they could be written"
                logger.warning(said, dropped, extra=about("prints_dropped", bytes=dropped))


@contextmanager
def prints_do_not_wait() -> Generator[None, None, None]:
    """Have stdout and stderr write in threads of their own meanwhile."""
    with ExitStack() as stack:
        for stream, redirected in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
            if (prints := _prints(stream)) is not None:
                stack.callback(prints.end)
                stack.enter_context(redirected(io.TextIOWrapper(prints, stream.encoding, stream.errors, write_through=True)))  # type: ignore[type-var] # raw bytes, taken at once
        yield


def _prints(stream: TextIO | None) -> Prints | None:
    """For a stream that has a descriptor; there is none where it was closed from the start, or where a test catches what is printed."""
    try:
        return Prints(stream.fileno()) if stream is not None else None
    except (OSError, ValueError):
        return None
