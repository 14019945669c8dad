"""How much memory this process holds, and whether that leaves room for new tasks."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from tasks_app.engine.sentences import kept

SHARE = 0.8  # of what the machine, or the group the process runs in, has; past it new tasks are refused
LOOK_EVERY = 0.5  # seconds
LONG_LOOK = 10.0  # seconds
LARGE = 262_144  # bytes of what is given back to the system as soon as nobody needs it
_M_MMAP_THRESHOLD = -3  # of mallopt(3)
_GROUP = Path("/sys/fs/cgroup/memory.max")
_MIB = 2**20
_FULL = kept("This process holds {held:,} MiB of memory and may hold {most:,}: new tasks are refused.")
_HELD = kept("task {number} ({type}) {size:,} MiB")
_HEAVIEST = kept("As far as can be told, most is held by {tasks}.")


def give_back_what_is_large() -> bool:
    """From now on memory for something large is asked from the system for itself, and returned with it. glibc does so only until the first
    such thing is freed, and then cuts it from a heap that does not shrink: bodies of requests were held long after their answers. False
    where there is another library."""
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE))
    except (OSError, AttributeError):
        return False


class Memory:
    """A bound in bytes: past it the server goes on with what it has and takes nothing new."""

    def __init__(self, most: int, held: Callable[[], int] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._held = held or (lambda: int(psutil.Process().memory_info().rss))
        self._clock = clock
        self._looked = -LOOK_EVERY
        self._found = 0

    @property
    def held(self) -> int:
        """Bytes the process holds, as of a moment ago."""
        now = self._clock()
        if now - self._looked >= LOOK_EVERY:
            self._found, self._looked = self._held(), now
        return self._found

    def trouble(self) -> str:
        """A sentence when there is no room; empty while there is."""
        held = self.held
        if held <= self.most:
            return ""
        return str(_FULL(held=held // _MIB, most=self.most // _MIB))


class Heaviest:
    """A sentence on the tasks that hold the most, looked for every LONG_LOOK seconds. `find` gives bytes, number and type of some."""

    def __init__(self, find: Callable[[], Iterable[tuple[int, int, str]]], clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._looked = -LONG_LOOK
        self._said = ""

    def __str__(self) -> str:
        now = self._clock()
        if now - self._looked >= LONG_LOOK:
            self._looked = now
            held = [_HELD(number=number, type=kind, size=size // _MIB) for size, number, kind in self._find() if size >= _MIB]
            self._said = str(_HEAVIEST(tasks=", ".join(held))) if held else ""
        return self._said


def usual_bound() -> int:
    """A share of the memory there is: the machine's, or the control group's where that has less."""
    there: int = psutil.virtual_memory().total
    try:
        text = _GROUP.read_text().strip()
    except OSError:
        text = "max"
    return int(SHARE * (min(there, int(text)) if text.isdigit() else there))
