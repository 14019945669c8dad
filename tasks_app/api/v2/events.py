"""Server-Sent Events: what changes, a few times a second, resumable. A slow reader gets fewer, newer events."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Protocol

import msgspec
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from tasks_app import runtime
from tasks_app.api.http import query_of
from tasks_app.api.problems import Problem
from tasks_app.api.v2.common import STATUS, TYPE
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.wire import task_json
from tasks_app.auth import access
from tasks_app.auth.asking import principal_of
from tasks_app.auth.principal import Principal, Via
from tasks_app.engine.query import Query, parse_query
from tasks_app.runtime import Runtime

router = Router(tags=["Server"])
TICK = 0.25
HEARTBEAT = 15.0
MOST = 500  # tasks in one piece: what is left follows when the reader has taken it
MAX_STREAMS = 500
_EVENT_ID = re.compile(r"([0-9a-f]{8}):([0-9]{1,15})")
_LAST = parameter("Last-Event-ID", {"type": "string", "maxLength": 64}, "Go on behind this event.", where="header")
_encode = msgspec.json.Encoder().encode
_open: set[object] = set()


@router.get(
    "/events",
    operation_id="events",
    summary="Follow changes",
    **described(answers={200: "string"}, problems=(503,), parameters=[STATUS, TYPE, _LAST], media="text/event-stream"),
)
async def events(request: HttpRequest) -> StreamingHttpResponse:
    """A stream of Server-Sent Events. `task`: a task as it is now, sent once for all its changes since the tick before (250 ms).
    `deleted`: its id. `ready`: the stream begins here. `reset`: what happened since `Last-Event-ID` cannot be told; list the tasks anew.
    With a filter, only tasks that match at that moment are sent; `deleted` is sent for every task."""
    _, many = query_of(request, many=("status", "type"))
    query = parse_query(statuses=many["status"], types=many["type"])
    if len(_open) >= MAX_STREAMS:
        raise Problem(503, "too_many_streams", f"{MAX_STREAMS} streams are open already.", headers={"Retry-After": "10"})
    now = runtime.get()
    stream = Stream(now, query, request.META.get("HTTP_LAST_EVENT_ID"))
    return StreamingHttpResponse(while_let_in(stream, principal_of(request)), content_type="text/event-stream")


class Ending(Protocol):
    """A stream that can be told to end."""

    def end(self, again: bool) -> None:
        """Send nothing more: whoever reads is not let in any more, or has to ask anew."""

    def parts(self) -> AsyncGenerator[bytes]:
        """Its pieces."""


async def while_let_in(stream: Ending, principal: Principal | None) -> AsyncIterator[bytes]:
    """The parts of a stream, as long as whoever asked for it is let in."""
    watches = access.get().watches
    watch = None if principal is None or principal.via is Via.OPEN else watches.add(principal, stream.end)
    try:
        async with aclosing(stream.parts()) as parts:
            async for part in parts:
                yield part
    finally:
        if watch is not None:
            watches.remove(watch)


class Stream:
    """One reader's place in what happens. It holds a version, never a queue: what it missed is asked for when it is ready to read."""

    def __init__(self, now: Runtime, query: Query, last: str | None) -> None:
        self._over = False
        self._now = now
        self._query = query
        known = _EVENT_ID.fullmatch(last) if last else None
        self._resumed = bool(known and known[1] == now.epoch and now.store.changed_since(int(known[2])) is not None)
        self._begin = "ready" if last is None or self._resumed else "reset"
        self._seen = int(known[2]) if known and self._resumed else now.store.version

    def end(self, again: bool) -> None:
        """Send nothing more: whoever reads is not let in any more, or has to ask anew."""
        self._over = True

    async def parts(self) -> AsyncGenerator[bytes]:
        """Pieces of the stream, until the server has stopped or the reader goes."""
        _open.add(self)
        try:
            yield b"retry: 1000\n\n" + self._event(self._begin, self._seen, {"version": self._seen, "epoch": self._now.epoch})
            said = time.monotonic()
            while not (self._over or self._now.engine.drained):
                part = self._next()
                if part:
                    yield part
                elif time.monotonic() - said > HEARTBEAT:
                    part = b": still here\n\n"
                    yield part
                said = time.monotonic() if part else said
                await asyncio.sleep(TICK)
        finally:
            _open.discard(self)

    def _next(self) -> bytes:
        """What changed since the last piece, newest state of each task; empty when nothing did."""
        store = self._now.store
        if store.version == self._seen:
            return b""
        changes = store.changed_since(self._seen)
        if changes is None:
            self._seen = store.version
            return self._event("reset", self._seen, {"version": self._seen, "epoch": self._now.epoch})
        part = b"".join(self._change(version, task_id) for version, task_id in changes[:MOST])
        if changes:
            self._seen = changes[:MOST][-1][0]
        return part

    def _change(self, version: int, task_id: str) -> bytes:
        task = self._now.store.find(task_id)
        if task is None:
            return self._event("deleted", version, {"id": task_id, "version": version})
        return self._event("task", version, task_json(task, self._now)) if self._query.matches(task) else b""

    def _event(self, name: str, version: int, data: object) -> bytes:
        return b"id: %s:%d\nevent: %s\ndata: %s\n\n" % (self._now.epoch.encode(), version, name.encode(), _encode(data))
