"""The one door out: every task that dials asks here, at the moment it dials, and gets sockets for what was let through only."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextvars import ContextVar
from socket import AF_INET, AF_INET6
from typing import Any

from aiohttp import ClientConnectorError, ClientRequest, ClientResponse, ClientSSLError
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_middlewares import ClientHandlerType
from msgspec.structs import replace

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.handlers import _lookups
from tasks_app.handlers._addresses import Address, address_of, is_here, is_metadata
from tasks_app.handlers._dials import USUAL_AT_ONCE, USUAL_RATE, Dials
from tasks_app.handlers._hosts import Found, is_name
from tasks_app.handlers._lookups import NameNotFound
from tasks_app.handlers._targets import HTTP_PORTS, Entry, Policy, Use, name_of, policy_of

_BLOCKED = kept("Tasks may not dial this address")
_LOOPBACK = ("127.0.0.1", "::1")
_refused: ContextVar[list[TaskFailure]] = ContextVar("refused")  # why addresses of the request under way were not dialled


class Blocked(TaskFailure):
    """A target that is not let through. The words are always the same: they tell nothing of what is there, or why not."""

    def __init__(self) -> None:
        super().__init__(_BLOCKED(), kind="blocked_address", retry=False)


class Door:
    """What may pass: the policy, and what no policy opens: cloud metadata, this server itself, and what it depends on."""

    def __init__(self) -> None:
        self._set: Policy | None = None
        self._more: tuple[Entry, ...] = ()
        self._any, self._public = policy_of("any"), policy_of("public")
        self._metadata = False
        self._only_loopback = False
        self._ports: set[int] = set()
        self._names: frozenset[str] = frozenset()
        self._kept_out: frozenset[tuple[str, int]] = frozenset()
        self._dials_asked: tuple[int | None, int | None] = None, None
        self._alone = True
        self.dials = Dials()

    @property
    def policy(self) -> Policy:
        """The policy that is set; without one: any target as long as only this machine can reach this server, else public ones."""
        policy = self._set or (self._any if self._only_loopback else self._public)
        return replace(policy, entries=policy.entries + self._more) if self._more else policy

    def configure(
        self,
        targets: str = "",
        http_ports: str = HTTP_PORTS,
        *,
        metadata: bool = False,
        names: Iterable[str] = (),
        kept_out: Iterable[tuple[str, int]] = (),
        dials: tuple[int | None, int | None] = (None, None),
        alone: bool = True,
    ) -> None:
        """Say what the settings say. `names` are those of this server; hosts and ports in `kept_out` are never dialled; `dials` are those
        of one person to one host, in a second and at once (None: as is usual), `alone` whether there is but one person.
        Raises ValueError with a sentence."""
        self._public = policy_of("public", http_ports)
        self._set = policy_of(targets, http_ports) if targets else None
        self._metadata = metadata
        self._names = frozenset(map(name_of, names))
        self._kept_out = frozenset((name_of(host), port) for host, port in kept_out)
        self._dials_asked, self._alone = dials, alone
        self.dials.configure(*self.bounds)

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Dials of one person to one host in a second, and connections at once. None, no bound, for one person on this machine who may
        dial everything and has said nothing else."""
        rate, at_once = self._dials_asked
        free = self._alone and self._only_loopback and self.policy.everything
        return rate or (None if free else USUAL_RATE), at_once or (None if free else USUAL_AT_ONCE)

    def listens(self, host: str, port: int) -> None:
        """Say where this server listens: an address and a port. Nobody dials that port on this machine from now on."""
        address = address_of(host)
        self._only_loopback = address is not None and address.is_loopback and (self._only_loopback or not self._ports)
        self._ports.add(port)
        self.dials.configure(*self.bounds)

    def also(self, targets: str) -> None:
        """Let these through too, a list of networks and names with ports. Raises ValueError."""
        self._more = policy_of(targets).entries

    def refused_as_written(self, host: str, port: int, use: Use = Use.TCP) -> bool:
        """Whether it is already clear that this target will be refused. Names other than localhost are judged when they are dialled."""
        name, literal = name_of(host), address_of(host)
        if literal is not None:
            return not self._lets(use, "", literal, port)
        local = name == "localhost" or name.endswith(".localhost")
        found = [address for text in _LOOPBACK if (address := address_of(text))] if local else []
        return not (self.policy.might(use, name, port) and all(self._lets(use, name, address, port) for address in found))

    async def addresses(self, host: str, port: int, use: Use, by: str = "") -> list[Found]:
        """The addresses of a host that may be dialled: all that one lookup gives, best first. `by`: who asks.
        Raises Blocked if any of them is not let through, NameNotFound."""
        name = "" if address_of(host) else name_of(host)
        if name and not (is_name(host) and self.policy.might(use, name, port)):
            raise Blocked
        found = await _lookups.find(host, by) if name else [_literal(host)]
        addresses = [address for _, text in found if (address := address_of(text))]
        for address in addresses:
            if not self._lets(use, name, address, port) or await self._is_kept_out(name, address, port):
                raise Blocked
        return found[: _lookups.MOST]

    def _lets(self, use: Use, name: str, address: Address, port: int) -> bool:
        """All but what needs a lookup of its own."""
        if not self._metadata and is_metadata(address):
            return False
        if port in self._ports and (name in self._names or is_here(address)):
            return False
        return self.policy.lets(use, name, address, port)

    async def _is_kept_out(self, name: str, address: Address, port: int) -> bool:
        for host in [host for host, closed in self._kept_out if closed == port]:
            if host == name or await _is_one_of(address, host):
                return True
        return False


