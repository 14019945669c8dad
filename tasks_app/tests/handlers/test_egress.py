"""The one door out, by real dialling: what is not let through gets not one packet, however it is written or reached."""

from __future__ import annotations

import ast
import socket
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from tasks_app import handlers
from tasks_app.handlers._egress import Blocked, Door, Passage
from tasks_app.handlers._targets import Use
from tasks_app.handlers.dns_lookup import dns_lookup
from tasks_app.handlers.http_check import http_check
from tasks_app.handlers.ping import ping
from tasks_app.tests.handlers.conftest import Listener, Serving
from tasks_app.tests.handlers.dialling import WORDS, blocked, check_of, in_url, ping_of
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.nasty import LITERALS
from tasks_app.tests.handlers.running import execute


@pytest.mark.parametrize("host", LITERALS)
async def test_what_is_not_public_is_never_dialled(host: str, public: Door, names: NameServer, dialled: list[str]):
    names.tell("evil.test", [host])
    await blocked(ping_of(host))
    await blocked(ping_of("evil.test"))
    await blocked(check_of(f"http://{in_url(host)}/"))
    await blocked(check_of("https://evil.test/"))
    assert dialled == []


@pytest.mark.parametrize("order", [["93.184.216.34", "10.0.0.1"], ["10.0.0.1", "93.184.216.34"], ["2606:4700::1", "127.0.0.1"]])
async def test_one_private_answer_among_public_ones_refuses_the_whole_name(
    order: list[str], public: Door, names: NameServer, dialled: list[str]
):
    names.tell("mixed.test", order)
    await blocked(ping_of("mixed.test"))
    await blocked(check_of("http://mixed.test/"))
    names.tell("mixed.test", [text for text in order if text not in ("10.0.0.1", "127.0.0.1")])
    assert await public.addresses("mixed.test", 80, Use.HTTP), "alone the public one passes"
    assert dialled == []


async def test_the_address_that_was_judged_is_the_one_that_is_dialled(
    own_door: Door, names: NameServer, listener: Listener, dialled: list[str]
):
    own_door.configure(f"127.0.0.1:{listener.port}")
    names.tell("rebinding.test", ["127.0.0.1"], ["127.0.0.2"])
    ran = await execute(ping, {"address": "rebinding.test", "port": listener.port, "count": 5, "interval": 0.01})
    assert ran.completed, ran.outcome
    assert names.asked.count("rebinding.test. A") == 1
    assert set(dialled) == {f"127.0.0.1:{listener.port}"}
    await blocked(ping_of("rebinding.test", listener.port))
    assert set(dialled) == {f"127.0.0.1:{listener.port}"}


async def test_each_request_is_judged_by_the_one_lookup_it_made(own_door: Door, names: NameServer, site: Serving, dialled: list[str]):
    routes = web.RouteTableDef()

    @routes.get("/")
    async def fine(request: web.Request) -> web.Response:
        return web.Response(text="fine")

    port = URL(await site(routes)).port
    own_door.configure(f"127.0.0.1:{port}")
    names.tell("rebinding.test", ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"])
    url = f"http://rebinding.test:{port}/"
    assert (await execute(http_check, {"url": url})).completed
    assert names.asked.count("rebinding.test. A") == 1
    await blocked((http_check, {"url": url, "count": 3, "interval": 0.1}))
    assert names.asked.count("rebinding.test. A") == 3
    assert set(dialled) == {f"127.0.0.1:{port}"}


async def test_a_socket_is_made_for_nothing_that_was_not_judged(own_door: Door):
    own_door.configure("127.0.0.1:9")
    passage = Passage(Use.TCP)
    found = ("", ("127.0.0.1", 9))
    with pytest.raises(Blocked):
        passage.socket((socket.AF_INET, socket.SOCK_STREAM, 0, *found))
    await passage.addresses("127.0.0.1", 9)
    passage.socket((socket.AF_INET, socket.SOCK_STREAM, 0, *found)).close()
    with pytest.raises(Blocked):
        passage.socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 10)))


@pytest.mark.parametrize("use", list(Use))
async def test_ports_are_judged_before_any_name_is_looked_up(use: Use, public: Door, names: NameServer):
    for port in (0, 25, 65_536):
        with pytest.raises(Blocked):
            await public.addresses("web.test", port, use)
    assert names.asked == []


