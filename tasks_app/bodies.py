"""Reads request bodies as they arrive: never more than their limit, never longer than their time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tasks_app.api.dialects.urls import dialect_of
from tasks_app.conf import get_config
from tasks_app.engine.sentences import say
from tasks_app.middleware import Refused

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

BULK_PATHS = frozenset({"/api/v2/tasks/bulk", "/api/v2/actions"})
BODY_SECONDS = 30.0  # for a whole body: one that drips in is not waited for
REST_BYTES = 8 * 1024 * 1024  # of a refused body that are read and thrown away, so that its sender gets to read why
REST_SECONDS = 1.0
REST = "iotask.rest"  # in a scope: its Rest, where the server can throw it away itself


class Rest:
    """The rest of the body of one request, for whoever reads it from a connection: once nobody wants it, it need not be handed on."""

    __slots__ = ("is_unwanted", "thrown_away")

    def __init__(self) -> None:
        self.is_unwanted = False
        self.thrown_away = 0  # bytes

    @property
    def is_too_long(self) -> bool:
        """Whether its sender had his chance to come to its end."""
        return self.thrown_away > REST_BYTES


class Share:
    """What one request holds of the room for large bodies. All requests together hold at most as much as one of the largest: before a
    body is here nobody has asked who sends it."""

    held = 0  # bytes, of all

    def __init__(self) -> None:
        self._own = 0

    def take(self, size: int) -> None:
        """Hold so many bytes in all. Raises Refused where there is no room for them."""
        config = get_config()
        if size > config.max_body:
            if Share.held + size - self._own > max(config.max_bulk_body, config.max_dialect_body):
                raise Refused(503, "too_many_bodies", say("Too many large requests at once: try again in a moment."), {"Retry-After": "1"})
            Share.held += size - self._own
            self._own = size

    def give_back(self) -> None:
        """The request is answered."""
        Share.held -= self._own
        self._own = 0


class Gone(Exception):
    """The client left before its request was here."""


async def read_body(scope: Scope, receive: Receive, share: Share) -> bytes | bytearray:
    """The whole body. Raises Refused, before the first byte is read where its length is announced, and Gone."""
    limit = limit_of(scope["path"])
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not announced.isdigit() or len(announced) > 15 or int(announced) > limit:
        raise _too_large(limit)
    comes = int(announced) or scope["method"] not in ("GET", "HEAD") or any(name == b"transfer-encoding" for name, _ in scope["headers"])
    message = await (_in_time(receive()) if comes else receive())  # what has no body is here: a timer would cost more than it
    if message["type"] == "http.disconnect":
        raise Gone
    if message.get("more_body"):
        begun = _kept(message, limit)
        del message  # of what it brought only that is held
        rest: bytearray = await _in_time(_rest_of(begun, limit, receive, share))
        return rest
    body: bytes = message.get("body", b"")
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def read_rest(scope: Scope, receive: Receive) -> None:
    """Let a sender come to its end, for a moment: a connection that is closed on it would take our answer along."""
    if (rest := scope.get(REST)) is not None:
        rest.is_unwanted = True
    try:
        async with asyncio.timeout(REST_SECONDS):
            read, more = 0, True
            while more and read < REST_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                more = message.get("more_body", False)
                del message  # while the next one comes this one is not held
            if more:  # it is held up, not cut off: whoever sends without end finds our answer when he looks
                await asyncio.sleep(REST_SECONDS)
    except TimeoutError:
        return


async def _rest_of(body: bytearray, limit: int, receive: Receive, share: Share) -> bytearray:
    more = True
    while more and len(body) <= limit:
        try:
            share.take(len(body))
        except Refused:
            body.clear()
            share.give_back()
            raise
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += _kept(message, limit - len(body))
        more = message.get("more_body", False)
        del message  # while the next one comes this one is not held
    if len(body) > limit:
        body.clear()  # its sender may take a while to come to his end, and the refusal remembers where it was raised
        raise _too_large(limit)
    return body


def _kept(message: Mapping[str, Any], most: int) -> bytearray:
    """What a message brings, up to one byte past as much as there may be: that says enough."""
    return bytearray(memoryview(message.get("body", b""))[: most + 1])


async def _in_time(work: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await work
    except TimeoutError:
        raise Refused(408, "too_slow", say("The request did not arrive within {seconds:g} seconds.", seconds=BODY_SECONDS)) from None


def limit_of(path: str) -> int:
    """How many bytes a body may have there."""
    config = get_config()
    if path in BULK_PATHS:
        return config.max_bulk_body
    return config.max_body if dialect_of(path) is None else config.max_dialect_body


def _too_large(limit: int) -> Refused:
    return Refused(413, "body_too_large", say("At most {most:,} bytes are accepted here.", most=limit))
