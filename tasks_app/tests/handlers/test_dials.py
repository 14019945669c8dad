"""Dials to one target: many enough to watch it, too few to scan it; and whoever hits the bound is told so, and written down."""

from __future__ import annotations

import asyncio
import socket
import tracemalloc
from itertools import product
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from tasks_app.handlers._dials import Dials, TooManyDials
from tasks_app.handlers._egress import Door
from tasks_app.handlers.dns_lookup import dns_lookup
from tasks_app.handlers.download import download
from tasks_app.handlers.http_check import http_check
from tasks_app.handlers.ping import headline, ping
from tasks_app.tests.handlers.conftest import Listener, Serving
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.running import Attempt, execute, until

TCP = (socket.AF_INET, socket.SOCK_STREAM, 0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def dials_of(per_second: int | None = None, at_once: int | None = None) -> tuple[Dials, Clock]:
    clock = Clock()
    dials = Dials(clock)
    dials.configure(per_second, at_once)
    return dials, clock


def passed(dials: Dials, by: str, hosts: list[str]) -> int:
    """How many of these dials are let through."""
    count = 0
    for host in hosts:
        try:
            dials.count(by, host)
        except TooManyDials:
            continue
        count += 1
    return count


# -- what is counted


def test_a_thousand_dials_to_one_host_are_a_scan_and_a_thousand_hosts_are_none():
    dials, _ = dials_of(200)
    assert passed(dials, "ann", ["192.0.2.7"] * 1_000) == 200
    assert passed(dials, "bob", [f"10.{a}.{b}.1" for a, b in product(range(10), range(100))]) == 1_000


@pytest.mark.parametrize(
    ("hosts", "most"),
    [
        ([f"192.0.2.{n}" for n in range(250)] * 4, 400),
        ([f"2001:db8:0:1::{n:x}" for n in range(1_000)], 400),
        ([f"::ffff:192.0.2.{n}" for n in range(250)] * 4, 400),
        ([f"2001:db8:0:{n:x}::1" for n in range(1_000)], 1_000),
    ],
)
def test_a_network_may_be_dialled_twice_as_often_as_a_host(hosts: list[str], most: int):
    dials, _ = dials_of(200)
    assert passed(dials, "ann", hosts) == most


def test_all_people_together_may_dial_a_host_twice_as_often_as_one():
    dials, clock = dials_of(10)
    assert [passed(dials, by, ["192.0.2.7"] * 15) for by in ("ann", "bob", "eve")] == [10, 10, 0]
    clock.now += 1
    assert passed(dials, "eve", ["192.0.2.7"] * 15) == 10


def test_who_has_no_name_has_the_share_of_all():
    dials, _ = dials_of(10)
    assert passed(dials, "", ["192.0.2.7"] * 50) == 20


def test_open_connections_are_counted_until_they_are_closed_or_forgotten():
    dials, _ = dials_of(at_once=2)
    first, forgotten = dials.socket("ann", "192.0.2.7", *TCP), [dials.socket("ann", "192.0.2.7", *TCP)]
    with pytest.raises(TooManyDials):
        dials.socket("ann", "192.0.2.7", *TCP)
    third = dials.socket("bob", "192.0.2.7", *TCP)
    first.close()
    first.close()
    assert dials.open_to("192.0.2.7") == 2
    with pytest.warns(ResourceWarning):
        forgotten.clear()
    assert dials.open_to("192.0.2.7") == 1
    third.close()
    assert not dials._open


def test_a_socket_that_could_not_be_made_is_not_counted(monkeypatch: pytest.MonkeyPatch):
    dials, _ = dials_of(at_once=1)
    with pytest.raises(OSError, match="rotocol"):
        dials.socket("ann", "192.0.2.7", socket.AF_INET, socket.SOCK_STREAM, 255)
    assert not dials._open


def test_without_a_bound_nothing_is_refused():
    dials, _ = dials_of()
    assert passed(dials, "ann", ["192.0.2.7"] * 2_000) == 2_000


def test_any_number_of_hosts_takes_as_much_memory():
    dials, _ = dials_of(5)
    for rate in dials._rates.values():
        rate.windows._most = 200
    tracemalloc.start()
    try:
        passed(dials, "ann", [f"10.0.{n >> 8}.{n & 255}" for n in range(1_000)])
        before = tracemalloc.get_traced_memory()[0]
        for n in range(5_000):
            passed(dials, f"person {n % 9}", [f"10.{n >> 8}.{n & 255}.1"])
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert all(len(rate.windows) <= 200 for rate in dials._rates.values())
    assert grown < 250_000


# -- where it holds


def test_one_person_on_this_machine_has_no_bound_and_others_do(own_door: Door):
    def bounds(**settings: Any) -> tuple[int | None, int | None]:
        own_door.configure(**settings)
        return own_door.bounds

    own_door.listens("127.0.0.1", 8080)
    assert bounds() == (None, None)
    assert bounds(alone=False) == (200, 500)
    assert bounds(targets="public") == (200, 500)
    assert bounds(dials=(7, 8)) == (7, 8)
    own_door.listens("0.0.0.0", 8081)
    assert bounds() == (200, 500)


@pytest.fixture
def few(own_door: Door) -> Door:
    """Three dials a second of one person to one host."""
    own_door.configure("127.0.0.0/8", dials=(3, None))
    own_door.dials._clock = Clock()  # the second never ends
    own_door.dials.configure(3, None)
    return own_door


def by(name: str, *asked: Any) -> Attempt:
    attempt = Attempt(*asked)
    attempt.context.by = name
    return attempt


def pings(listener: Listener, count: int) -> tuple[Any, dict[str, Any]]:
    return ping, {"address": "127.0.0.1", "port": listener.port, "count": count, "interval": 0.01}


async def test_a_probe_past_the_bound_is_not_sent_not_lost_and_delays_no_other(few: Door, listener: Listener):
    told: list[tuple[str, str]] = []
    few.dials.told = lambda who, host: told.append((who, host))
    ran = await by("ann", *pings(listener, 10)).run()
    assert ran.completed, ran.outcome
    assert (ran.result["sent"], ran.result["received"], ran.result["loss"], ran.result["not_sent"]) == (3, 3, 0, 7)
    assert headline(ran.result)[1].endswith(" · 7 not sent")
    assert told == [("ann", "127.0.0.1")] * 7
    assert [line for line in ran.log("warning") if "as often as they may" in line] == ran.log("warning")
    assert len(ran.log("warning")) == 7
    await until(lambda: listener.accepted == 3)


async def test_a_ping_that_could_send_nothing_fails_and_says_why(few: Door, listener: Listener):
    await by("ann", *pings(listener, 3)).run()
    ran = await by("ann", *pings(listener, 5)).run()
    assert ran.kind == "TooManyDials"
    assert ran.outcome is not None
    assert ran.outcome.retry
    assert (await by("bob", *pings(listener, 3)).run()).completed


async def test_a_check_and_a_download_past_the_bound_fail_and_say_why(few: Door, site: Serving, tmp_path: Any, monkeypatch: Any):
    routes = web.RouteTableDef()

    @routes.get("/page")
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="here")

    url = f"{await site(routes)}/page"
    few.configure("127.0.0.0/8", dials=(3, None))
    assert [(await by("ann", http_check, {"url": url}).run()).completed for _ in range(3)] == [True] * 3
    assert (await by("ann", http_check, {"url": url}).run()).kind == "TooManyDials"
    monkeypatch.setattr("tasks_app.handlers.download.Folder.path", tmp_path)
    assert (await by("ann", download, {"url": url}).run()).kind == "TooManyDials"
    assert (await by("bob", http_check, {"url": url}).run()).completed
    assert few.dials.open_to("127.0.0.1") == 0


