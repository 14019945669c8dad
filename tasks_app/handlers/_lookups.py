"""Lookups: names to addresses, a few at a time and none for long, so that dead name servers are in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import AF_UNSPEC, AddressFamily

from aiohttp import AsyncResolver

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.handlers._hosts import Found

_UNKNOWN = kept("No address is known for {name}: {why}")
_SILENT = kept("No name server answered for {name} within {seconds:g} s")
AT_ONCE = 16
OF_A_ZONE = 4  # names that end alike are mostly told by the same servers: dead ones hold no more places than these
SECONDS = 5.0
MOST_SILENT = 1_000  # names of a zone that are known to have no answer
MOST = 16  # addresses of one name that are dialled


class NameNotFound(TaskFailure):
    """No address is known for a name; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="NameNotFound")


class _Zone:
    """Who looks up names that end alike, and when one of them was last left without an answer."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(OF_A_ZONE)
        self.present = 0
        self.silent: dict[str, float] = {}

    def fell_silent(self, name: str, at: float) -> None:
        """Nobody answered. Only those who stand in line need to know: a zone that is never idle forgets the oldest."""
        self.silent.pop(name, None)
        self.silent[name] = at
        if len(self.silent) > MOST_SILENT:
            del self.silent[next(iter(self.silent))]


class Lookups:
    """The lookups of one event loop: at most AT_ONCE under way, at most OF_A_ZONE of them for names with the same last two labels.

    c-ares asks the hosts file and the name servers without a thread.
    """

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._zones: dict[str, _Zone] = {}

    @property
    def idle(self) -> bool:
        """Whether nobody looks anything up."""
        return not self._zones

    async def find(self, name: str) -> list[Found]:
        """All addresses of a name, best first. Raises NameNotFound."""
        clock = asyncio.get_running_loop().time
        came = clock()
        async with self._zone(name) as zone, zone.places, self._places:
            if zone.silent.get(name, came) > came:  # asked in vain while this one stood in line
                raise _no_answer(name)
            try:
                return await _asked(name)
            except TimeoutError:
                zone.fell_silent(name, clock())
                raise _no_answer(name) from None

    @asynccontextmanager
    async def _zone(self, name: str) -> AsyncIterator[_Zone]:
        end = ".".join(name.removesuffix(".").lower().split(".")[-2:])
        zone = self._zones.setdefault(end, _Zone())
        zone.present += 1
        try:
            yield zone
        finally:
            zone.present -= 1
            if not zone.present:
                del self._zones[end]


async def find(name: str) -> list[Found]:
    """All addresses of a name, best first. Raises NameNotFound."""
    loop = asyncio.get_running_loop()
    lookups = _lookups.setdefault(loop, Lookups())
    try:
        return await lookups.find(name)
    finally:
        if lookups.idle:
            _lookups.pop(loop, None)


_lookups: dict[asyncio.AbstractEventLoop, Lookups] = {}


async def _asked(name: str) -> list[Found]:
    resolver = AsyncResolver()
    try:
        async with asyncio.timeout(SECONDS):
            answers = await resolver.resolve(name, family=AF_UNSPEC)
    except TimeoutError:
        raise
    except OSError as error:
        raise NameNotFound(_UNKNOWN(name=name, why=error.strerror)) from None
    finally:
        await resolver.close()
    return [(AddressFamily(answer["family"]), answer["host"]) for answer in answers]


def _no_answer(name: str) -> NameNotFound:
    return NameNotFound(_SILENT(name=name, seconds=SECONDS))
