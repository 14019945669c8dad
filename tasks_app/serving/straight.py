"""The straight way from one read to one write: what `lane.py` answers, and is whole in one read, without ASGI in between.

For each request ASGI has a task of the loop, an event, two messages and a look through all headers that are sent. A launch costs less than
that. Whatever is not answered here goes the way it went before, from its beginning; one request of each read is looked at, so that who
sends many at once waits for his turn as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from http import HTTPStatus
from typing import Any, cast

from channels.routing import ProtocolTypeRouter
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tasks_app import lane
from tasks_app.api.http import Said
from tasks_app.auth.books import turn_of_books
from tasks_app.bodies import limit_of
from tasks_app.middleware import bare_headers
from tasks_app.serving.connections import BoundedHttp

App = Callable[..., Any]
_JSON = b"content-type: application/json\r\n"


def protocol_for(application: Any) -> type[BoundedHttp]:
    """What serves this application: where anything stands in front of our handler, or of its short way, each request goes through it."""
    http = application.application_mapping.get("http") if type(application) is ProtocolTypeRouter else None
    return StraightHttp if getattr(http, "has_lane", False) else BoundedHttp


class StraightHttp(BoundedHttp):
    """Holds the first request of a read until the read is over, and answers it then if it is whole and plain."""

    _may_hold = False
    _held: RequestResponseCycle | None = None

    def data_received(self, data: bytes) -> None:
        """What was held is answered once all is parsed, and not in the parser, which would take an error for one in the request."""
        self._may_hold = True
        super().data_received(data)
        self._may_hold = False
        if self._held is not None:
            cycle, self._held = self._held, None
            self._answer(cycle)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: App) -> None:
        if self._may_hold and not (self.flow.write_paused or cycle.waiting_for_100_continue) and lane.way_of(_scope(cycle)):
            self._may_hold = False
            self._held = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def _wait_for_reader(self) -> None:
        if self._held is None:
            super()._wait_for_reader()

    def _answer(self, cycle: RequestResponseCycle) -> None:
        if cycle.more_body or self.transport.is_closing() or (cycle.body and len(cycle.body) > limit_of(cycle.scope["path"])):
            self._go_long(cycle)
            return
        try:
            found = lane.begun(_scope(cycle), cycle.body)
        except Exception as error:
            self._leave_to_django(cycle, error)
            return
        if isinstance(found, Said):
            self._send(cycle, found)
        elif found is None:
            self._leave_to_django(cycle, None)
        else:
            self._see_safe(cycle, found)

    def _go_long(self, cycle: RequestResponseCycle) -> None:
        super()._start_asgi_task(cycle, self.app)
        if cycle.more_body:
            self._wait_for_reader()

    def _leave_to_django(self, cycle: RequestResponseCycle, error: Exception | None) -> None:
        _scope(cycle)[lane.TRIED] = error
        super()._start_asgi_task(cycle, self.app)

    def _see_safe(self, cycle: RequestResponseCycle, made: lane.Made) -> None:
        """Where it takes a while until a launch is safe, or in the books, somebody waits for it."""
        if not lane.is_safe():
            super()._start_asgi_task(cycle, partial(_once_kept, made))
        elif made.entry is None:
            self._send(cycle, made.said)
        else:
            turn_of_books().enter(made.entry, partial(self._written, cycle, made.said))

    def _written(self, cycle: RequestResponseCycle, said: Said, failed: Exception | None) -> None:
        if failed is not None:
            self._leave_to_django(cycle, failed)
        elif not self.transport.is_closing():
            self._send(cycle, said)

    def _send(self, cycle: RequestResponseCycle, said: Said) -> None:
        """As uvicorn would, in one write; what it checks of headers holds for those that are made here."""
        cycle.response_started = cycle.response_complete = True
        cycle.body = bytearray()
        self.transport.write(_head(said, self.server_state.default_headers, keep_alive=cycle.keep_alive) + said.content)
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


def _scope(cycle: RequestResponseCycle) -> lane.Scope:
    """As ours are typed."""
    return cast(lane.Scope, cycle.scope)


async def _once_kept(made: lane.Made, scope: lane.Scope, receive: Any, send: Any) -> None:
    """An application that answers one request, whatever becomes of its launch."""
    await lane.send(await lane.kept(made), send)


def _head(said: Said, default: Iterable[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    own = "".join(f"{name.lower()}: {value}\r\n" for name, value in said.headers.items()).encode()
    parts = [_status_line(said.status), *(b"%b: %b\r\n" % pair for pair in default), own]
    if "Content-Type" not in said.headers:
        parts.append(_JSON)
    parts += (b"content-length: %d\r\n" % len(said.content), _same_for_all(), b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
    return b"".join(parts)


@cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


@cache
def _same_for_all() -> bytes:
    return "".join(f"{name.lower()}: {value}\r\n" for name, value in bare_headers().items()).encode()
