"""What no policy opens: the server itself, cloud metadata, what the server depends on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tasks_app.handlers._egress import Door
from tasks_app.handlers._targets import Use
from tasks_app.handlers.dns_lookup import dns_lookup
from tasks_app.handlers.download import download
from tasks_app.tests.handlers.conftest import Listener, Serve
from tasks_app.tests.handlers.dialling import blocked, check_of, in_url, ping_of, redirecting
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.running import execute

LOCAL = ["127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "::ffff:127.0.0.1"]
MINE = [one.address for found in psutil.net_if_addrs().values() for one in found if one.family == socket.AF_INET]


class Everywhere:
    """Takes connections at every address of this machine, of both families, and hangs up."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count it."""
        self.accepted += 1
        writer.close()


@pytest.fixture
async def everywhere() -> AsyncIterator[Everywhere]:
    one = Everywhere()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(one.handle, "0.0.0.0", 0))
        one.port = server.sockets[0].getsockname()[1]
        with suppress(OSError):  # a machine without IPv6
            await stack.enter_async_context(await asyncio.start_server(one.handle, "::1", one.port))
        yield one


async def test_the_server_itself_is_reached_by_these_spellings(everywhere: Everywhere, own_door: Door):
    own_door.configure("any")
    for host in [*LOCAL, *MINE, "localhost"]:
        assert (await execute(*ping_of(host, everywhere.port))).result["received"] == 3, "else the next test could not fail"


@pytest.mark.parametrize("words", ["", "any", "0.0.0.0/0,[::]/0,localhost,here"])
async def test_the_server_itself_is_never_dialled_under_any_name(
    words: str, everywhere: Everywhere, own_door: Door, names: NameServer, serve: Serve, folder: Path, dialled: list[str]
):
    own_door.listens("127.0.0.1", everywhere.port)
    own_door.configure(words, names=["tasks.example.org"])
    port, own = everywhere.port, [*LOCAL, *MINE, "::1", "::", "0:0:0:0:0:0:0:1", "2002:7f00:1::", "64:ff9b::127.0.0.1"]
    names.tell("here.test", [MINE[-1]])
    for host in [*own, "localhost", "LOCALHOST", "here.test"]:
        await blocked(ping_of(host, port))
        await blocked(check_of(f"http://{in_url(host)}:{port}/"))
        await blocked((download, {"url": f"http://{in_url(host)}:{port}/"}))
    await blocked((dns_lookup, {"name": "web.test", "server": f"127.0.0.1:{port}"}))
    names.tell("tasks.example.org", ["93.184.216.34"])
    await blocked(ping_of("tasks.example.org", port))
    async with redirecting(serve) as (origin, goals):
        for host in ("127.0.0.1", "localhost", "[::1]"):
            goals.append(f"http://{host}:{port}/")
            await blocked(check_of(str(origin)))
    assert everywhere.accepted == 0
    assert not any(where.endswith(f":{port}") for where in dialled)


async def test_other_ports_of_this_machine_are_not_the_server(own_door: Door, listener: Listener):
    own_door.listens("127.0.0.1", 1)
    assert (await execute(*ping_of("localhost", listener.port))).result["received"] == 3


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254"]
)
async def test_metadata_takes_a_switch_of_its_own(host: str, own_door: Door, names: NameServer, dialled: list[str]):
    names.tell("metadata.test", [host])
    for words in ("any", "public", "169.254.0.0/16,100.64.0.0/10,[fd00::]/8,168.63.129.16"):
        own_door.configure(words)
        await blocked(ping_of(host))
        await blocked(check_of("http://metadata.test/latest/meta-data/"))
    assert dialled == []
    own_door.configure("any", metadata=True)
    assert await own_door.addresses("metadata.test", 80, Use.HTTP)
    own_door.configure("10.0.0.0/8", metadata=True)
    await blocked(ping_of(host))


async def test_what_this_server_depends_on_is_never_dialled(own_door: Door, names: NameServer, everywhere: Everywhere, dialled: list[str]):
    names.tell("broker.test", ["127.0.0.1"])
    names.tell("other.test", ["127.0.0.1"])
    port = everywhere.port
    for broker in ("broker.test", "Broker.Test.", "127.0.0.1", "localhost"):
        own_door.configure("any", kept_out=[(broker, port)])
        for host in ("broker.test", "127.0.0.1", "127.0.0.3", "other.test", "0.0.0.0", "localhost", MINE[-1]):
            await blocked(ping_of(host, port))
        await blocked(check_of(f"http://127.0.0.1:{port}/"))
    assert dialled == []
    own_door.configure("any", kept_out=[("192.0.2.7", port)])
    assert (await execute(*ping_of("127.0.0.1", port))).result["received"] == 3
    own_door.configure("any", kept_out=[("nobody.test", port)])
    await blocked(ping_of("127.0.0.1", port))


def test_without_a_policy_it_depends_on_who_can_reach_the_server():
    said = []
    for hosts in ((), ("127.0.0.1",), ("::1",), ("0.0.0.0",), ("::",), ("10.0.0.1",), ("127.0.0.1", "10.0.0.1"), ("0.0.0.0", "127.0.0.1")):
        door = Door()
        for number, host in enumerate(hosts):
            door.listens(host, 8080 + number)
        said.append(door.policy.words)
    assert said == ["public", "any", "any", "public", "public", "public", "public", "public"]
