"""What was done, newest first: what is in memory, then the file where one is kept. Each reading looks at a bounded number of lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from tasks_app.auth.audit import Audit
from tasks_app.auth.audit_file import backwards
from tasks_app.auth.entries import Entry, Place
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.sentences import say

LOOKED_AT = 5_000  # lines that one reading looks at; some ten milliseconds
_CURSOR = re.compile(r"([0-9a-f]{8})\.(-?[0-9]{1,15})\.([0-9]{1,20})\.([0-9]{1,15})")


class Found(Struct, frozen=True):
    """A page of entries. `next` is the cursor to go on with, empty at the end; `reached` is the time it has looked back to where it stopped
    for having looked at so many."""

    entries: list[Entry]
    next: str = ""
    reached: float | None = None


def read(audit: Audit, wanted: Callable[[Entry], bool], count: int, cursor: str = "") -> Found:
    """At most so many entries that are wanted, the newest first, from a cursor on. Raises InvalidValue for what is no cursor."""
    found: list[Entry] = []
    last: Place | None = None
    for looked, (entry, place) in enumerate(_walk(audit, cursor), 1):
        if wanted(entry):
            if len(found) == count:
                return Found(found, _cursor(audit, last or place))
            found.append(entry)
        last = place
        if looked == LOOKED_AT:
            return Found(found, _cursor(audit, place), entry.at)
    return Found(found)


def _walk(audit: Audit, cursor: str) -> Iterator[tuple[Entry, Place]]:
    after, in_memory = _place(audit, cursor) if cursor else (None, True)
    here = audit.kept_here()
    if in_memory:
        for entry, place in here:
            if after is None or place.number < after.number:
                after = place
                yield entry, place
    if audit.folder is not None:
        known = next((place for _, place in reversed(here) if place.inode), None) if in_memory and here else after
        yield from backwards(audit.folder, known)


def _cursor(audit: Audit, place: Place) -> str:
    return f"{audit.epoch}.{place.number}.{place.inode}.{place.byte}"


def _place(audit: Audit, cursor: str) -> tuple[Place, bool]:
    """The place a cursor names, and whether that is in memory: numbers are those of one process, places in a file outlive it."""
    given = _CURSOR.fullmatch(cursor)
    if given is None:
        raise InvalidValue(say("This is no cursor of a list of deeds."), field="cursor")
    epoch, number, inode, byte = given[1], *map(int, given.groups()[1:])
    place = Place(number, inode, byte)
    oldest = next((place.number for _, place in reversed(audit.kept_here())), None)
    return place, epoch == audit.epoch and not (inode and (oldest is None or number < oldest))
