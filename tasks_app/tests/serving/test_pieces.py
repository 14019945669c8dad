"""Who sends much at once is read a piece at a time, and others are served in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app import turnstile as turnstiles
from tasks_app.serving import connections
from tasks_app.serving.connections import AHEAD, HEAD_BYTES, BoundedHttp
from tasks_app.serving.pieces import LINES, OF_BODY, PIECE, SHORT, Unread, is_small
from tasks_app.tests.serving.test_connections import hello
from tasks_app.tests.serving.wires import Wire, wired

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
IN_CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Counted(BoundedHttp):
    """Counts what the parser calls for, and the bytes that it was given."""

    calls = given = most = 0

    def _read(self, piece: bytes) -> None:
        before = self.calls
        super()._read(piece)
        self.given += len(piece)
        self.most = max(self.most, self.calls - before)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.calls += 1
        super().on_header(name, value)

    def on_message_begin(self) -> None:
        self.calls += 1
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self.calls += 1
        super().on_body(body)


async def attentive(scope: Any, receive: Any, send: Any) -> None:
    """Answers what is whole."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await hello(scope, receive, send)


@pytest.fixture
def one_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstiles, "TURN_SECONDS", 0.0)


async def until_quiet(*protocols: BoundedHttp) -> None:
    while any(protocol._in_line or protocol.tasks or protocol.pipeline for protocol in protocols):  # noqa: ASYNC110 - others of this loop
        await asyncio.sleep(0)


MUCH = {
    "requests": GET * 1_000,
    "lines behind a body": IN_CHUNKS + b"0\r\n" + b"X: aaaaaaaaaa\r\n" * 9_000,
    "small parts of a body": IN_CHUNKS + b"1\r\na\r\n" * 5_000,
    "headers": b"GET / HTTP/1.1\r\n" + b"X:a\r\n" * 50_000,
}


@pytest.mark.parametrize("said", MUCH.values(), ids=MUCH)
async def test_what_is_read_at_once_is_little_work_however_it_is_made(one_a_turn, said):
    wire, protocol = wired(hello, Counted)
    protocol.data_received(said)
    assert (protocol.given, wire.reads or wire.closed) == (SHORT, False)
    await until_quiet(protocol)
    assert protocol.most <= SHORT / 4, "calls for one piece"
    protocol.connection_lost(None)


async def test_fifty_who_send_much_are_read_in_turns_and_another_is_answered_before_them(one_a_turn):
    many = [wired(attentive, Counted) for _ in range(50)]
    for _, protocol in many:
        protocol.data_received(MUCH["lines behind a body"])
    wire, other = wired(hello, BoundedHttp)
    other.data_received(GET)
    for _ in range(5):
        await asyncio.sleep(0)
    assert wire.written.startswith(b"HTTP/1.1 200")
    assert max(protocol.given for _, protocol in many) <= 2 * SHORT
    while not all(attacker.closed for attacker, _ in many):  # noqa: ASYNC110 - others of this loop
        await asyncio.sleep(0)
    assert [attacker.written[:12] for attacker, _ in many] == [b"HTTP/1.1 431"] * 50
    assert max(protocol.given for _, protocol in many) <= HEAD_BYTES + PIECE
    other.connection_lost(None)
    for _, protocol in many:
        protocol.connection_lost(None)


async def test_of_many_requests_few_are_begun_before_the_first_is_answered(one_a_turn):
    wire, protocol = wired(hello, BoundedHttp)
    protocol.data_received(GET * 1000)
    assert len(protocol.pipeline) <= AHEAD + SHORT / len(GET)
    await until_quiet(protocol)
    assert (wire.written.count(b"HTTP/1.1 200"), wire.reads) == (1000, True)
    protocol.connection_lost(None)


async def test_what_is_here_and_waits_to_be_read_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.02)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if not wire.written:
            await asyncio.sleep(0.2)
            protocol.timeout_keep_alive_handler()
        await hello(scope, receive, send)

    wire, protocol = wired(slow, BoundedHttp)
    protocol.data_received(GET * 300)
    assert protocol._unread
    while wire.written.count(b"HTTP/1.1 200") < 300 and not wire.closed:  # noqa: ASYNC110 - others of this loop
        await asyncio.sleep(0)
    assert wire.written.count(b"HTTP/1.1 200") == 300
    protocol.connection_lost(None)


async def test_a_large_body_of_a_known_length_is_read_in_large_pieces():
    pieces: list[int] = []

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            pieces.append(len(message["body"]))
            more = message["more_body"]
        await hello(scope, receive, send)

    wire, protocol = wired(reads, BoundedHttp)
    body = b"\n" * 1_000_000
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body + GET)
    await until_quiet(protocol)
    assert (sum(pieces), wire.written.count(b"HTTP/1.1 200"), wire.reads) == (len(body), 2, True)
    assert len(pieces) <= len(body) / OF_BODY + 30, "some small ones in front, then large ones"
    protocol.connection_lost(None)


async def test_of_one_who_was_refused_nothing_is_kept():
    wire, protocol = wired(hello, BoundedHttp)
    protocol.data_received(b"GET / HTTP/1.1\r\nX: " + b"a" * 250_000)
    await until_quiet(protocol)
    assert (wire.closed, bool(protocol._unread), protocol._unread._bytes) == (True, False, b"")
    protocol.connection_lost(None)


async def test_a_request_for_a_socket_behind_many_others_is_read_as_ever(monkeypatch: pytest.MonkeyPatch):
    wire, protocol = wired(hello, BoundedHttp)
    shake = b"GET /live/tasks HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    taken: list[Wire] = []

    def switch() -> None:
        wire.protocol = None
        taken.append(wire)

    monkeypatch.setattr(protocol, "handle_websocket_upgrade", switch)
    protocol.data_received(GET * 200 + shake + b"x" * 10_000)
    await until_quiet(protocol)
    assert (taken, bool(protocol._unread), wire.written.count(b"HTTP/1.1 200")) == ([wire], False, 200)
    protocol.connection_lost(None)


@given(st.lists(st.sampled_from([b"\n" * 5000, b"a" * 9000, b"x: y\r\n" * 30, b"{}", b"b" * 40_000]), max_size=8), st.data())
def test_pieces_are_what_was_received_in_its_order(received: list[bytes], data: st.DataObject):
    unread, given_on = Unread(), b""
    for one in received:
        unread.add(one)
        if data.draw(st.booleans()):
            given_on += unread.take(data.draw(st.sampled_from([0, 50_000])))
    while unread:
        piece = unread.take(0)
        assert is_small(piece) or len(piece) <= SHORT
        given_on += piece
    assert given_on == b"".join(received)


def test_a_usual_request_is_one_piece():
    assert is_small(GET.replace(b"\r\n\r\n", b"\r\nCookie: " + b"c" * 3000 + b"\r\n\r\n"))
    assert not is_small(b"a" * (PIECE + 1))
    assert not is_small(b"\n" * (LINES + 1))
