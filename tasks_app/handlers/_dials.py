"""How often, and over how many connections at once, tasks may dial one host: enough to watch it, too few to scan it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, ip_network
from typing import Any

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.handlers._addresses import address_of
from tasks_app.rates import Rate

USUAL_RATE, USUAL_AT_ONCE = 200, 500  # of one person to one host, where others can come
FOUR, SIX = 24, 64  # bits of a network whose hosts count together as well, of IPv4 and of IPv6
_TOO_MANY = kept("Not dialled: this server's tasks dial this host, or its network, as often as they may")
Key = tuple[str, str]  # whose (empty: everybody's), and to where
Keys = tuple[tuple[Key, int], ...]  # what a dial counts for, and how many times as much is allowed there


Socket = socket.socket  # that was let through: none is made elsewhere


class TooManyDials(TaskFailure):
    """This server dials a host as often as it may, and does not dial it now."""

    def __init__(self) -> None:
        super().__init__(_TOO_MANY(), kind="TooManyDials")


class Counted:
    """A connection in the count of those that are open, until it leaves or is forgotten."""

    __slots__ = ("_keys", "_open")

    def __init__(self, counts: dict[Key, int], keys: Keys) -> None:
        self._open = counts
        self._keys = keys
        for key, _ in keys:
            counts[key] = counts.get(key, 0) + 1

    def leave(self) -> None:
        """Count it no more."""
        keys, self._keys = self._keys, ()
        for key, _ in keys:
            left = self._open[key] - 1
            if left:
                self._open[key] = left
            else:
                del self._open[key]

    __del__ = leave


class Dialled(socket.socket):
    """A socket that is counted until it is closed, or forgotten."""

    __slots__ = ("counted",)
    counted: Counted

    def close(self) -> None:
        """Close it, and count it no more."""
        super().close()
        self.counted.leave()


class Dials:
    """Counts dials by host and by network, of each person and of all. One person may dial a network twice as often as a host, all people
    together a host twice and a network four times. For the engine's loop alone, as all that dial are on it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.told: Callable[[str, str], object] | None = None  # hears of each dial that was refused: whose, and to where
        self._clock = clock
        self._rates: dict[int, Rate] = {}
        self._at_once: int | None = None
        self._open: dict[Key, int] = {}

    def configure(self, per_second: int | None, at_once: int | None) -> None:
        """Set the bounds of one person to one host; None: no bound."""
        self._rates = {factor: Rate(factor * per_second, 1, clock=self._clock) for factor in (1, 2, 4)} if per_second else {}
        self._at_once = at_once

    def count(self, by: str, host: str) -> Keys:
        """Count a dial that leaves nothing open; what it counts for. Raises TooManyDials."""
        keys = _keys(by, host)
        many = self._at_once is not None and any(self._open.get(key, 0) >= factor * self._at_once for key, factor in keys)
        if many or (self._rates and any(self._rates[factor].wait(" ".join(key)) for key, factor in keys)):
            if self.told is not None:
                self.told(by, host)
            raise TooManyDials
        return keys

    def socket(self, by: str, host: str, family: int, kind: int, protocol: int) -> Socket:
        """A socket to dial this host with, counted while it is open. Without bounds nothing is counted. Raises TooManyDials, OSError."""
        if not self._rates and self._at_once is None:
            return Socket(family, kind, protocol)
        keys = self.count(by, host)
        made = Dialled(family, kind, protocol)
        made.counted = Counted(self._open, keys)
        return made

    def open_to(self, host: str) -> int:
        """How many connections there are to a host, where there are bounds."""
        return self._open.get(("", host), 0)


def _keys(by: str, host: str) -> Keys:
    network = _network_of_six(host) if ":" in host else f"{host[: host.rfind('.')]}.0/24"
    everybodys = ((("", host), 2), (("", network), 4))
    return (((by, host), 1), ((by, network), 2), *everybodys) if by else everybodys


@lru_cache(maxsize=1024)
def _network_of_six(host: str) -> str:
    address: Any = address_of(host)
    bits = FOUR if isinstance(address, IPv4Address) else SIX
    return str(ip_network((address, bits), strict=False))
