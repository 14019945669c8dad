"""Who did what: one line of JSON for each login, refusal and effect. It is in the file before the answer is sent."""

from __future__ import annotations

import logging
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from msgspec.structs import replace

from tasks_app.auth.audit_file import NAME, backwards
from tasks_app.auth.entries import DONE, LONGEST, Entry, Place
from tasks_app.auth.principal import Principal
from tasks_app.logs.app_log import AppLog
from tasks_app.logs.lines import about

logger = logging.getLogger("iotask.auth")
lines = logging.getLogger("iotask.audit")
MOST = 1_000  # lines that are kept here, for a page
SAME, SECONDS, MAX_KINDS = 10, 10.0, 1_000  # refusals of one kind that are written within so many seconds, and kinds that are counted


class Audit:
    """The last entries, and the file they go to while a server runs. `epoch` names this process: numbers begin again with the next."""

    def __init__(self, wall: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._clock = clock
        self._lock = Lock()
        self._last: deque[tuple[Entry, Place]] = deque(maxlen=MOST)
        self._number = 0
        self.epoch = secrets.token_hex(4)
        self.version = 0  # rises with each entry
        self.folder: Path | None = None  # where the file is, while one is kept
        self._said: dict[tuple[str, ...], tuple[float, int]] = {}
        self._kept = False
        self._file: AppLog | None = None
        self._failing = False
        self.refused: Counter[str] = Counter()  # by why, since the start

    def effect(self, principal: Principal, address: str, action: str, object: str, door: str = "") -> None:
        """Something was done. Every one has its line."""
        self.keep([self.made(principal, address, action, object, door)])

    def made(self, principal: Principal, address: str, action: str, object: str, door: str = "") -> Entry:
        """The entry of something that was done, for `keep`."""
        return self._entry(principal.name, principal.via, principal.role, address, action, object, DONE, door=door)

    def by_itself(self, who: str, action: str, object: str, door: str) -> None:
        """Something that was asked for before has happened by itself, such as a time of a schedule has come."""
        self.keep([self._entry(who, "", "", "", action, object, DONE, door=door)])

    def refusal(self, who: Principal | str, address: str, action: str, object: str, outcome: str, door: str = "") -> None:
        """Something was not allowed, to somebody who is known or to a name that was tried. Past a few alike from one address the others are
        counted."""
        self.refused[outcome] += 1
        more = self._repeats(address, action, outcome)
        if more is not None:
            known = (who.name, who.via, who.role) if isinstance(who, Principal) else (who, "", "")
            self.keep([self._entry(*known, address, action, object, outcome, more=more, door=door)])

    def latest(self, count: int) -> list[Entry]:
        """The last entries, newest first."""
        with self._lock:
            return [entry for (entry, _place), _ in zip(reversed(self._last), range(count), strict=False)]

    def kept_here(self) -> list[tuple[Entry, Place]]:
        """All entries that are in memory with their places, newest first."""
        with self._lock:
            return list(reversed(self._last))

    @contextmanager
    def kept(self, folder: Path, *, max_bytes: int, files: int) -> Generator[None, None, None]:
        """Write audit.log in this folder meanwhile; at most `max_bytes` bytes, and `files` older ones beside it."""
        self._kept, self._failing, self.folder = True, False, folder
        with suppress(OSError):  # the first line tells
            self._file = AppLog(folder / NAME, max_bytes=max_bytes, files=files)
            self._recall(folder)
        try:
            yield
        finally:
            with self._lock:
                self._kept, file, self._file, self.folder = False, self._file, None, None
            if file is not None:
                file.close()

    def _recall(self, folder: Path) -> None:
        """What earlier processes wrote last stands before what this one writes."""
        with self._lock:
            room = MOST - len(self._last)
            found = [(entry, place) for (entry, place), _ in zip(backwards(folder), range(room), strict=False)]
            known = self._last[0][1].number if self._last else 1
            numbered = ((entry, replace(place, number=known - back)) for back, (entry, place) in enumerate(found, 1))
            self._last.extendleft(numbered)

    def _entry(
        self, who: str, via: str, role: str, address: str, action: str, object: str, outcome: str, *, more: int = 0, door: str = ""
    ) -> Entry:
        """Cut here already: MOST entries are kept, and a path can be as long as the head of a request. All are plain text."""
        cut = slice(LONGEST)
        return Entry(self._wall(), who[cut], via[cut], role[cut], address[cut], action[cut], object[cut], outcome[cut], more, door)

    def keep(self, entries: Sequence[Entry]) -> None:
        """Write entries down, in order, and at once: when this returns they are in the file, as far as that can be."""
        with self._lock:
            lines = [entry.line() for entry in entries]
            inode = byte = 0
            try:
                inode, byte = self._append(b"".join(lines)) if self._kept else (0, 0)
                self._failing = False
            except OSError as error:
                for entry in entries:
                    self._fall_back(entry, error)
            for entry, line in zip(entries, lines, strict=True):
                self._number += 1
                self._last.append((entry, Place(self._number, inode, byte)))
                byte += len(line) if inode else 0
            self.version += len(entries)

    def _append(self, text: bytes) -> tuple[int, int]:
        """In which file (its inode), and from which byte on, it stands."""
        if self._file is None:
            raise OSError(None, "it could not be opened")
        return self._file.append(text)

    def _fall_back(self, entry: Entry, error: OSError) -> None:
        """What cannot be kept is at least said; whoever collects stderr has it."""
        if not self._failing:
            self._failing = True
            logger.error("%s cannot be written (%s): its lines are said here", NAME, error.strerror, extra=about("audit_unwritable"))
        lines.warning("not in %s", NAME, extra=about("audit_line", **entry.fields()))

    def _repeats(self, *kind: str) -> int | None:
        """How many of this kind were left out before this one; None when this one is left out too."""
        now = self._clock()
        with self._lock:
            if len(self._said) > MAX_KINDS:
                self._said.clear()
            began, said = self._said.get(kind, (now, 0))
            over = now - began >= SECONDS
            self._said[kind] = (now, 1) if over else (began, said + 1)
        if over:
            return max(0, said - SAME)
        return 0 if said < SAME else None


audit = Audit()


def latest(count: int) -> list[Entry]:
    """The last entries of this process, newest first."""
    return audit.latest(count)
