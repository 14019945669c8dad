"""Looks at attempts that nothing was heard of for a while: some have ended, some run on in silence, some are lost and are sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tasks_app.executors.call import Call
from tasks_app.executors.ledger import Found
from tasks_app.executors.link import Link
from tasks_app.executors.wire import SETTLED, Settled

SILENT = 12.0  # seconds; a process that runs attempts is heard of more often
MOST = 500  # attempts that are looked at in one round
OVERTAKEN = 5.0  # seconds between two messages, so that the second does not begin before the first by chance
STOP_AGAIN = 2.0  # seconds between two words that an attempt is to stop
UNHEARD = 2.0  # seconds in which a worker that runs a revoked attempt would have been heard
_NEVER = float("-inf")


class Rounds:
    """`ended` is told of an end that was not heard. `alive` and `doubt_all` may be called from any thread, `go` by the link's own."""

    def __init__(self, calls: dict[str, Call], ended: Callable[[Call, Settled], object], monotonic: Callable[[], float]) -> None:
        self._calls = calls
        self._ended = ended
        self._monotonic = monotonic
        self._missing: set[str] = set()  # nobody knew these in the round before
        self._stopped_at = _NEVER

    def alive(self, calls: Iterable[str]) -> None:
        """A worker says that it runs these."""
        now = self._monotonic()
        for call_id in calls:
            call = self._calls.get(call_id)
            if call is not None:
                call.heard_at = now

    def doubt_all(self) -> None:
        """Something was missed."""
        for call in list(self._calls.values()):
            call.heard_at = _NEVER

    def go(self, link: Link) -> None:
        """Look at those that are silent."""
        now = self._monotonic()
        self._stop_again(link, now)
        self._take_back(now)
        silent = [call for call in list(self._calls.values()) if call.sent and not call.settled and now - call.heard_at > SILENT][:MOST]
        if not silent:
            self._missing.clear()
            return
        unknown = [
            call
            for call, found in zip(silent, link.ledger.find([call.id for call in silent]), strict=True)
            if self._doubtful(link, call, found)
        ]
        self._send_again(link, unknown)

    def _doubtful(self, link: Link, call: Call, found: Found) -> bool:
        """Whether the ledger knows nothing of it."""
        if found.ended is not None:
            link.tell(SETTLED, call.id, found.ended)  # others who follow the cluster have not heard it either
            self._ended(call, found.ended)
        elif found.runs:
            call.runs_as(found.runs)
        else:
            return True
        return False

    def _send_again(self, link: Link, unknown: list[Call]) -> None:
        """What ran and has no lease is lost; what may never have been sent is sent, as a second message does no harm where all see the same
        ledger. What never began may wait at the broker, or lie with a worker that is about to begin: only
        when it is in neither place twice in a row is it sent again."""
        if not link.ledger.shared:
            unknown = self._not_held(link, unknown)
        lost = [call for call in unknown if call.run or (call.unsure and link.ledger.shared)]
        waiting = [call for call in unknown if call not in lost]
        for call in lost:
            call.send_again(link)
        if waiting and link.queued():
            overtaken = self._overtaken(waiting)
            self._still_there([call for call in waiting if call not in overtaken])
            waiting = overtaken
        missing = self._not_held(link, waiting)
        for call in [call for call in missing if call.id in self._missing]:
            call.send_again(link)
        self._missing = {call.id for call in missing}

    def _overtaken(self, waiting: list[Call]) -> list[Call]:
        """Those that others have overtaken which were sent well after them: messages are taken in order."""
        newest = max((call.sent_at for call in list(self._calls.values()) if call.run), default=_NEVER)
        return [call for call in waiting if call.sent_at + OVERTAKEN < newest]

    def _not_held(self, link: Link, calls: list[Call]) -> list[Call]:
        held = link.held_by_workers([call.id for call in calls]) if calls else set()
        self._still_there([call for call in calls if call.id in held])
        return [call for call in calls if call.id not in held]

    def _still_there(self, calls: list[Call]) -> None:
        now = self._monotonic()
        for call in calls:
            call.heard_at = now
            self._missing.discard(call.id)

    def _stop_again(self, link: Link, now: float) -> None:
        """A word to stop may come to nobody: it is said again until the attempt has ended."""
        if now - self._stopped_at >= STOP_AGAIN:
            self._stopped_at = now
            for call in [c for c in list(self._calls.values()) if c.run and c.context.stop is not None and c.ended is None]:
                call.stop_again(link)

    def _take_back(self, now: float) -> None:
        """Those that were revoked at a broker that keeps no ledger, and that no worker runs."""
        for call in list(self._calls.values()):
            if call.revoked_at is not None and not call.run and not call.settled and now - call.revoked_at > UNHEARD:
                call.taken_back()
