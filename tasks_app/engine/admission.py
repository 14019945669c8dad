"""Whether new tasks may come in: what is full says so, and names its bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock

from tasks_app.engine.errors import JournalBehind, JournalFailed, NoRoom, ShareFull, Unavailable, WaitingFull
from tasks_app.engine.limits import Limits
from tasks_app.engine.ports import Journal
from tasks_app.engine.sentences import say
from tasks_app.engine.store import Store


class Admission:
    """Looks at journal, memory and bounds. `room` gives a sentence when there is no memory left."""

    def __init__(self, store: Store, journal: Journal, limits: Limits, room: Callable[[], str]) -> None:
        self._store = store
        self._journal = journal
        self._limits = limits
        self._room = room
        self._promised: Counter[str] = Counter()  # places of people whose tasks are on their way
        self._lock = Lock()
        self.refused: Counter[str] = Counter()  # by the code of the error, since the start

    def check(self, more: int, by: str = "") -> None:
        """Let `more` tasks of one person wait; 0 for a task of the server's own. Raises JournalFailed, NoRoom, WaitingFull, ShareFull."""
        try:
            self._check(more, by)
        except Unavailable as error:
            self.refused[error.code] += 1
            raise

    def promise(self, places: int, by: str) -> None:
        """Hold so many places for tasks of one person that will come; less than none: they have come, or will not."""
        with self._lock:
            self._promised[by] += places
            if not self._promised[by]:
                del self._promised[by]

    def meets_again(self, error: Exception) -> None:
        """What was refused is asked again at once, another way: it counts there."""
        if isinstance(error, Unavailable) and self.refused[error.code]:
            self.refused[error.code] -= 1

    def _check(self, more: int, by: str) -> None:
        if trouble := self._journal.trouble:
            raise JournalFailed(trouble)
        if behind := self._journal.behind:
            raise JournalBehind(behind)
        if full := self._room():
            raise NoRoom(full)
        waiting, most = self._store.waiting, self._limits.max_waiting
        if self._promised:
            with self._lock:
                waiting += self._promised.total()
        if more and waiting + more > most:
            raise WaitingFull(say("{waiting:,} tasks are waiting; at most {most:,} may.", waiting=waiting, most=most))
        if more and by:
            self._check_share(more, by)

    def _check_share(self, more: int, by: str) -> None:
        most = self._limits.max_waiting_each
        if most is not None and (waiting := self._store.shares.waiting(by) + self._promised[by]) + more > most:
            raise ShareFull(
                say("{waiting:,} tasks of {by} are waiting; at most {most:,} of one person may.", waiting=waiting, by=by, most=most)
            )
