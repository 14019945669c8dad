"""What one client may do with a connection of `serve`: bounds on time and memory that uvicorn leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from tasks_app.api.problems import Problem
from tasks_app.bodies import REST, Rest
from tasks_app.crowds import crowd
from tasks_app.serving.heads import wrong_with
from tasks_app.serving.pieces import Unread, is_small
from tasks_app.serving.refusals import RefusingHttp
from tasks_app.turnstile import turnstile

SOCKETS = b"/live/"  # where they are
HEAD_BYTES = 65_536  # of a request line with all its headers; of what stands between the parts of a body as well
HEAD_LINES = 256  # headers of one request
HEAD_SECONDS = 10.0  # for a request's head to arrive, from the connection or from its first byte on
HANDSHAKE_SECONDS = 5.0  # the same, where it asks for a socket
AHEAD = 16  # requests of one connection that wait for the one before; what is behind them is not read
BODY_AHEAD = 65_536  # bytes of a body that wait for whoever reads it; what is behind them is not read
END_OF_CHUNKS = b"\r\n0\r\n\r\n"
STALLED_SECONDS = 30.0  # without a byte of an answer being taken


def _address(client: tuple[str, int] | None) -> str:
    return client[0] if client else ""  # a socket of the file system has no address


class _Flow(FlowControl):
    """Reads no more while something is put off, whoever asks: that comes first."""

    held = False

    def __init__(self, transport: asyncio.Transport, go_on: Callable[[], object]) -> None:
        super().__init__(transport)
        self._go_on = go_on

    def resume_reading(self) -> None:
        """Go on with what is held back, or where nothing is."""
        if self.held:
            self._go_on()
        else:
            super().resume_reading()

    def end(self) -> None:
        """Nothing is read any more. What goes round in circles would wait for the garbage collector, and connections come and go."""
        self.held = False
        self._go_on = lambda: None


class BoundedHttp(RefusingHttp):
    """uvicorn's HTTP, which waits for a head without end, keeps one of any size, takes what stands behind a body for headers, and waits
    for readers that stopped reading."""

    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0  # of the names and values that were read
    _loose_bytes = 0  # of what was read since a head or a part of a body was whole
    _body_bytes = 0  # that were read
    _whole = False  # whether the head is
    _in_line = False  # for the next piece
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A connection on which nothing is said is closed; one too many is told so."""
        super().connection_made(transport)
        self._unread = Unread()
        self._rest = Rest()
        self.flow: _Flow = _Flow(transport, self._go_on)
        if crowd().enter(_address(self.client)):
            self._expect_head()
        else:
            self._refuse(Problem(503, "too_many_connections", "Too many connections are open.", headers={"Retry-After": "10"}))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        crowd().leave(_address(self.client))
        self._head_is_here()
        self._taken()
        self._unread.clear()
        super().connection_lost(exc)
        self.flow.end()

    def data_received(self, data: bytes) -> None:
        """A piece at once, the next one when its turn comes: many who send much at the same time do not hold up the others."""
        if self._rest.is_unwanted:
            self._throw_away(data)
        elif not self._unread and self._may_read() and is_small(data):
            self._read(data)
        else:
            self._unread.add(data)
            if not self._in_line:
                self._read_some()

    def _read(self, piece: bytes) -> None:
        """Counts what the parser keeps to itself: a line that does not end, of a head, behind a body or between its parts."""
        self._loose_bytes += len(piece)
        super().data_received(piece)
        if self._loose_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_head_too_large())

    def _read_some(self) -> None:
        if self._rest.is_unwanted and self._unread:
            self._throw_away(self._unread.take_all())
        elif self._unread and self._may_read():
            self._read(self._unread.take(self._of_body()))
        if self.transport.is_closing() or self.transport.get_protocol() is not self or self._rest.is_too_long:
            self._unread.clear()  # where it is a socket now: who begins to talk before he hears so has not waited for the handshake
            return
        self.flow.held = bool(self._unread)
        if self.flow.held:
            self.flow.pause_reading()
            if self._may_read():
                self._go_on()

    def _may_read(self) -> bool:
        """Not where enough is in line, nor what is said by one who was refused."""
        if len(self.pipeline) >= AHEAD or self.transport.is_closing() or self._rest.is_too_long or self._refusal is not None:
            return False
        return self.cycle is None or self.cycle.response_complete or len(self.cycle.body) < BODY_AHEAD

    def _of_body(self) -> int:
        """How many bytes of a body are still to come, where that was announced."""
        if not self._whole:
            return 0
        announced = next((value for name, value in self.headers if name == b"content-length"), b"0")
        return int(announced) - self._body_bytes

    def on_message_begin(self) -> None:
        """A next request on this connection has begun."""
        super().on_message_begin()
        self._head_bytes = self._body_bytes = 0
        self._whole = False
        self.scope[REST] = self._rest = Rest()  # type: ignore[literal-required] # a key of our own
        self._expect_head()

    def on_url(self, url: bytes) -> None:
        """A part of the request line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. What stands behind a body is none: whoever stands in front has not looked at it."""
        self._count(len(name) + len(value) + len(": \r\n"))
        if not self._whole:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here; the body has a limit and a time of its own."""
        self._head_is_here()
        self._whole = True
        self._head_bytes = self._loose_bytes = 0
        if (wrong := wrong_with(self.url, self.headers, self.parser.get_http_version())) is not None:
            self._say(wrong)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body. The next one is read when somebody asks for it: many senders at once fill no memory. One that is answered
        already is read to its end, so that the next request can be."""
        self._loose_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)
        self._wait_for_reader()

    def _throw_away(self, data: bytes) -> None:
        """A part of a body that nobody wants, and that is the last on its connection: not even the parser sees it. Past so many bytes none
        are read. Whoever waits for the end hears of it, and of what only looks like the end of one in chunks: all has been said."""
        left = self._of_body()
        self._body_bytes += len(data)
        self._rest.thrown_away += len(data)
        self.flow.pause_reading()
        if 0 < left <= len(data) or (left <= 0 and data.endswith(END_OF_CHUNKS)):
            self.cycle.more_body = False
            self.cycle.message_event.set()
        elif self._may_read():
            self._go_on()

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._loose_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """What comes next is a head again; empty lines before it, which end the wait for it in uvicorn, do not put it off."""
        is_last = not self.pipeline
        if is_last and self._rest.is_unwanted:
            self.transport.close()  # whatever was answered: nobody knows where a next request begins
        super().on_response_complete()
        if is_last:
            self._refuse_at_last()
        if self.timeout_keep_alive_task is not None:
            self._expect_head()

    def pause_writing(self) -> None:
        """The reader is behind; it may be, as long as it goes on reading."""
        super().pause_writing()
        self._look_again()

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._taken()
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        """What follows is the socket's, and nothing is left to do here."""
        super().handle_websocket_upgrade()
        self.flow.end()
        self.parser = None  # type: ignore[assignment]

    def _should_upgrade(self) -> bool:
        """A handshake is a GET; what websockets makes of others is never answered."""
        return self.parser.get_method() == b"GET" and super()._should_upgrade()

    def _read_no_more(self) -> None:
        self._head_is_here()
        self._unread.clear()
        self.flow.pause_reading()

    def _wait_for_reader(self) -> None:
        if not self.cycle.response_complete:
            self.flow.pause_reading()

    def _go_on(self) -> None:
        if not self._in_line:
            self._in_line = True
            turnstile().enter(self._take_up)

    def _take_up(self) -> None:
        """Go on with what was put off."""
        self._in_line = False
        if self.parser is not None:
            self._read_some()
            if not (self._in_line or self._unread or self.pipeline) and self._may_read() and self.transport.get_protocol() is self:
                self.flow.resume_reading()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES or len(self.headers) >= HEAD_LINES:
            self._say(_head_too_large())

    def timeout_keep_alive_handler(self) -> None:
        """Whoever has said more than was read is not waited for."""
        if not self._unread:
            super().timeout_keep_alive_handler()

    def _expect_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(min(HANDSHAKE_SECONDS, HEAD_SECONDS), self._wait_on, HEAD_SECONDS - HANDSHAKE_SECONDS)

    def _wait_on(self, more: float) -> None:
        """A page of ours that opens a socket says so in one piece; others may take a little longer, and what waits to be read is here."""
        if self._unread:
            self._head = self.loop.call_later(min(HANDSHAKE_SECONDS, HEAD_SECONDS), self._wait_on, more)
        elif more <= 0 or getattr(self, "url", b"").startswith(SOCKETS):
            self.transport.close()
        else:
            self._head = self.loop.call_later(more, self._wait_on, 0.0)

    def _head_is_here(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _look_again(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self._abort_unless_taken, waiting)

    def _abort_unless_taken(self, waiting: int) -> None:
        if self.transport.get_write_buffer_size() >= waiting:
            self.transport.abort()
        else:
            self._look_again()

    def _taken(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


def _head_too_large() -> Problem:
    return Problem(431, "head_too_large", f"At most {HEAD_BYTES:,} bytes in {HEAD_LINES} lines are accepted as request line and headers.")
