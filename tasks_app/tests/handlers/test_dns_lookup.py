"""DNS lookups against a real name server on loopback."""

from __future__ import annotations

import asyncio

import pytest

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers.dns_lookup import dns_lookup
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.running import Attempt, execute, until
from tasks_app.tests.processes import free_port


async def lookup(server: NameServer, name: str, record: str = "A", **more: object) -> Attempt:
    return await execute(dns_lookup, {"name": name, "record": record, "server": server.address, "timeout": 60} | more)


@pytest.mark.parametrize(
    ("name", "record", "values"),
    [
        ("web.test", "A", ["192.0.2.7", "192.0.2.8"]),
        ("web.test", "AAAA", ["2001:db8::7"]),
        ("web.test", "MX", ["10 mail.test"]),
        ("web.test", "NS", ["ns1.test"]),
        ("web.test", "TXT", ["v=spf1 -all and more"]),
        ("web.test", "SOA", ["ns1.test admin.test 2026010101 3600 900 604800 300"]),
        ("www.test", "CNAME", ["web.test"]),
        ("_dmarc.web.test", "TXT", ["v=DMARC1"]),
        ("192.0.2.7", "PTR", ["web.test"]),
        ("7.2.0.192.in-addr.arpa", "PTR", ["web.test"]),
        ("2001:db8::7", "PTR", ["six.test"]),
    ],
)
async def test_each_type_of_record_is_read(name_server: NameServer, name: str, record: str, values: list[str]):
    ran = await lookup(name_server, name, record)
    assert ran.completed, ran.outcome
    assert sorted(found["value"] for found in ran.result["records"]) == values
    assert {found["type"] for found in ran.result["records"]} == {record}
    assert ran.result["count"] == len(values)
    assert ran.result["ms"] > 0


async def test_the_shortest_ttl_counts(name_server: NameServer):
    ran = await lookup(name_server, "web.test")
    assert ran.result["ttl"] == 60
    assert ran.headline[0].endswith(" and 1 more")
    assert ran.headline[1].startswith("TTL 60 s, answered in ")


async def test_aliases_on_the_way_are_told(name_server: NameServer):
    ran = await lookup(name_server, "www.test")
    assert ran.result["aliases"] == ["web.test"]
    assert {found["name"] for found in ran.result["records"]} == {"web.test"}


async def test_text_that_cannot_be_shown_is_replaced(name_server: NameServer):
    ran = await lookup(name_server, "odd.test", "TXT")
    assert ran.result["records"][0]["value"] == "\ufffd\ufffd<script>"


async def test_an_answer_too_wide_for_a_datagram_comes_over_tcp_and_is_bounded(name_server: NameServer):
    ran = await lookup(name_server, "wide.test", "TXT")
    assert ran.result["count"] == 250
    assert 100 < len(ran.result["records"]) < 250, "as many as a result can hold"
    assert name_server.asked.count("wide.test. TXT") == 2


async def test_a_name_that_does_not_exist(name_server: NameServer):
    ran = await lookup(name_server, "nobody.test")
    assert (ran.kind, ran.message) == ("NameNotFound", "There is no name nobody.test")


@pytest.mark.parametrize(("name", "record"), [("web.test", "CNAME"), ("www.test", "PTR"), ("here.test", "MX")])
async def test_a_name_without_such_a_record(name_server: NameServer, name: str, record: str):
    ran = await lookup(name_server, name, record)
    assert (ran.kind, ran.message) == ("NoRecords", f"{name} has no {record} record")


async def test_a_name_server_that_fails_is_told_of(name_server: NameServer):
    ran = await lookup(name_server, "broken.test")
    assert ran.kind == "LookupFailed"


async def test_a_name_server_that_never_answers_is_given_up(name_server: NameServer):
    ran = await lookup(name_server, "silent.test", timeout=0.5)
    assert (ran.kind, ran.message) == ("Timeout", "No name server answered within 0.5 s")
    assert len(name_server.asked) >= 2, "a lost datagram is asked again"


async def test_a_server_that_is_not_there_is_given_up():
    ran = await execute(dns_lookup, {"name": "web.test", "server": f"127.0.0.1:{free_port()}", "timeout": 1})
    assert ran.kind in ("Unreachable", "Timeout")


async def test_a_cancelled_lookup_stops_at_once(name_server: NameServer):
    attempt = Attempt(dns_lookup, {"name": "silent.test", "server": name_server.address, "timeout": 60})
    attempt.start()
    await until(lambda: name_server.asked)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": None}, "params.name"),
        ({"name": "web test"}, "params.name"),
        ({"name": "a." * 127 + "toolong"}, "params.name"),
        ({"record": "ANY"}, "params.record"),
        ({"record": "a"}, "params.record"),
        ({"name": "192.0.2.7", "record": "A"}, "params.record"),
        ({"name": "192.0.2.7"}, "params.record"),
        *(
            ({"server": server}, "params.server")
            for server in (
                "",
                "dns.example",
                "127.0.0.1:",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "127.0.0.1:5x",
                "[::1",
                "[::1]:x",
                "::1]:5",
                "127.0.0.1:٥",
                53,
            )
        ),
        ({"timeout": 0}, "params.timeout"),
        ({"timeout": 61}, "params.timeout"),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(more: dict[str, object], field: str):
    with pytest.raises(InvalidParams) as refused:
        dns_lookup.encode({"name": "web.test"} | more)
    assert field in [name for name, _ in refused.value.problems]


@pytest.mark.parametrize("server", ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:53", "[::1]"])
def test_name_servers_are_accepted_with_and_without_a_port(server: str):
    assert Attempt(dns_lookup, {"name": "web.test", "server": server}).params.summary() == f"web.test · A · asks {server}"