@pytest.mark.parametrize("past", [("127.0.0.1",), ("127.0.0.1", "127.0.0.2")])
async def test_a_name_with_several_addresses_none_of_which_may_be_dialled_now_says_why(
    past: tuple[str, ...], few: Door, names: NameServer, site: Serving, tmp_path: Any, monkeypatch: Any
):
    port = URL(await site(web.RouteTableDef())).port  # it listens on the first address; the second one refuses
    few.configure("127.0.0.0/8", dials=(3, None))
    for address in past:
        few.dials._rates[1].wait(f"ann {address}", 3)
    monkeypatch.setattr("tasks_app.handlers.download.Folder.path", tmp_path)
    for task in (http_check, download):
        ran = await by("ann", task, {"url": f"http://two.test:{port}/"}).run()
        assert ran.kind == "TooManyDials"
    assert few.dials.open_to("127.0.0.1") == 0


async def test_connections_of_checks_are_counted_as_long_as_they_are_open(own_door: Door, site: Serving):
    own_door.configure("127.0.0.0/8", dials=(None, 1))
    arrived, go_on, routes = asyncio.Event(), asyncio.Event(), web.RouteTableDef()

    @routes.get("/slow")
    async def slow(request: web.Request) -> web.Response:
        arrived.set()
        await go_on.wait()
        return web.Response(text="here")

    url = f"{await site(routes)}/slow"
    first = by("ann", http_check, {"url": url}).start()
    await arrived.wait()
    assert own_door.dials.open_to("127.0.0.1") == 1
    assert (await by("ann", http_check, {"url": url}).run()).kind == "TooManyDials"
    go_on.set()
    assert (await first).completed
    assert own_door.dials.open_to("127.0.0.1") == 0


async def test_a_name_server_is_a_target_too(few: Door):
    few.configure("127.0.0.0/8", dials=(3, None))
    few.dials._rates[1].wait("ann 127.0.0.1", 3)
    ran = await by("ann", dns_lookup, {"name": "example.org", "server": "127.0.0.1:5"}).run()
    assert ran.kind == "TooManyDials"


async def test_what_a_door_without_a_bound_lets_through_is_dialled_as_before(own_door: Door, listener: Listener):
    own_door.listens("127.0.0.1", 1)
    own_door.configure()
    ran = await execute(*pings(listener, 5))
    assert (ran.result["sent"], "not_sent" in ran.result) == (5, False)


def test_without_bounds_nothing_is_counted():
    dials = Dials()
    with dials.socket("ann", "192.0.2.7", *TCP) as first, dials.socket("ann", "192.0.2.7", *TCP):
        assert first.type is socket.SOCK_STREAM
        assert dials.open_to("192.0.2.7") == 0
    dials.configure(None, 1)
    with dials.socket("ann", "192.0.2.7", *TCP), pytest.raises(TooManyDials):
        dials.socket("ann", "192.0.2.7", *TCP)
