"""How many sockets may be open: in all, and of one person. In open mode a person is an address, and this machine's own have no bound
unless one is set: one person sits there, or a proxy that speaks for many."""

from __future__ import annotations

from collections import Counter

from tasks_app.auth.forwarded import is_loopback
from tasks_app.auth.principal import Principal, Via
from tasks_app.auth.throttle import place_of

USUAL = 50  # sockets of one person
Who = tuple[str, str]


class Full(Exception):
    """As many sockets are open as this server holds."""


class Crowded(Exception):
    """As many of this person's sockets are open as he may have."""


class Seats:
    """Counts open sockets. `most` in all, `each` of one person; None is USUAL."""

    def __init__(self, most: int, each: int | None) -> None:
        self.most = most
        self._each = each
        self._taken: Counter[Who] = Counter()

    def take(self, principal: Principal, address: str) -> Who:
        """A seat for one more; what is returned gives it back. Raises Full, Crowded: then there is none to be given back."""
        if len(self) >= self.most:
            raise Full
        who = _who(principal, address)
        if self._taken[who] >= self._bound(who):
            raise Crowded
        self._taken[who] += 1
        return who

    def give_back(self, who: Who) -> None:
        """A socket is closed."""
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]

    def __len__(self) -> int:
        return self._taken.total()

    def _bound(self, who: Who) -> int:
        if self._each is not None:
            return self._each
        via, name = who
        return self.most if via == Via.OPEN and is_loopback(name) else USUAL


def _who(principal: Principal, address: str) -> Who:
    """However many sessions somebody has, he is one person; so is whoever has a whole network of IPv6."""
    if principal.via is not Via.OPEN:
        return principal.via, principal.name
    return principal.via, address if is_loopback(address) else place_of(address)
