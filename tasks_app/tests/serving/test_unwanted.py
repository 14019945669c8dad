"""The rest of a body that was refused: its sender may come to its end and read why, and nothing of it is kept or looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks_app import bodies
from tasks_app.asgi import Handler
from tasks_app.auth.access import Access
from tasks_app.runtime import Runtime
from tasks_app.serving.connections import BoundedHttp
from tasks_app.serving.straight import StraightHttp
from tasks_app.tests.auth.conftest import application, config, known, now, settings_of
from tasks_app.tests.serving.test_framing import told
from tasks_app.tests.serving.test_straight import HEAD, another, answers, until
from tasks_app.tests.serving.wires import Wire, wired

__all__ = ["application", "config", "known", "now", "settings_of"]  # fixtures
LONG = 1_000_000  # bytes of a body, more than are accepted
PIECE = b"a" * 100_000
Begun = Callable[[], bytes]


def announced(size: int) -> bytes:
    return b"POST /api/v2/tasks HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size


def in_chunks(size: int) -> bytes:
    return b"POST /api/v2/tasks HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % size


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what the parser was given."""
    found: list[int] = []
    read = BoundedHttp._read

    def heard(self: BoundedHttp, piece: bytes) -> None:
        found.append(len(piece))
        read(self, piece)

    monkeypatch.setattr(BoundedHttp, "_read", heard)
    return found


@pytest.fixture
async def wire(application: Handler, now: Runtime, known: Access) -> Wire:
    return wired(application, StraightHttp)[0]


async def all_of_it(wire: Wire) -> None:
    """Send the rest of a LONG body of which one PIECE was sent, until the connection is closed on it."""
    for _ in range(LONG // len(PIECE) - 1):
        await until(lambda: wire.reads)
        wire.protocol.data_received(PIECE)
    await until(lambda: wire.closed)
    wire.protocol.connection_lost(None)


@pytest.mark.parametrize("head", [announced(LONG), in_chunks(LONG)], ids=["announced", "in chunks"])
async def test_once_it_is_refused_nothing_of_it_is_kept_and_the_parser_sees_no_more(wire: Wire, parsed: list[int], head: bytes):
    wire.protocol.data_received(head + PIECE)
    await until(lambda: answers(wire))
    await until(lambda: wire.reads)
    before = sum(parsed)
    for _ in range(7):
        wire.protocol.data_received(PIECE)
        assert not wire.protocol._unread
        await until(lambda: wire.reads)
    assert sum(parsed) == before
    assert not wire.closed, "its sender is not cut off"
    wire.protocol.connection_lost(None)


async def test_what_came_with_a_head_that_announces_too_much_is_not_kept_until_somebody_says_so(wire: Wire, parsed: list[int]):
    wire.protocol.data_received(announced(LONG) + PIECE + PIECE)
    await until(lambda: wire.reads)
    assert (sum(parsed) < len(PIECE), wire.protocol._unread.left) == (True, 0)
    await until(lambda: answers(wire))
    assert b"413" in answers(wire)[0][0]
    wire.protocol.connection_lost(None)


async def test_the_connection_is_closed_where_the_body_ends(wire: Wire):
    wire.protocol.data_received(announced(LONG) + PIECE)
    await until(lambda: answers(wire))
    for _ in range(9):
        assert not wire.closed
        await until(lambda: wire.reads)
        wire.protocol.data_received(PIECE)
    await until(lambda: wire.closed)
    wire.protocol.data_received(b"GET /healthz HTTP/1.1\r\n" + HEAD + b"\r\n")
    wire.protocol.connection_lost(None)
    assert [head[:12] for head, _ in answers(wire)] == [b"HTTP/1.1 413"]


@pytest.mark.parametrize("head", [announced(10**9), in_chunks(10**9)], ids=["announced", "in chunks"])
async def test_past_so_many_bytes_nothing_is_read_and_after_a_while_it_is_closed(wire: Wire, monkeypatch: pytest.MonkeyPatch, head: bytes):
    monkeypatch.setattr(bodies, "REST_BYTES", 300_000)
    wire.protocol.data_received(head + PIECE)
    await until(lambda: answers(wire))
    sent = 1
    while not wire.protocol._rest.is_too_long:
        await until(lambda: wire.reads)
        wire.protocol.data_received(PIECE)
        sent += 1
    assert sent <= 6
    assert (wire.reads, wire.protocol._unread.left) == (False, 0)
    await until(lambda: wire.closed)
    wire.protocol.connection_lost(None)


async def test_the_end_of_a_body_in_chunks_is_seen(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies, "REST_SECONDS", 600.0)
    wire.protocol.data_received(in_chunks(LONG) + PIECE)
    await until(lambda: answers(wire))
    await until(lambda: wire.reads)
    wire.protocol.data_received(PIECE + b"\r\n0\r\n\r\n")
    await until(lambda: wire.closed)
    wire.protocol.connection_lost(None)


async def test_the_connection_is_closed_also_where_an_answer_says_that_it_stays():
    async def careless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi", "more_body": True})
        await bodies.read_rest(scope, receive)
        await send({"type": "http.response.body"})

    wire, protocol = wired(careless, BoundedHttp)
    protocol.data_received(announced(LONG) + PIECE)
    await all_of_it(wire)


async def test_whoever_is_not_let_in_at_all_is_closed_on_as_well(wire: Wire):
    """An answer that says nothing of the body: the next request would stand somewhere in it."""
    other = another(wire)
    stranger = announced(LONG).replace(HEAD, b"Host: localhost\r\n")
    other.protocol.data_received(stranger + PIECE)
    await until(lambda: answers(other))
    assert b"connection: close" in answers(other)[0][0].lower()
    await all_of_it(other)


async def test_a_body_that_is_read_while_it_is_answered_is_handed_on():
    """By applications that are not ours."""
    heard: list[Any] = []

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        more = True
        while more:
            message = await receive()
            heard.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.body", "body": b""})

    wire, protocol = wired(echo, BoundedHttp)
    protocol.data_received(announced(LONG) + PIECE)
    await all_of_it(wire)
    assert len(b"".join(heard)) == LONG


@pytest.mark.parametrize(
    "said", [announced(LONG) + b"a" * LONG, in_chunks(LONG) + b"a" * LONG + b"\r\n0\r\n\r\n"], ids=["announced", "in chunks"]
)
async def test_who_sends_all_of_it_before_he_looks_reads_why(served: str, said: bytes):
    said = said.replace(HEAD, b"Host: localhost\r\n")
    status, headers, body = await told(served, said, to_the_end=True)
    assert (status, headers["connection"], json.loads(body)["code"]) == (413, "close", "body_too_large")


@pytest.mark.parametrize("framing", [b"Content-Length: 5\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"], ids=["announced", "in chunks"])
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
async def test_a_body_that_never_comes_is_not_waited_for(wire: Wire, method: bytes, framing: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.01)
    wire.protocol.data_received(method + b" /healthz HTTP/1.1\r\n" + HEAD + framing)
    await until(lambda: wire.written)
    assert wire.written.startswith(b"HTTP/1.1 408")
    wire.protocol.connection_lost(None)
    await until(lambda: not wire.protocol.tasks)
