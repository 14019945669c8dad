"""The straight way from one read to one write: what `lane.py` answers, and is whole in one read, without ASGI in between.

For each request ASGI has a task of the loop, an event, two messages and a look through all headers that are sent. A launch costs less than
that. Whatever is not answered here goes the way it went before, from its beginning; one request of each read is looked at, so that who
sends many at once waits for his turn as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, lru_cache, partial
from http import HTTPStatus
from math import inf
from typing import Any, cast

from channels.routing import ProtocolTypeRouter
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tasks_app import lane
from tasks_app.api.http import Said
from tasks_app.bodies import limit_of
from tasks_app.middleware import bare_headers
from tasks_app.serving import connections
from tasks_app.serving.connections import BoundedHttp
from tasks_app.serving.launches import turn_of_launches

App = Callable[..., Any]
_JSON = b"content-type: application/json\r\n"
_END = b"\r\n\r\n"  # of a head
KNOWN = 4  # heads of one connection that are remembered
KNOWN_BYTES = 2048  # of a whole request, so that its head is


def protocol_for(application: Any) -> type[BoundedHttp]:
    """What serves this application: where anything stands in front of our handler, or of its short way, each request goes through it."""
    http = application.application_mapping.get("http") if type(application) is ProtocolTypeRouter else None
    return StraightHttp if getattr(http, "has_lane", False) else BoundedHttp


class StraightHttp(BoundedHttp):
    """Holds the first request of a read until the read is over, and answers it then if it is whole and plain. What begins with a head that
    came before on this connection, byte for byte, is not parsed once more."""

    _may_hold = False
    _held: RequestResponseCycle | None = None
    _between = True  # whether the parser stands between two requests
    _awaits = False  # whether one that was not parsed is being answered
    _ends = False  # whether the connection ends with its answer
    _answered_at = -inf  # the last that was not parsed (the loop's time)
    _instead: Callable[[RequestResponseCycle], object] | None = None  # what becomes of one that has to be parsed after all

    def connection_made(self, transport: Any) -> None:
        """Nothing has come on it yet."""
        super().connection_made(transport)
        self._heads: dict[bytes, lane.Head] = {}
        self._launches = turn_of_launches()

    def data_received(self, data: bytes) -> None:
        """What was held is answered once all is parsed, and not in the parser, which would take an error for one in the request."""
        between = self._between
        if between and self._heads and self._again(data):
            return
        self._may_hold = True
        super().data_received(data)
        self._may_hold = False
        if self._held is not None:
            cycle, self._held = self._held, None
            self._answer(cycle, data if between and self._between else None)

    def on_message_begin(self) -> None:
        """A next request on this connection has begun."""
        self._between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A body that says it is too long is refused by whoever is asked, before he has read of it: what came with its head is not kept."""
        super().on_headers_complete()
        if (size := self._of_body()) and "path" in self.scope:  # it has none where a socket is asked for
            self._rest.is_unwanted = size > limit_of(self.scope["path"])

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._between = True
        super().on_message_complete()

    def _may_read(self) -> bool:
        return not self._awaits and super()._may_read()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: App) -> None:
        if self._instead is not None:
            instead, self._instead = self._instead, None
            instead(cycle)
        elif self._may_hold and not (self.flow.write_paused or cycle.waiting_for_100_continue) and lane.way_of(_scope(cycle)):
            self._may_hold = False
            self._held = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def _wait_for_reader(self) -> None:
        if self._held is None:
            super()._wait_for_reader()

    def _again(self, data: bytes) -> bool:
        """Answer a request whose head is known; False, and nothing has happened, where that cannot be done."""
        cut = data.find(_END) + len(_END)
        head = self._heads.get(data[:cut])
        if head is None or head.size != len(data) - cut or self._awaits or self._unread.left:
            return False
        if self.transport.is_closing() or self.flow.write_paused or not self.cycle.response_complete:
            return False
        found = lane.read(head, data[cut:], self._launches.let_in)
        if found is None:
            return False
        if isinstance(found, Said):
            self._tell(found, keep_alive=True)
        else:
            self._awaits = True
            self._launches.enter(found, partial(self._made_again, data))
        return True

    def _made_again(self, data: bytes, made: lane.Became, is_safe: bool) -> None:
        self._awaits = False
        if isinstance(made, lane.Made) and is_safe:
            if not self.transport.is_closing():
                self._tell(made.said, keep_alive=not self._ends)
        elif self in self.connections:
            self._instead = partial(self._go_on_with, made)
            self._read(data)
        elif isinstance(made, lane.Made):  # he left; his launch gets its line all the same
            kept = self.loop.create_task(_kept(made))
            self.tasks.add(kept)
            kept.add_done_callback(self.tasks.discard)

    def _answer(self, cycle: RequestResponseCycle, data: bytes | None) -> None:
        """`data`: what was read, where that was this request and maybe others."""
        if cycle.more_body or self.transport.is_closing() or (cycle.body and len(cycle.body) > limit_of(cycle.scope["path"])):
            self._go_long(cycle)
            return
        head = lane.head_of(_scope(cycle), len(cycle.body))
        found = lane.read(head, cycle.body, self._launches.let_in) if head is not None else None
        if head is None or found is None:
            self._leave_to_django(cycle, None)
            return
        if data is not None and cycle is self.cycle and cycle.keep_alive:
            self._know(head, data)
        if isinstance(found, Said):
            self._send(cycle, found)
        else:
            self._launches.enter(found, partial(self._made, cycle))

    def _know(self, head: lane.Head, data: bytes) -> None:
        cut = data.find(_END) + len(_END)
        if head.size == len(data) - cut and len(data) <= KNOWN_BYTES and self.limit_concurrency is None:
            if len(self._heads) >= KNOWN:
                self._heads.clear()
            self._heads[data[:cut]] = head

    def _made(self, cycle: RequestResponseCycle, made: lane.Became, is_safe: bool) -> None:
        if not (isinstance(made, lane.Made) and is_safe):
            self._go_on_with(made, cycle)
        elif not self.transport.is_closing():
            self._send(cycle, made.said)

    def _go_on_with(self, made: lane.Became, cycle: RequestResponseCycle) -> None:
        """Where it takes a while until a launch is safe, or in the books, somebody waits for it; with all else Django begins anew."""
        if isinstance(made, lane.Made):
            super()._start_asgi_task(cycle, partial(_once_kept, made))
        else:
            self._leave_to_django(cycle, made)

    def _go_long(self, cycle: RequestResponseCycle) -> None:
        super()._start_asgi_task(cycle, self.app)
        if cycle.more_body:
            self._wait_for_reader()

    def _leave_to_django(self, cycle: RequestResponseCycle, error: Exception | None) -> None:
        _scope(cycle)[lane.TRIED] = error
        super()._start_asgi_task(cycle, self.app)

    def _send(self, cycle: RequestResponseCycle, said: Said) -> None:
        """As uvicorn would, in one write; what it checks of headers holds for those that are made here."""
        cycle.response_started = cycle.response_complete = True
        cycle.body = bytearray()
        self._write(said, keep_alive=cycle.keep_alive)
        self.on_response_complete()

    def _tell(self, said: Said, *, keep_alive: bool) -> None:
        """The answer to one that was not parsed. What is timed from the last answer on looks when that was."""
        self._write(said, keep_alive=keep_alive)
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self._unread.left:
            self.flow.resume_reading()

    def _write(self, said: Said, *, keep_alive: bool) -> None:
        self.transport.write(_head(said, self.server_state.default_headers, keep_alive=keep_alive) + said.content)
        if not keep_alive:
            self.transport.close()

    def shutdown(self) -> None:
        """A connection ends with the answer that is under way."""
        if self._awaits:
            self._ends = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Setting a timer for each request, and taking it back, takes longer than to look when it fires."""
        if (left := self._left(self.timeout_keep_alive)) > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _wait_on(self, more: float) -> None:
        first = min(connections.HANDSHAKE_SECONDS, connections.HEAD_SECONDS)
        if (left := self._left(first)) > 0:
            self._head = self.loop.call_later(left, self._wait_on, connections.HEAD_SECONDS - connections.HANDSHAKE_SECONDS)
        else:
            super()._wait_on(more)

    def _left(self, seconds: float) -> float:
        """Of so many since the last answer to what was not parsed."""
        return seconds if self._awaits else self._answered_at + seconds - self.loop.time()


def _scope(cycle: RequestResponseCycle) -> lane.Scope:
    """As ours are typed."""
    return cast(lane.Scope, cycle.scope)


async def _kept(made: lane.Made) -> None:
    """See that a launch is safe and in the books; there is nobody to answer."""
    await lane.kept(made)


async def _once_kept(made: lane.Made, scope: lane.Scope, receive: Any, send: Any) -> None:
    """An application that answers one request, whatever becomes of its launch."""
    await lane.send(await lane.kept(made), send)


def _head(said: Said, default: Iterable[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    own = "".join([f"{name.lower()}: {value}\r\n" for name, value in said.headers.items()]).encode()
    length = b"%scontent-length: %d\r\n" % (b"" if "Content-Type" in said.headers else _JSON, len(said.content))
    return _status_line(said.status) + _lines(tuple(default)) + own + length + _end_of_head(keep_alive)


@cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


@lru_cache(maxsize=2)  # they change once a second
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)


@cache
def _end_of_head(keep_alive: bool) -> bytes:
    same_for_all = "".join(f"{name.lower()}: {value}\r\n" for name, value in bare_headers().items()).encode()
    return same_for_all + (b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
