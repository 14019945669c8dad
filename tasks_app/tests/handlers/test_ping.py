"""Ping against real listeners: ones that answer, refuse, and never answer."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers import _lookups
from tasks_app.handlers import _probes as module
from tasks_app.handlers._alarms import Alarms, alarms
from tasks_app.handlers._connecting import Connecting
from tasks_app.handlers._probes import Probe, Target
from tasks_app.handlers._schedule import FREE, Timetable, timetable
from tasks_app.handlers.ping import headline, ping, statistics
from tasks_app.tests.garbage import left_as_garbage
from tasks_app.tests.handlers.conftest import Listener
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.running import Attempt, execute, sockets_to, until


def params(port: int, **more: object) -> dict[str, object]:
    return {"address": "127.0.0.1", "port": port, "count": 5, "interval": 0.01, "timeout": 10} | more


async def test_every_probe_of_a_listener_is_answered(listener: Listener):
    ran = await execute(ping, params(listener.port))
    assert ran.completed, ran.outcome
    assert ran.result["sent"] == ran.result["received"] == 5
    assert ran.result["loss"] == 0
    assert 0 < ran.result["min_ms"] <= ran.result["avg_ms"] <= ran.result["max_ms"]
    await until(lambda: listener.accepted == 5)


async def test_pings_of_one_moment_make_way_for_one_another_and_leave_no_trace(listener: Listener):
    attempts = [Attempt(ping, params(listener.port, count=2, interval=60)) for _ in range(3 * FREE)]
    for attempt in attempts:
        attempt.start()
    await until(lambda: listener.accepted == 3 * FREE)
    assert max(timetable()._slots[60.0].values()) <= FREE
    for attempt in attempts:
        assert (await attempt.cancel()).outcome is not None
    assert timetable()._slots == {}


async def test_a_probe_that_cannot_be_begun_ends_the_ping_and_leaves_no_trace(listener: Listener, monkeypatch: pytest.MonkeyPatch):
    real, set_so_far = Alarms.at, []

    def at(self: Alarms, *given: Any) -> Any:
        set_so_far.append(given)
        if len(set_so_far) == 3:
            raise MemoryError
        return real(self, *given)

    monkeypatch.setattr(Alarms, "at", at)
    ran = await execute(ping, params(listener.port, count=100))
    assert ran.outcome is not None
    assert ran.outcome.error is not None
    assert ran.outcome.error.type == "MemoryError"
    assert (len(alarms()), timetable()._slots) == (0, {})


async def test_a_ping_that_waits_for_its_moment_can_be_cancelled(listener: Listener, monkeypatch: pytest.MonkeyPatch):
    entered, left = asyncio.Event(), list[int]()

    def enter(*_: object) -> tuple[int, float]:
        entered.set()
        return 7, 3600.0

    monkeypatch.setattr(Timetable, "enter", enter)
    monkeypatch.setattr(Timetable, "leave", lambda _, place, interval: left.append(place))
    attempt = Attempt(ping, params(listener.port))
    attempt.start()
    await entered.wait()
    await attempt.cancel()
    assert (left, listener.accepted) == ([7], 0)


async def test_connections_are_closed_at_once_and_in_order(listener: Listener):
    await execute(ping, params(listener.port))
    await until(lambda: listener.accepted == 5 and sockets_to(listener.port) == 0)
    assert listener.resets == 0


async def test_progress_log_and_series_tell_of_each_probe(listener: Listener):
    ran = await execute(ping, params(listener.port))
    assert ran.reports[0] == (0, 5, "Starting")
    assert [current for current, _, _ in ran.reports] == [0, 1, 2, 3, 4, 5]
    assert ran.reports[-1][2].startswith("Probe ")
    assert ran.reports[-1][2].endswith(" ms")
    assert len(ran.log("info")) == 5
    assert ran.log("warning") == []
    series = ran.trail.series["Round-trip"]
    assert (series.count, series.lost, series.unit) == (5, 0, "ms")


async def test_a_probe_leaves_nothing_to_the_garbage_collector(listener: Listener, closed_port: int, black_hole: int):
    """With ten thousand of them a second it would look for garbage all the time, and hold every probe up."""
    with left_as_garbage(Probe, Connecting) as left:
        for port in (listener.port, closed_port, black_hole):
            await execute(ping, params(port, timeout=0.1, fail_if_unreachable=False))
    assert left == []


async def test_a_host_that_refuses_every_probe_is_unreachable(closed_port: int):
    ran = await execute(ping, params(closed_port, count=3))
    assert ran.kind == "Unreachable"
    assert ran.message == f"127.0.0.1:{closed_port} answered none of 3 probes: connection refused"
    assert ran.result == {"sent": 3, "received": 0, "loss": 1, "min_ms": None, "avg_ms": None, "max_ms": None, "jitter_ms": None}
    assert ran.log("warning") == [f"Probe {n} of 3: connection refused" for n in (1, 2, 3)]
    assert ran.trail.series["Round-trip"].lost == 3


async def test_an_unreachable_host_is_a_result_where_the_params_say_so(closed_port: int):
    ran = await execute(ping, params(closed_port, fail_if_unreachable=False))
    assert ran.completed, ran.outcome
    assert ran.result["received"] == 0
    assert ran.headline == ("5 sent, none answered", "Unreachable")


async def test_a_slow_probe_never_delays_the_next_one(black_hole: int, monkeypatch: pytest.MonkeyPatch):
    started: list[float] = []
    connect, late, waiting = Target.connect, Connecting._late, []

    def recorded(*args: Any) -> Connecting:
        started.append(time.monotonic())
        return connect(*args)

    def only_together(probe: Connecting) -> None:
        waiting.append(probe)  # one after the other they would wait in vain
        if len(waiting) == 20:
            for one in waiting:
                late(one)

    monkeypatch.setattr(Connecting, "_late", only_together)
    monkeypatch.setattr(Target, "connect", recorded)
    held, began = sockets_to(black_hole), time.monotonic()
    ran = await asyncio.wait_for(execute(ping, params(black_hole, count=20, interval=0.05, timeout=1)), 60)
    assert ran.message == f"127.0.0.1:{black_hole} answered none of 20 probes: no answer within 1 s"
    assert len(started) == 20
    assert all(at - began >= index * 0.05 - 0.01 for index, at in enumerate(started)), "not before their time"
    assert sockets_to(black_hole) == held


async def test_a_lost_probe_among_good_ones_is_counted(listener: Listener, monkeypatch: pytest.MonkeyPatch):
    connect, calls = Target.connect, []

    def sometimes(*args: Any) -> Connecting:
        calls.append(args)
        if len(calls) == 2:
            raise ConnectionRefusedError(111, "refused")
        return connect(*args)

    monkeypatch.setattr(Target, "connect", sometimes)
    ran = await execute(ping, params(listener.port, count=4))
    assert ran.completed, ran.outcome
    assert (ran.result["received"], ran.result["loss"]) == (3, 0.25)
    assert ran.log("warning") == ["Probe 2 of 4: connection refused"]
    assert ran.headline[0].startswith("4 sent, 1 lost, ")


async def test_a_cancelled_ping_leaves_no_socket_behind(black_hole: int):
    held = sockets_to(black_hole)
    attempt = Attempt(ping, params(black_hole, count=1000))
    attempt.start()
    await until(lambda: sockets_to(black_hole) > 10)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED
    assert sockets_to(black_hole) == held
    assert len(asyncio.all_tasks()) == 1


async def test_the_hosts_file_is_heard_and_all_families_are_tried(listener: Listener):
    ran = await execute(ping, params(listener.port, address="localhost"))
    assert ran.result["received"] == 5, "localhost may be ::1 first, where nobody listens"


async def test_the_address_that_answered_is_the_one_that_is_dialled_from_then_on(
    listener: Listener, names: NameServer, monkeypatch: pytest.MonkeyPatch
):
    dialled: list[str] = []
    connect = Target.connect

    def recorded(target: Target, address: tuple[socket.AddressFamily, str], *more: Any) -> Connecting:
        dialled.append(address[1])
        return connect(target, address, *more)

    monkeypatch.setattr(module, "first_of_each", lambda found: [(socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")])
    monkeypatch.setattr(Target, "connect", recorded)
    ran = await execute(ping, params(listener.port, address="two.test"))
    assert ran.result["received"] == 5, ran.outcome
    assert dialled == ["127.0.0.2", *["127.0.0.1"] * 5]


async def test_probes_that_start_before_the_name_is_known_share_one_lookup(monkeypatch: pytest.MonkeyPatch):
    lookups: list[str] = []

    async def slow(host: str, by: str) -> list[tuple[int, str]]:
        lookups.append(host)
        await asyncio.sleep(0.05)
        return [(socket.AF_INET, "192.0.2.7")]

    monkeypatch.setattr(_lookups, "find", slow)
    target = Target("web.test", 80)
    found = await asyncio.gather(*(target.addresses() for _ in range(10)))
    assert lookups == ["web.test"]
    assert found == [[(socket.AF_INET, "192.0.2.7")]] * 10


async def test_a_name_is_looked_up_once_a_task(listener: Listener, names: NameServer):
    ran = await execute(ping, params(listener.port, address="here.test"))
    assert ran.result["received"] == 5
    assert names.asked.count("here.test. A") == 1


async def test_a_name_that_does_not_exist_is_said_at_once(names: NameServer):
    ran = await execute(ping, params(80, address="nobody.test", count=200, interval=1))
    assert ran.kind == "NameNotFound"
    assert ran.message.startswith("No address is known for nobody.test: ")


async def test_a_name_that_does_not_exist_loses_probes_where_unreachable_is_a_result(names: NameServer):
    ran = await execute(ping, params(80, address="nobody.test", count=2, fail_if_unreachable=False))
    assert ran.completed, ran.outcome
    assert ran.result["received"] == 0
    assert "No address is known for nobody.test" in ran.log("warning")[0]


async def test_a_name_server_that_never_answers_delays_nobody_else(listener: Listener, names: NameServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_lookups, "SECONDS", 1.0)
    waiting = [Attempt(ping, params(80, address="silent.test")) for _ in range(100)]
    runs = [attempt.start() for attempt in waiting]
    await until(lambda: names.asked)
    ran = await execute(ping, params(listener.port, count=2))
    assert ran.completed, ran.outcome
    ended = await asyncio.wait_for(asyncio.gather(*runs), 60)
    assert {attempt.message for attempt in ended} == {"No name server answered for silent.test within 1 s"}


async def test_a_server_out_of_sockets_says_so_instead_of_blaming_the_host(monkeypatch: pytest.MonkeyPatch):
    def none_left(*args: object) -> Connecting:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(Target, "connect", none_left)
    ran = await execute(ping, params(80))
    assert ran.kind == "OutOfSockets"
    assert ran.result is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "params.address"),
        *(
            ({"address": address}, "params.address")
            for address in (
                "",
                " ",
                "a b",
                "http://example.com",
                "example.com/path",
                "example.com:80",
                "[::1]",
                "fe80::1%eth0",
                "-a.example",
                "a-.example",
                "a..b",
                ".",
                "a" * 64 + ".example",
                "a.b" * 90,
                "exa\nmple.com",
                "example.com\n",
                "exa\x00mple.com",
                "user@example.com",
                "127.1",
                "2130706433",
                "0x7f000001",
                "127.0.0.0x1",
                "256.1.1.1",
                "münchen.example",
                "пример.example",
                5,
                None,
                ["127.0.0.1"],
            )
        ),
        *(({"address": "::1", "port": port}, "params.port") for port in (0, -1, 65_536, 10**30, "80", 80.5, True, None)),
        *(({"address": "::1", "count": count}, "params.count") for count in (0, -1, 100_001, 10**400, "5", 1.5)),
        *(({"address": "::1", "interval": value}, "params.interval") for value in (0, 0.009, -1, 3601, 1e308, 10**400, "1", None)),
        *(({"address": "::1", "timeout": value}, "params.timeout") for value in (0, 0.09, 61, "2", None)),
        ({"address": "::1", "interval": 0.01, "timeout": 11}, "params.timeout"),
        ({"address": "::1", "fail_if_unreachable": 1}, "params.fail_if_unreachable"),
        ({"address": "::1", "adress": "::1"}, "params.adress"),
        ({"address": "::1", "interval": float("nan")}, "params"),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(given: dict[str, object], field: str):
    with pytest.raises(InvalidParams) as refused:
        ping.encode(given)
    assert field in [name for name, _ in refused.value.problems]
    assert "Value error" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["localhost", "a.b-c.example", "_sip.example.com", "EXAMPLE.com.", "10.4.0.1", "::1", "2001:db8::7", "xn--mnchen-3ya.example"],
)
def test_names_and_addresses_are_accepted(address: str):
    assert ping.encode({"address": address})


@pytest.mark.parametrize(
    ("more", "summary"),
    [
        ({"address": "10.4.0.1", "port": 443}, "10.4.0.1:443 · 200 probes, 1 s apart"),
        ({"address": "::1", "interval": 0.05, "count": 2000}, "[::1]:80 · 2,000 probes, 0.05 s apart"),
        ({"address": "db.example", "port": 5432, "count": 1}, "db.example:5432 · 1 probe"),
    ],
)
def test_the_summary_reads_like_a_sentence(more: dict[str, object], summary: str):
    assert Attempt(ping, more).params.summary() == summary


def test_the_headline_reads_like_a_sentence():
    result = {"sent": 200, "received": 200, "loss": 0, "min_ms": 6.1, "avg_ms": 8.1, "max_ms": 21.4, "jitter_ms": 0.9}
    assert headline(result) == ("200 sent, none lost, 8.1 ms on average", "Jitter 0.9 ms, slowest 21.4 ms")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.none() | st.floats(0, 60_000), min_size=1, max_size=200))
def test_statistics_hold_together(times: list[float | None]):
    found = statistics(times)
    known = [time for time in times if time is not None]
    assert found["sent"] == len(times)
    assert found["received"] == len(known)
    assert abs(found["loss"] - (1 - len(known) / len(times))) < 1e-6
    if known:
        assert found["min_ms"] - 0.002 <= found["avg_ms"] <= found["max_ms"] + 0.002
        assert 0 <= found["jitter_ms"] <= found["max_ms"] - found["min_ms"] + 0.002
    else:
        assert {found[key] for key in ("min_ms", "avg_ms", "max_ms", "jitter_ms")} == {None}
    assert all(headline(found))


def test_jitter_is_the_mean_difference_of_neighbours():
    assert statistics([10, 12, None, 9, 9])["jitter_ms"] == round((2 + 3 + 0) / 3, 3)
    assert statistics([10])["jitter_ms"] == 0
