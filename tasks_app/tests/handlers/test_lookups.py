"""Lookups stand in line where they must, and dead name servers are in nobody's way."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from tasks_app.handlers import _lookups
from tasks_app.handlers._hosts import Found
from tasks_app.handlers._lookups import AT_ONCE, OF_A_PERSON, OF_A_ZONE, NameNotFound, find
from tasks_app.handlers.http_check import http_check
from tasks_app.handlers.ping import ping
from tasks_app.tests.handlers.conftest import Listener
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.running import Attempt, execute, until


class Asked:
    """Stands for name servers that take their time: how many names are asked for at once, in all and by zone."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.names: list[str] = []

    async def ask(self, name: str) -> list[Found]:
        """Answer when the test says so."""
        zone = ".".join(name.split(".")[-2:])
        self.names.append(name)
        self.now.update((zone, "all"))
        self.most |= self.now
        try:
            await self.go_on.wait()
        finally:
            self.now.subtract((zone, "all"))
        return []


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(_lookups, "_asked", asked.ask)
    return asked


async def test_few_lookups_are_under_way_at_once_and_fewer_of_a_zone(asked: Asked):
    waiting = [asyncio.create_task(find(f"n{number}.zone{number % 20}.test")) for number in range(400)]
    await until(lambda: asked.now["all"] == AT_ONCE)
    more = [asyncio.create_task(find(f"m{number}.zone0.test")) for number in range(100)]
    asked.go_on.set()
    await asyncio.gather(*waiting, *more)
    assert asked.most["all"] == AT_ONCE
    assert max(count for zone, count in asked.most.items() if zone != "all") <= OF_A_ZONE
    assert len(asked.names) == 500
    assert not _lookups._lookups, "nothing is kept of who is done"


async def test_a_dead_zone_leaves_places_to_all_others(asked: Asked):
    dead = [asyncio.create_task(find(f"n{number}.dead.test")) for number in range(100)]
    await until(lambda: asked.now["all"] == OF_A_ZONE)
    other = asyncio.create_task(find("www.live.test"))
    await until(lambda: asked.now["live.test"] == 1)
    for task in [*dead, other]:
        task.cancel()
    await asyncio.gather(*dead, other, return_exceptions=True)
    assert asked.now["all"] == 0
    assert not _lookups._lookups


async def test_names_that_one_person_makes_up_leave_places_to_others(asked: Asked):
    hers = [asyncio.create_task(find(f"www.hers{number}.test", "ada")) for number in range(100)]
    await until(lambda: len(asked.names) == OF_A_PERSON)
    his = [asyncio.create_task(find(f"www.his{number}.test", "bob")) for number in range(100)]
    await until(lambda: asked.now["all"] == AT_ONCE)
    assert sum("his" in name for name in asked.names) == AT_ONCE - OF_A_PERSON
    asked.go_on.set()
    await asyncio.gather(*hers, *his)
    assert len(asked.names) == 200
    assert not _lookups._lookups


async def test_nobody_has_to_share_where_nobody_is_logged_in(asked: Asked):
    waiting = [asyncio.create_task(find(f"www.zone{number}.test")) for number in range(100)]
    await until(lambda: asked.now["all"] == AT_ONCE)
    asked.go_on.set()
    await asyncio.gather(*waiting)
    assert asked.most["all"] == AT_ONCE


async def test_who_leaves_the_line_or_his_place_lets_the_next_one_in(asked: Asked):
    first = [asyncio.create_task(find(f"n{number}.dead.test", "ada")) for number in range(OF_A_ZONE)]
    await until(lambda: len(asked.names) == OF_A_ZONE)
    impatient = asyncio.create_task(find("impatient.dead.test", "ada"))
    last = asyncio.create_task(find("last.dead.test", "bob"))
    await asyncio.sleep(0)
    impatient.cancel()
    first[0].cancel()
    await until(lambda: "last.dead.test" in asked.names)
    asked.go_on.set()
    await asyncio.gather(*first, impatient, last, return_exceptions=True)
    assert "impatient.dead.test" not in asked.names
    assert last.result() == []
    assert not _lookups._lookups


async def test_a_place_that_was_given_to_who_leaves_just_then_goes_to_the_next():
    line = _lookups._Line()
    had: list[str] = []

    async def stands(name: str) -> None:
        async with line.place("dead.test", "ada"):
            had.append(name)

    async with AsyncExitStack() as places:
        for _ in range(OF_A_ZONE - 1):
            await places.enter_async_context(line.place("dead.test", "ada"))
        async with line.place("dead.test", "ada"):
            leaves, last = asyncio.create_task(stands("leaves")), asyncio.create_task(stands("last"))
            await asyncio.sleep(0)
        leaves.cancel()  # his turn has come, and he has not heard of it yet
        await last
    assert leaves.cancelled()
    assert had == ["last"]
    assert not line._waiting
    assert not line._of_people + line._in_zones


async def test_who_stood_in_line_while_a_name_was_asked_for_in_vain_does_not_ask_again(names: NameServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_lookups, "SECONDS", 1.0)
    ended = await asyncio.gather(*(find("silent.test") for _ in range(100)), return_exceptions=True)
    assert {type(error) for error in ended} == {NameNotFound}
    assert {str(error) for error in ended} == {"No name server answered for silent.test within 1 s"}
    assert names.asked.count("silent.test. A") <= 3 * _lookups.OF_A_ZONE, "they asked one after the other"
    names.asked.clear()
    with pytest.raises(NameNotFound):
        await find("silent.test")
    assert names.asked, "who comes later asks anew"


async def test_a_hundred_tasks_with_a_dead_name_server_delay_no_other_task(
    listener: Listener, names: NameServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(_lookups, "SECONDS", 3600.0)
    dead = [Attempt(ping, {"address": f"n{number}.silent.test"}) for number in range(50)]
    dead += [Attempt(http_check, {"url": f"http://n{number}.silent.test/"}) for number in range(50)]
    runs = [attempt.start() for attempt in dead]
    await until(lambda: names.asked)
    for host in ("127.0.0.1", "localhost", "here.test"):
        ran = await execute(ping, {"address": host, "port": listener.port, "count": 1})
        assert ran.completed, ran.outcome
    for attempt in dead:
        await attempt.cancel()
    await asyncio.gather(*runs, return_exceptions=True)
    assert not _lookups._lookups


async def test_a_name_without_addresses_says_why(names: NameServer):
    with pytest.raises(NameNotFound, match=r"^No address is known for nobody\.test: "):
        await find("nobody.test")
