"""What a proxy in front says of its clients: believed where it comes from a proxy of ours, and dropped otherwise."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tasks_app.auth.errors import WrongLogin

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Scope = dict[str, Any]
BY_PROXY = "iotask.by_proxy"  # in a scope: it came by way of a proxy of ours
UNKNOWN = "unknown"  # the address of a client that has none, or none that can be read
LONGEST = 64  # characters; the longest address with its zone is shorter
_CHAIN, _SCHEME = b"x-forwarded-for", b"x-forwarded-proto"


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks and single addresses. Raises WrongLogin."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as error:
        raise WrongLogin(f"IOTASK_TRUSTED_PROXIES: {error}; allowed are addresses and networks, such as 10.0.0.7 or 10.1.0.0/16.") from None


def seen_from(scope: Scope, proxies: Sequence[Network]) -> Scope:
    """The same ASGI scope with `client` and `scheme` as a proxy of ours tells them. In a chain of addresses the last one that is not ours
    counts: what stands before it was written by whoever wanted to."""
    if not proxies or not _ours(client_of(scope), proxies):
        return scope
    headers = scope["headers"]
    found = {**scope, BY_PROXY: True}
    chain = [part.strip() for name, value in headers if name == _CHAIN for part in value.decode("latin-1").split(",")]
    if chain:
        found["client"] = (_last_foreign(chain, proxies), 0)
    schemes = [value.strip().lower() for name, value in headers if name == _SCHEME]
    if schemes == [b"https"]:
        found["scheme"] = "wss" if scope["type"] == "websocket" else "https"
    return found


def is_secure(scope: Scope) -> bool:
    """Whether it came encrypted. Daphne says nothing of a socket's scheme: then it did not."""
    return scope.get("scheme") in ("https", "wss")


def client_of(scope: Scope) -> str:
    """The address of whoever asks."""
    return scope["client"][0] if scope.get("client") else UNKNOWN


def is_loopback(address: str) -> bool:
    """Whether that is this machine."""
    found = _address(address)
    return found is not None and found.is_loopback


def _last_foreign(chain: Sequence[str], proxies: Sequence[Network]) -> str:
    for text in reversed(chain):
        if not _ours(text, proxies):
            return text if len(text) <= LONGEST and _address(text) is not None else UNKNOWN
    return chain[0]


def _ours(text: str, proxies: Sequence[Network]) -> bool:
    address = _address(text[:LONGEST])
    return address is not None and any(address in network for network in proxies)


@lru_cache(maxsize=1024)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """IPv4 in IPv6's clothes is IPv4."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