async def test_name_servers_are_asked_through_the_same_door(public: Door, name_server: NameServer, dialled: list[str]):
    for server in (name_server.address, "10.0.0.1", "169.254.169.253", "[::1]:53", "8.8.8.8:5353"):
        await blocked((dns_lookup, {"name": "web.test", "server": server}))
    assert name_server.asked == []
    public.configure(f"127.0.0.1:{name_server.port}")
    assert (await execute(dns_lookup, {"name": "web.test", "server": name_server.address})).completed


async def test_a_private_name_answers_alike_whether_open_closed_or_silent(
    public: Door, names: NameServer, listener: Listener, closed_port: int, black_hole: int
):
    names.tell("inner.test", ["127.0.0.1"])
    ends = [await blocked(ping_of("inner.test", port)) for port in (listener.port, closed_port, black_hole)]
    ends += [await blocked(ping_of("127.0.0.1", port)) for port in (listener.port, closed_port, black_hole)]
    assert {(ran.message, str(ran.log())) for ran in ends} == {(WORDS, "[]")}
    assert listener.accepted == 0


async def test_a_refusal_is_worth_no_further_probe(public: Door, names: NameServer):
    names.tell("inner.test", ["10.0.0.1"])
    await blocked((ping, {"address": "inner.test", "count": 1000, "interval": 60, "fail_if_unreachable": False}))
    assert names.asked.count("inner.test. A") == 1


@pytest.mark.parametrize(
    ("words", "host", "port", "refused"),
    [
        ("public", "10.0.0.1", 80, True), ("public", "::1", 80, True), ("public", "169.254.169.254", 80, True),
        ("public", "8.8.8.8", 80, False), ("public", "8.8.8.8", 25, True), ("public", "localhost", 80, True),
        ("public", "Foo.LocalHost.", 80, True), ("public", "inner.test", 80, False), ("public", "inner.test", 25, True),
        ("any", "10.0.0.1", 80, False), ("any", "localhost", 80, False), ("any", "localhost", 8080, True),
        ("any", "127.0.0.1", 8080, True), ("any", "169.254.169.254", 80, True), ("10.1.2.0/24:443", "10.1.2.3", 443, False),
        ("10.1.2.0/24:443", "10.1.2.3", 80, True), ("10.1.2.0/24:443", "inner.test", 80, True), ("localhost:80", "localhost", 80, False),
    ],
)  # fmt: skip
def test_what_will_be_refused_is_known_as_far_as_it_is_written(words: str, host: str, port: int, refused: bool):
    door = Door()
    door.listens("127.0.0.1", 8080)
    door.configure(words)
    assert door.refused_as_written(host, port) is refused


def test_what_a_demo_opens_comes_on_top_of_the_policy():
    door = Door()
    door.listens("0.0.0.0", 8080)
    door.configure()
    door.also("127.0.0.1:9,127.0.0.1:8080")
    assert not door.refused_as_written("127.0.0.1", 9)
    assert door.refused_as_written("127.0.0.1", 10)
    assert door.refused_as_written("127.0.0.1", 8080), "never the server itself"
    assert not door.refused_as_written("8.8.8.8", 443)


FORBIDDEN = {
    "socket.socket",
    "socket.create_connection",
    "asyncio.open_connection",
    "aiohttp.TCPConnector",
    "aiohttp.request",
    "urllib",
    "http.client",
}


def test_no_task_type_dials_past_the_door():
    """What opens connections is named in the door's own files only."""
    folder = Path(handlers.__file__).parent
    past = {
        f"{path.name}: {name}"
        for path in folder.glob("*.py")
        if path.name not in ("_egress.py", "_dials.py", "_http.py", "_addresses.py")
        for name in named(ast.parse(path.read_text()))
        if any(name == one or name.startswith(f"{one}.") for one in FORBIDDEN) or name == "aiohttp.ClientSession()"
    }
    assert past == set()
    assert "socket.socket" in set(named(ast.parse((folder / "_egress.py").read_text()))), "else nothing is found anywhere"


def named(tree: ast.AST) -> list[str]:
    """What a module imports and which attributes it takes of modules, in dotted form; a class that is called has () behind it."""
    found, short = [], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
            short.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.append(f"{short.get(node.func.id, node.func.id)}()")
    return found
