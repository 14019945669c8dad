"""How often somebody may try to log in: from one address for one name, and from one address in all."""

from __future__ import annotations

import hashlib
import ipaddress
import math

from tasks_app.auth.errors import Denied
from tasks_app.engine.sentences import say
from tasks_app.rates import MOST_KEYS, Rate

FOR_A_NAME = (5, 300)  # tries, and within how many seconds, from one address
FROM_AN_ADDRESS = (50, 600)


class Throttle:
    """Counts tries before their password is looked at, so that tries at the same moment count as well. A name is never locked: from
    another address its owner gets in."""

    def __init__(self, most_keys: int = MOST_KEYS) -> None:
        self._of_names = Rate(*FOR_A_NAME, most_keys=most_keys)
        self._of_addresses = Rate(*FROM_AN_ADDRESS, most_keys=most_keys)

    def count(self, name: str, address: str) -> None:
        """One more try, whether somebody has that name or not: else the answers would tell. Raises Denied with the seconds to wait."""
        wait = self._of_addresses.wait(place_of(address)) or self._of_names.wait(_key(name, address))
        if wait:
            raise Denied(429, "too_many_tries", say("Too many tries to log in from here."), retry_after=math.ceil(wait))

    def left(self, name: str, address: str) -> int:
        """How many more tries there are at the moment."""
        return self._of_names.left(_key(name, address))

    def forget(self, name: str, address: str) -> None:
        """That try was right: those for this name from there begin anew."""
        self._of_names.forget(_key(name, address))


def _key(name: str, address: str) -> str:
    """Of one length, however long the name is."""
    return f"{place_of(address)} {hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:16]}"


def place_of(address: str) -> str:
    """An address; of IPv6 the network that one customer has, as he may choose any address in it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
