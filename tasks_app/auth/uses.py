"""When each token was last shown, from where, and how often today: in memory, since this process began."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

DAY = 86_400.0  # seconds


class Use(Struct):
    """Of one token: `at` in seconds since 1970, `calls` of the day (in UTC) of its last use."""

    at: float
    address: str
    calls: int


class Uses:
    """By the digest of the token; one whose token is gone is forgotten with the next look. `clock` is wall-clock time."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._uses: dict[str, Use] = {}

    def count(self, digest: str, address: str) -> None:
        """A token that is right was shown."""
        now = self._clock()
        before = self._uses.get(digest)
        calls = before.calls if before is not None and before.at // DAY == now // DAY else 0
        self._uses[digest] = Use(now, address, calls + 1)

    def of(self, digest: str) -> Use | None:
        """The last use of a token, with the calls of today; None where it was not shown yet."""
        found = self._uses.get(digest)
        if found is not None and found.at // DAY != self._clock() // DAY:
            return Use(found.at, found.address, 0)
        return found

    def keep(self, digests: frozenset[str]) -> None:
        """Forget all others."""
        self._uses = {digest: use for digest, use in self._uses.items() if digest in digests}
