"""How many connections may be open, in all and from one address."""

from __future__ import annotations

import ipaddress
import resource
from collections import Counter
from functools import cache

from tasks_app.conf import get_config

SPARE = 256  # descriptors kept for tasks, files and the journal
USUAL = 512  # connections of one address that is not this machine's; a proxy in front is on loopback, and speaks for many


class Crowd:
    """Counts what is open. `most` in all; `each` from one address, None for USUAL and no bound on loopback."""

    def __init__(self, most: int, each: int | None) -> None:
        self.most = most
        self._each = each
        self._open: Counter[str] = Counter()
        self._total = 0

    def enter(self, address: str) -> bool:
        """Count a connection. False where there is no room for it: it is counted all the same, until it leaves."""
        self._total += 1
        self._open[address] += 1
        bound = self._bound(address)
        return self._total <= self.most and (bound is None or self._open[address] <= bound)

    def leave(self, address: str) -> None:
        """A connection is closed."""
        self._total -= 1
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def __len__(self) -> int:
        return self._total

    def _bound(self, address: str) -> int | None:
        if self._each is not None:
            return self._each
        return None if _is_loopback(address) else USUAL


def room_for(wanted: int) -> int:
    """How many connections this process can hold: as many as wanted, or as its descriptors allow. Raises its own limit as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + SPARE:
        soft = wanted + SPARE if hard == resource.RLIM_INFINITY else min(hard, wanted + SPARE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(wanted, soft - SPARE))


@cache
def crowd() -> Crowd:
    """The connections of this process."""
    config = get_config()
    return Crowd(room_for(config.max_connections), config.max_connections_per_address)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a socket of the file system has none
        return True
