"""Who is next: deliveries by when they are due, a few at once, and of those to one host fewer, so that one that hangs holds up no other."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from urllib.parse import urlsplit

AT_ONCE = 32
TO_ONE_HOST = 4


class Line:
    """Ids of deliveries. For the engine's loop alone."""

    def __init__(self, at_once: int = AT_ONCE, to_one_host: int = TO_ONE_HOST) -> None:
        self._at_once, self._to_one_host = at_once, to_one_host
        self._due: list[tuple[float, str, str]] = []  # when, where, whose
        self._newest: dict[str, float] = {}  # when each is due, as was said last
        self._ready: dict[str, deque[str]] = {}
        self._going: Counter[str] = Counter()

    @property
    def is_ready(self) -> bool:
        """Whether somebody waits for nothing but a place."""
        return bool(self._ready)

    def add(self, delivery_id: str, url: str, at: float) -> None:
        """One is due at that moment, by a clock that nobody sets, and no more at one that was said before."""
        self._newest[delivery_id] = at
        heapq.heappush(self._due, (at, host_of(url), delivery_id))

    def next(self, now: float) -> tuple[str, str] | None:
        """The next that may begin, and its host, which it holds a place of until `left`; None for none."""
        while self._due and self._due[0][0] <= now:
            at, host, delivery_id = heapq.heappop(self._due)
            if self._newest.get(delivery_id) == at:
                del self._newest[delivery_id]
                self._ready.setdefault(host, deque()).append(delivery_id)
        if self._going.total() >= self._at_once:
            return None
        host = next((one for one in self._ready if self._going[one] < self._to_one_host), "")
        if not host:
            return None
        waiting = self._ready.pop(host)
        found = waiting.popleft()
        if waiting:
            self._ready[host] = waiting  # behind the others
        self._going[host] += 1
        return found, host

    def left(self, host: str) -> None:
        """One has ended."""
        self._going[host] -= 1
        if not self._going[host]:
            del self._going[host]


def host_of(url: str) -> str:
    """Host and port."""
    return urlsplit(url).netloc.lower()
