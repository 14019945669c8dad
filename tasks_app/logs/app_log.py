"""The file logs/app.log: opened at the start of a server, rotated by size, and patient with a disk that is full for a while."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from itertools import accumulate
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tasks_app.logs.floods import Repeats
from tasks_app.logs.lines import Form, about, formatter
from tasks_app.logs.outbox import Outbox, WayOut

logger = logging.getLogger("iotask.logs")
NAME = "app.log"
PARTS = 8  # of a file: lines that fill no more than one of them are written at once
_FOLDER_MODE = 0o750
_FILE_MODE = 0o600


class CannotLog(Exception):
    """The log file cannot be written; the message is a sentence that names LOG_DIR."""


@contextmanager
def app_log(folder: Path, *, form: Form, max_bytes: int, files: int) -> Generator[None, None, None]:
    """Write app.log in this folder meanwhile: at most `max_bytes` bytes, and `files` older ones beside it. Raises CannotLog."""
    root = logging.getLogger()
    outbox = Outbox(_opened(folder, form, max_bytes, files))
    outbox.addFilter(Repeats())
    root.addHandler(outbox)
    try:
        yield
    finally:
        root.removeHandler(outbox)
        outbox.close()


def _opened(folder: Path, form: Form, max_bytes: int, files: int) -> AppLog:
    try:
        found = AppLog(folder / NAME, max_bytes=max_bytes, files=files)
        if not os.access(folder, os.W_OK | os.X_OK):
            found.close()
            raise PermissionError(None, "no file can be added to that folder")
    except OSError as error:
        why = "that is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror or str(error)
        raise CannotLog(f"LOG_DIR is {str(folder)!r}, where {NAME} cannot be written: {why}.") from None
    found.setFormatter(formatter(form))
    return found


class AppLog(WayOut, RotatingFileHandler):
    """Appends whole lines. What cannot be written is counted, said once on the other ways out, and told when it can be written again."""

    def __init__(self, path: Path, *, max_bytes: int, files: int) -> None:
        self._unwritten = 0
        super().__init__(path, maxBytes=max_bytes, backupCount=files, encoding="utf-8")

    def write(self, lines: Sequence[bytes]) -> None:
        """Write lines, in a new file if this one has no room for them; as many at once as leave room for others in a file."""
        while lines:
            most = next((n for n, size in enumerate(accumulate(map(len, lines))) if size * PARTS > self.maxBytes), len(lines))
            self._write(lines[: max(1, most)])
            lines = lines[max(1, most) :]

    def _write(self, lines: Sequence[bytes]) -> None:
        try:
            self.append(b"".join(lines))
        except OSError as error:
            if len(lines) == 1:
                self._count(error)
            else:  # there may be room for some
                for line in lines:
                    self._write((line,))
        else:
            self._tell()

    def doRollover(self) -> None:  # noqa: N802 - its name there
        """The standard library's keeps everything in the one file where no older ones are wanted."""
        if self.backupCount:
            super().doRollover()
        else:
            os.truncate(self.baseFilename, 0)

    def _open(self) -> TextIOWrapper:
        os.makedirs(os.path.dirname(self.baseFilename), _FOLDER_MODE, exist_ok=True)
        return open(self.baseFilename, "a", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, _FILE_MODE))

    def append(self, lines: bytes) -> tuple[int, int]:
        """Write whole lines or nothing, in a new file if this one has no room for them. The file's inode, and the byte at which they begin.
        Raises OSError."""
        number, found = self._opened_now()
        if found.st_size and found.st_size + len(lines) > self.maxBytes:
            self.doRollover()
            number, found = self._opened_now()
        try:
            while lines:
                lines = lines[os.write(number, lines) :]  # past the stream's buffer, which would keep what the disk refused
        except OSError:
            with suppress(OSError):
                os.ftruncate(number, found.st_size)  # no half a line
            raise
        return found.st_ino, found.st_size

    def _opened_now(self) -> tuple[int, os.stat_result]:
        """The file's descriptor, and what is known of it. One that somebody moved or deleted is made anew."""
        stream = self.stream  # closed meanwhile by another thread, at the end of the process, it is None of a sudden
        if stream is not None and not stream.closed:
            found = os.fstat(stream.fileno())
            if self._is_at_its_path(found):
                return stream.fileno(), found
            stream.close()
        stream = self.stream = self._open()
        return stream.fileno(), os.fstat(stream.fileno())

    def _is_at_its_path(self, found: os.stat_result) -> bool:
        try:
            return os.path.samestat(os.stat(self.baseFilename), found)
        except OSError:
            return False

    def _count(self, error: OSError) -> None:
        self._unwritten += 1
        if self._unwritten == 1:
            said = "%s cannot be written (%s): lines are counted until it can be"
            logger.error(said, self.baseFilename, error.strerror or error, extra=about("log_unwritable", error=type(error).__name__))

    def _tell(self) -> None:
        if self._unwritten:
            unwritten, self._unwritten = self._unwritten, 0
            logger.warning("%d lines could not be written to app.log", unwritten, extra=about("lines_dropped", lines=unwritten))
