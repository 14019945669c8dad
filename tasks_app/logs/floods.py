"""Keeps a log readable while somebody hammers at the server: a sentence that is said again and again is counted, not written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection

MOST = 10  # lines of one kind in SECONDS
SECONDS = 10.0
MAX_KINDS = 1000
FREE = ("iotask.tasks", "iotask.audit", "django.channels.server")  # each of their lines tells something else


class Repeats(logging.Filter):
    """For a handler. Lines are of one kind when their logger and their text, before its values, are the same.

    Several handlers may have one each: the first that sees a record decides, and leaves its word on the record.
    Lines of the loggers in `free` all pass.
    """

    def __init__(self, free: Collection[str] = FREE, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._free = frozenset(free)
        self._clock = clock
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is written. The last one before silence, and the first one after, say so in the record's `note`."""
        if record.name in self._free:
            return True
        word = vars(record)
        if "passes" not in word:
            whose = word.get("whose")  # what different tasks say is not the same thing said again
            word["passes"], word["note"] = self._judged(f"{record.name} {whose.task}" if whose else record.name, str(record.msg))
        return bool(word["passes"])

    def _judged(self, name: str, text: str) -> tuple[bool, str]:
        if len(self._kinds) > MAX_KINDS:
            self._kinds.clear()
        now = self._clock()
        began, said = self._kinds.get((name, text), (now, 0))
        hidden = 0
        if now - began >= SECONDS:
            began, said, hidden = now, 0, max(0, said - MOST)
        self._kinds[name, text] = (began, said + 1)
        return said < MOST, _note(said + 1, hidden)


def _note(said: int, hidden: int) -> str:
    if hidden:
        return f" ({hidden} more like this were not written)"
    return f" (more like this within {SECONDS:g} s are counted, not written)" if said == MOST else ""
