"""The policy of targets: which addresses and ports tasks may dial, as IOTASK_TARGETS says it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import StrEnum
from ipaddress import ip_network

from msgspec import Struct

from tasks_app.handlers._addresses import Address, Network, is_public
from tasks_app.handlers._hosts import is_name

HTTP_PORTS = "80,443,8080,8443"
LIST = "any, public, or a list such as 10.1.2.0/24:443,[fd00::]/8:8000-8100,example.org"
NOT_PINGED = frozenset({25, 465, 587, 2525, *range(6660, 6670), 6697, 7000})  # mail and chat: what is told there costs others their name
_NAME_SERVERS = 53
_ALL = range(1, 65_536)
_ENTRY = re.compile(r"(?:\[(?P<six>[^\[\]]+)\](?P<bits>/[0-9]{1,3})?|(?P<host>[^:\[\]]+))(?::(?P<ports>[^:]*))?")
_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_WORDS = ("any", "public")
_MEANT = ("all", "none", "private", "local", "loopback", "external", "internal", "internet", "on", "off", "true", "false", "yes", "no")
_ALIKE = 0.7  # difflib's ratio; two letters of "public" may be wrong


class Use(StrEnum):
    """What a task wants of what it dials: an answer of HTTP, a TCP connection and no more, a name server's word."""

    HTTP = "http"
    TCP = "tcp"
    DNS = "dns"


class Entry(Struct, frozen=True):
    """One item of a list: a network or a name, and its ports."""

    network: Network | None
    name: str
    ports: range

    def lets(self, name: str, address: Address, port: int) -> bool:
        """Whether it lets this address through, which `name` stands for.

        A name with a dot may be somebody else's, who could point it at what is inside: it stands for public addresses only.
        One without (localhost, a container's) is of this network.
        """
        if port not in self.ports:
            return False
        if self.network is not None:
            return address in self.network
        return name == self.name and ("." not in name or is_public(address))


class Policy(Struct, frozen=True):
    """Which targets are let through; `words` is how it was set."""

    words: str
    everything: bool = False
    public: bool = False
    entries: tuple[Entry, ...] = ()
    http_ports: tuple[range, ...] = ()

    def lets(self, use: Use, name: str, address: Address, port: int) -> bool:
        """Whether a task may dial this address, which `name` stands for (empty: it was written as an address)."""
        if self.everything or (self.public and self._usual(use, port) and is_public(address)):
            return port in _ALL
        return any(entry.lets(name, address, port) for entry in self.entries)

    def might(self, use: Use, name: str, port: int) -> bool:
        """Whether any address that `name` could stand for would be let through: else nobody needs to be asked for them."""
        if self.everything or (self.public and self._usual(use, port)):
            return port in _ALL
        return any(port in entry.ports and (entry.network is not None or entry.name == name) for entry in self.entries)

    def _usual(self, use: Use, port: int) -> bool:
        if use is Use.HTTP:
            return any(port in ports for ports in self.http_ports)
        return port == _NAME_SERVERS if use is Use.DNS else port not in NOT_PINGED


def policy_of(words: str, http_ports: str = HTTP_PORTS) -> Policy:
    """The policy that IOTASK_TARGETS and IOTASK_HTTP_PORTS say. Raises ValueError with a sentence that names the one that is wrong."""
    usual = _http_ports(http_ports)
    items = [item.strip() for item in words.split(",") if item.strip()]
    for item in items:
        _refuse_a_slip(item)
    if items == ["any"]:
        return Policy("any", everything=True, http_ports=usual)
    if not items or "any" in items:
        raise ValueError(f"IOTASK_TARGETS is {_shown(words)}; allowed: {LIST}.")
    entries = tuple(_entry(item) for item in items if item != "public")
    return Policy(",".join(items), public="public" in items, entries=entries, http_ports=usual)


def name_of(host: str) -> str:
    """A name as it is compared: small letters, no dot at the end."""
    return host.removesuffix(".").lower()


def _refuse_a_slip(item: str) -> None:
    """A single word that looks like one of the modes would be a host of that name, and the policy another than was meant."""
    word = item.lower()
    if item in _WORDS or not word.isalpha():
        return
    if word in _MEANT or get_close_matches(word, _WORDS, n=1, cutoff=_ALIKE):
        raise ValueError(
            f"IOTASK_TARGETS has {_shown(item)} in it, which is no mode; a host of that name is written {item}:1-65535; allowed: {LIST}."
        )


def _entry(item: str) -> Entry:
    found = _ENTRY.fullmatch(item)
    try:
        if found is None:
            return Entry(ip_network(item), "", _ALL)  # IPv6 without brackets, and so without a port
        ports = _range(found["ports"]) if found["ports"] is not None else _ALL
        host = found["host"] or found["six"] + (found["bits"] or "")
        if found["host"] and is_name(host):
            return Entry(None, name_of(host), ports)
        return Entry(ip_network(host), "", ports)
    except ValueError as error:
        raise ValueError(f"IOTASK_TARGETS has {_shown(item)} in it: {str(error)[:120]}; allowed: {LIST}.") from None


def _http_ports(text: str) -> tuple[range, ...]:
    try:
        return tuple(_range(item.strip()) for item in text.split(",") if item.strip())
    except ValueError as error:
        raise ValueError(
            f"IOTASK_HTTP_PORTS is {_shown(text)}: {error}; allowed: ports and ranges of them, such as 80,443,8000-8100."
        ) from None


def _range(text: str) -> range:
    found = _PORTS.fullmatch(text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= low <= high <= _ALL[-1]:
        raise ValueError(f"{_shown(text)} is neither a port nor a range of ports")
    return range(low, high + 1)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:79] + "…")