class Passage:
    """The way out of one task, for one use: hosts are judged, and sockets made for nothing else. `by`: whose task it is."""

    def __init__(self, use: Use, by: str = "") -> None:
        self._use = use
        self._by = by
        self._passed: set[tuple[str, int]] = set()

    async def addresses(self, host: str, port: int) -> list[Found]:
        """The addresses of a host that may be dialled from now on. A name server is dialled at once. Raises Blocked, NameNotFound,
        TooManyDials."""
        found = await door.addresses(host, port, self._use, self._by)
        if self._use is Use.DNS:
            door.dials.count(self._by, found[0][1])  # its socket is made elsewhere
        self._passed.update((text, port) for _, text in found)
        return found

    def socket_or_error(self, info: tuple[Any, ...]) -> socket.socket:
        """`socket` for aiohttp, which goes on to a name's next address after an OSError alone; `check` then says why. Raises OSError."""
        try:
            return self.socket(info)
        except TaskFailure as problem:
            _refused.get().append(problem)
            raise OSError(problem.message) from None

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A TCP socket to dial with, for what `getaddrinfo` says of an address. Raises Blocked for one that was not judged, TooManyDials,
        OSError."""
        family, kind, protocol, _, where = info
        if (where[0], where[1]) not in self._passed:
            raise Blocked
        return door.dials.socket(self._by, where[0], family, kind, protocol)

    async def check(self, request: ClientRequest, go_on: ClientHandlerType) -> ClientResponse:
        """Judges each request that is written with an address, redirects included; names are judged when they are looked up.
        Raises Blocked, TooManyDials where no address answered and one was not dialled for that."""
        host = request.url.raw_host or ""
        if address_of(host):
            await self.addresses(host, request.url.port or 0)
        refused: list[TaskFailure] = []
        _refused.set(refused)
        try:
            return await go_on(request)
        except ClientConnectorError as error:
            if refused and not isinstance(error, ClientSSLError):  # TLS speaks with an address that has answered
                raise refused[0] from None
            raise


class Resolver(AbstractResolver):
    """The door's lookups, for aiohttp."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = AF_INET) -> list[ResolveResult]:
        """The addresses that may be dialled. Raises Blocked, OSError for a name without any."""
        try:
            found = await self._passage.addresses(host, port)
        except NameNotFound as error:
            raise OSError(None, error.message) from None
        return [ResolveResult(hostname=host, host=text, port=port, family=of, proto=0, flags=0) for of, text in found]

    async def close(self) -> None:
        """Nothing is held."""


door = Door()


def _literal(host: str) -> Found:
    return (AF_INET6 if ":" in host else AF_INET), host


async def _is_one_of(address: Address, host: str) -> bool:
    """Whether `host` stands for this address, or both are this machine."""
    literal = address_of(host)
    try:
        known = [literal] if literal else [address_of(text) for _, text in await _lookups.find(host)]
    except NameNotFound:
        return True  # in doubt
    return any(one and (one == address or (is_here(one) and is_here(address))) for one in known)
