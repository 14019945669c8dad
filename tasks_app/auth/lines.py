"""Lines that name users or tokens: from a setting, or from a file that only its owner can read. A file that changes is read again."""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from tasks_app.auth.errors import WrongLogin
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.auth")
LOOK_EVERY = 1.0  # seconds
LONGEST = 1_000_000  # bytes of a file
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
T = TypeVar("T")


class Line(NamedTuple):
    """One line and where it stands, in words that show nothing of it."""

    where: str
    text: str

    def wrong(self, why: str) -> WrongLogin:
        """What is the matter with it."""
        return WrongLogin(f"{self.where}: {why}.")


Read = Callable[[Sequence[Line]], T]


class Lines(Generic[T]):
    """What the lines of the setting `name`, or those of a file, mean to `read`. Raises WrongLogin when it is made."""

    def __init__(self, name: str, text: str, path: Path | None, read: Read[T], clock: Callable[[], float] = time.monotonic) -> None:
        if text and path is not None:
            raise WrongLogin(f"{name} and {name}_FILE are both set: set one of them.")
        self.name = name
        self.is_set = bool(text.strip()) or path is not None
        self._path = path
        self._read = read
        self._clock = clock
        self._looked = clock()
        self._seen = _signature(path)
        self._value = read(_split(name, re.split(r"[\n,]", text)) if path is None else _of_file(name, path))

    @property
    def value(self) -> T:
        """What they mean now. A file that became unreadable or wrong leaves what was; the log says so."""
        if self._path is not None and self._clock() - self._looked >= LOOK_EVERY:
            self._look(self._path)
        return self._value

    def _look(self, path: Path) -> None:
        self._looked = self._clock()
        seen = _signature(path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._value = self._read(_of_file(self.name, path))
        except WrongLogin as error:
            logger.error("%s What it said before holds on", error, extra=about("login_file_wrong", path=str(path)))
        else:
            logger.info("%s was read again", path, extra=about("login_file_read", path=str(path)))


def _of_file(name: str, path: Path) -> list[Line]:
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise WrongLogin(f"{name}_FILE is {str(path)!r}, which cannot be read: {error.strerror or error}.") from None
    if not stat.S_ISREG(state.st_mode) or len(content) > LONGEST:
        raise WrongLogin(f"{name}_FILE is {str(path)!r}, which is no file of at most {LONGEST:,} bytes.")
    if state.st_mode & _OTHERS:
        raise WrongLogin(f"{name}_FILE is {str(path)!r}, which others than its owner may read or write: `chmod 600` it.")
    try:
        return _split(str(path), content.decode().split("\n"))
    except UnicodeDecodeError:
        raise WrongLogin(f"{name}_FILE is {str(path)!r}, which is not UTF-8.") from None


def _split(source: str, lines: Sequence[str]) -> list[Line]:
    """Without empty lines and comments."""
    numbered = [Line(f"{source}, line {number}", line.strip()) for number, line in enumerate(lines, 1)]
    return [line for line in numbered if line.text and not line.text.startswith("#")]


def _signature(path: Path | None) -> object:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return found and (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)
