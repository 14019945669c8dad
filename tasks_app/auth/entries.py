"""One entry of the audit: what its line in the file says, and where it stands."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

LONGEST = 200  # characters of a value
DONE = "done"


@lru_cache(maxsize=2)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Entry(Struct, frozen=True):
    """One line. `at` is wall clock time (seconds since 1970); `via` says how we know who it is, `door` by which way it came: dashboard,
    api, the name of a dialect, or schedule; `address` is where it came from; `object` is what it was about; `outcome` is `done`, or why
    not; `more` counts lines like it that were left out before it."""

    at: float
    who: str
    via: str
    role: str
    address: str
    action: str
    object: str
    outcome: str
    more: int = 0
    door: str = ""

    def fields(self) -> dict[str, Any]:
        """By the names they have in the file."""
        found: dict[str, Any] = {
            "who": self.who,
            "via": self.via,
            "role": self.role,
            "from": self.address,
            "action": self.action,
            "object": self.object,
            "outcome": self.outcome,
        }
        if self.door:
            found["door"] = self.door
        if self.more:
            found["more"] = self.more
        return found

    def line(self) -> bytes:
        """As it stands in the file: pure ASCII, so that no name can look like a line, or like another name."""
        second, part = divmod(round(self.at * 1_000_000), 1_000_000)
        fields = {"time": f"{_second(second)}.{part:06d}Z", **self.fields()}
        line = msgspec.json.encode(fields)
        return (line if line.isascii() else json.dumps(fields).encode()) + b"\n"


IN_FILE = -(10**12)  # in place of a number: it is older than what is in memory


class Place(Struct, frozen=True):
    """Where an entry stands: the how manieth it is in this process (what was there before counts down from 0); and in which file (its
    inode), at which byte, where it is kept."""

    number: int
    inode: int = 0
    byte: int = 0


class _Line(Struct):
    """As it stands in the file."""

    time: datetime
    who: str
    via: str
    role: str
    from_: str = msgspec.field(name="from")
    action: str
    object: str
    outcome: str
    door: str = ""
    more: int = 0


_decode = msgspec.json.Decoder(_Line).decode


def parsed(line: bytes) -> Entry | None:
    """The entry of a line; None for what is none, such as half a line."""
    try:
        found = _decode(line)
        at = found.time.timestamp()
    except (msgspec.MsgspecError, ValueError, OverflowError):
        return None
    who, via, role, address, action = (text[:LONGEST] for text in (found.who, found.via, found.role, found.from_, found.action))
    return Entry(at, who, via, role, address, action, found.object[:LONGEST], found.outcome[:LONGEST], found.more, found.door[:LONGEST])
