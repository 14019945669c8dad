"""Lookups: names to addresses, a few at a time and none for long, so that dead name servers are in nobody's way."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from socket import AF_UNSPEC, AddressFamily

from aiohttp import AsyncResolver

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept
from tasks_app.handlers._hosts import Found

_UNKNOWN = kept("No address is known for {name}: {why}")
_SILENT = kept("No name server answered for {name} within {seconds:g} s")
AT_ONCE = 16
OF_A_ZONE = 4  # names that end alike are mostly told by the same servers: dead ones hold no more places than these
OF_A_PERSON = 8  # whatever names one person makes up, others find places
SECONDS = 5.0
MOST_SILENT = 1_000  # names of a zone that are known to have no answer
MOST = 16  # addresses of one name that are dialled


class NameNotFound(TaskFailure):
    """No address is known for a name; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, kind="NameNotFound")


class _Zone:
    """Names that end alike: how many are being asked for or stand in line, and when one of them was last left without an answer."""

    def __init__(self) -> None:
        self.present = 0
        self.silent: dict[str, float] = {}

    def fell_silent(self, name: str, at: float) -> None:
        """Nobody answered. Only those who stand in line need to know: a zone that is never idle forgets the oldest."""
        self.silent.pop(name, None)
        self.silent[name] = at
        if len(self.silent) > MOST_SILENT:
            del self.silent[next(iter(self.silent))]


class _Line:
    """Whose turn it is: at most AT_ONCE have a place, of them OF_A_ZONE in a zone and OF_A_PERSON of somebody with a name. Who may not
    have one yet holds up nobody else; people take turns, and so do the zones of each."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, deque[asyncio.Future[None]]]] = {}  # by person and zone; whose turn was last stands last
        self._of_people: Counter[str] = Counter()
        self._in_zones: Counter[str] = Counter()

    @asynccontextmanager
    async def place(self, zone: str, by: str) -> AsyncIterator[None]:
        """Stand in line, and have a place."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(by, {}).setdefault(zone, deque()).append(turn)
        self._call()
        try:
            await turn
            yield
        finally:
            if not turn.cancel() and not turn.cancelled():  # who left the line is passed over when it would be his turn
                _one_less(self._of_people, by)
                _one_less(self._in_zones, zone)
                self._call()

    def _call(self) -> None:
        while (found := self._next()) is not None:
            by, zone = found
            turn = self._taken_out(by, zone)
            if not turn.done():
                self._of_people[by] += 1
                self._in_zones[zone] += 1
                turn.set_result(None)

    def _next(self) -> tuple[str, str] | None:
        """A few are passed over at most: no more people and zones have all their places than there are places."""
        if self._of_people.total() >= AT_ONCE:
            return None
        for by, zones in self._waiting.items():
            if not by or self._of_people[by] < OF_A_PERSON:
                for zone in zones:
                    if self._in_zones[zone] < OF_A_ZONE:
                        return by, zone
        return None

    def _taken_out(self, by: str, zone: str) -> asyncio.Future[None]:
        zones = self._waiting.pop(by)
        line = zones.pop(zone)
        turn = line.popleft()
        if line:
            zones[zone] = line
        if zones:
            self._waiting[by] = zones
        return turn


class Lookups:
    """The lookups of one event loop. c-ares asks the hosts file and the name servers without a thread."""

    def __init__(self) -> None:
        self._line = _Line()
        self._zones: dict[str, _Zone] = {}

    @property
    def idle(self) -> bool:
        """Whether nobody looks anything up."""
        return not self._zones

    async def find(self, name: str, by: str) -> list[Found]:
        """All addresses of a name, best first. Raises NameNotFound."""
        clock = asyncio.get_running_loop().time
        came = clock()
        end = ".".join(name.removesuffix(".").lower().split(".")[-2:])
        with self._zone(end) as zone:
            async with self._line.place(end, by):
                if zone.silent.get(name, came) > came:  # asked in vain while this one stood in line
                    raise _no_answer(name)
                try:
                    return await _asked(name)
                except TimeoutError:
                    zone.fell_silent(name, clock())
                    raise _no_answer(name) from None

    @contextmanager
    def _zone(self, end: str) -> Iterator[_Zone]:
        zone = self._zones.setdefault(end, _Zone())
        zone.present += 1
        try:
            yield zone
        finally:
            zone.present -= 1
            if not zone.present:
                del self._zones[end]


async def find(name: str, by: str = "") -> list[Found]:
    """All addresses of a name, best first. `by`: who wants to know, where somebody is logged in. Raises NameNotFound."""
    loop = asyncio.get_running_loop()
    lookups = _lookups.setdefault(loop, Lookups())
    try:
        return await lookups.find(name, by)
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


def _one_less(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]


def _no_answer(name: str) -> NameNotFound:
    return NameNotFound(_SILENT(name=name, seconds=SECONDS))
