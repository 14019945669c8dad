"""Lines on their way out. Whoever logs never waits for a terminal or a disk: each way out has a thread of its own and a bounded queue."""

from __future__ import annotations

import copy
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread

from tasks_app.logs.lines import about, formatter

MAX_WAITING = 1000  # lines; further ones are counted, not written
TOGETHER = 64  # lines that are written in one go
PATIENCE = 2.0  # seconds that a flush waits for somebody to read
STDERR = 2  # written to directly: a write that blocks must not hold a lock that the interpreter needs at its end
_NAME = "iotask.logs"


class WayOut(logging.Handler):
    """Writes lines that wait together in one go: each write lets other threads have the interpreter, and has to wait for it again."""

    def emit_all(self, records: Sequence[logging.LogRecord]) -> None:
        """Write a line for each, in order; one that cannot be made costs no other."""
        lines = [line for record in records if (line := self._line(record))]
        if lines:
            self.write(lines)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        self.emit_all((record,))

    def write(self, lines: Sequence[bytes]) -> None:
        """Write whole lines."""
        raise NotImplementedError

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            return f"{self.format(record)}\n".encode()
        except Exception:
            self.handleError(record)
            return b""


class Outbox(logging.Handler):
    """Hands records to another handler, in a thread of its own."""

    def __init__(self, way_out: logging.Handler) -> None:
        super().__init__()
        self._way_out = way_out
        self._pid = 0
        self._dropped = 0
        self._waiting: SimpleQueue[logging.LogRecord | Event] = SimpleQueue()  # put may be called again from within itself

    def emit(self, record: logging.LogRecord) -> None:
        """Queue it, or count it."""
        if self._pid != os.getpid():  # a forked child has a record of the thread, not the thread
            self._begin()
        if self._waiting.qsize() < MAX_WAITING:
            self._waiting.put(_worded(record))
        else:
            self._dropped += 1

    def flush(self) -> None:
        """Return when what was queued is out, or after PATIENCE: the other side may not be reading."""
        if self._pid == os.getpid():
            out = Event()
            self._waiting.put(out)
            out.wait(PATIENCE)

    def close(self) -> None:
        """Write what waits, as far as that is possible, and end."""
        self.flush()
        super().close()
        self._way_out.close()

    def _begin(self) -> None:
        self._pid, self._dropped, self._waiting = os.getpid(), 0, SimpleQueue()
        Thread(target=self._write, args=(self._waiting,), name="log", daemon=True).start()

    def _write(self, waiting: SimpleQueue[logging.LogRecord | Event]) -> None:
        while True:
            found = self._next(waiting)
            records = [one for one in found if isinstance(one, logging.LogRecord)]
            if isinstance(self._way_out, WayOut):  # not handle: nobody else writes there, and its lock would be held while nobody reads
                self._way_out.emit_all(records)
            else:
                for record in records:
                    self._way_out.emit(record)
            if self._dropped and waiting.empty():
                self._way_out.emit(self._told_dropped())
            for one in found:
                if isinstance(one, Event):
                    one.set()

    def _next(self, waiting: SimpleQueue[logging.LogRecord | Event]) -> list[logging.LogRecord | Event]:
        """What waits, up to somebody who waits for it to be out; no more than one for a way out that writes one by one."""
        found = [waiting.get()]
        if isinstance(self._way_out, WayOut):
            with suppress(Empty):
                while len(found) < TOGETHER and not isinstance(found[-1], Event):
                    found.append(waiting.get_nowait())
        return found

    def _told_dropped(self) -> logging.LogRecord:
        assert self.lock is not None
        with self.lock:
            dropped, self._dropped = self._dropped, 0
        text = f"{dropped} lines came faster than they could be written"
        return logging.getLogger(_NAME).makeRecord(
            _NAME, logging.WARNING, __file__, 0, text, (), None, extra=about("lines_dropped", lines=dropped)
        )


class _Stderr(WayOut):
    def write(self, lines: Sequence[bytes]) -> None:
        text = b"".join(lines)
        with suppress(OSError):  # nobody is there any more, and there is nowhere else to say so
            while text:
                text = text[os.write(STDERR, text) :]


def stderr(*, colours: bool) -> logging.Handler:
    """Lines for people on stderr; coloured, if at all, only on a terminal."""
    if sys.__stderr__ is None:  # closed from the start: its number may belong to any file by now
        return logging.NullHandler()
    way_out = _Stderr()
    way_out.setFormatter(formatter("people", colours=colours and os.isatty(STDERR)))
    return Outbox(way_out)


def _worded(record: logging.LogRecord) -> logging.LogRecord:
    """The record with its values in its text: they may change while it waits."""
    if not record.args:
        return record
    worded = copy.copy(record)
    try:
        worded.msg = record.getMessage()
    except Exception as error:
        worded.msg = f"{record.msg} (its values do not fit: {error})"
    worded.args = None
    return worded
