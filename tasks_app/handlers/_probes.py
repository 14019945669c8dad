"""What a ping dials, and one probe of it: a chain of callbacks, since a coroutine for each would cost more than the dialling."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from tasks_app.handlers._connecting import Connecting, Told
from tasks_app.handlers._egress import Passage
from tasks_app.handlers._hosts import Found
from tasks_app.handlers._targets import Use

STREAM = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)  # which saves a call where the system knows it


class Target:
    """The host of one task. Its name is looked up once; the first of its addresses that answers is dialled from then on."""

    __slots__ = ("_host", "_lookup", "_passage", "_port", "known")

    def __init__(self, host: str, port: int, by: str = "") -> None:
        self.known: Sequence[Found] = ()
        self._host = host
        self._port = port
        self._passage = Passage(Use.TCP, by)
        self._lookup: asyncio.Lock | None = None

    async def addresses(self) -> Sequence[Found]:
        """The addresses to dial: the first of each family. Raises TaskFailure; then the next call asks again."""
        if not self.known:
            self._lookup = self._lookup or asyncio.Lock()
            async with self._lookup:
                self.known = self.known or first_of_each(await self._passage.addresses(self._host, self._port))
        return self.known

    def connect(self, address: Found, limit: float, told: Told) -> Connecting:
        """A TCP connection that is about to be opened, and closed as soon as it stands. Raises OSError, TaskFailure."""
        family, host = address
        where = (host, self._port)
        return Connecting(self._passage.socket((family, STREAM, 0, "", where)), where, limit, told)


class Probe:
    """One probe: dials one address of its host after the other, until one answers. They share its time."""

    __slots__ = ("_addresses", "_connecting", "_ended", "_limit", "_target", "number")

    def __init__(self, number: int, target: Target, limit: float, ended: Callable[[Probe, float | Exception], object]) -> None:
        self.number = number
        self._target = target
        self._limit = limit  # seconds
        self._ended = ended
        self._connecting: Connecting | None = None

    def begin(self) -> None:
        """Dial; the addresses are known."""
        self._addresses = list(self._target.known)
        self._limit /= len(self._addresses)
        self._dial()

    async def begin_once_known(self) -> None:
        """Have the name looked up first, within the time of one probe."""
        try:
            async with asyncio.timeout(self._limit):
                await self._target.addresses()
        except Exception as error:
            self._ended(self, error)
        else:
            self.begin()

    def close(self) -> None:
        """Give up."""
        if self._connecting is not None:
            self._connecting.close()

    def _dial(self) -> None:
        try:
            self._connecting = self._target.connect(self._addresses[0], self._limit, self._heard)
        except Exception as error:
            self._heard(error)
        else:
            self._connecting.begin()

    def _heard(self, said: float | Exception) -> None:
        self._connecting = None  # which knows this probe: the two would wait for the garbage collector
        address = self._addresses.pop(0)
        if isinstance(said, OSError) and self._addresses:
            self._dial()
            return
        if isinstance(said, float):
            self._target.known = (address,)
        self._ended(self, said)


def first_of_each(found: Sequence[Found]) -> list[Found]:
    """The first address of each family, in the order given."""
    first = {family: (family, host) for family, host in reversed(found)}
    return [first[family] for family in dict.fromkeys(family for family, _ in found)]
