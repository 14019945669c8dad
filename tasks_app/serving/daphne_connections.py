"""What one client may do with a connection of `runserver`: Daphne's own classes, with the bounds and close codes of `serve`."""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from tasks_app.conf import get_config


class Gate:
    """A producer to Twisted: closed while what was sent before has not been taken. Daphne itself sends on, into memory."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's names
        """The reader is behind."""
        self.open.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """The reader has caught up."""
        self.open.set()

    def stopProducing(self) -> None:  # noqa: N802
        """The reader is gone: nobody is waited for."""
        self.open.set()


class BoundedRequest(WebRequest):  # type: ignore[misc] # Daphne tells no types
    """Daphne stores a body of any size before anybody is asked about it, and an answer for as long as nobody takes it."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.gate = Gate()
        super().__init__(*args, **more)

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Keep one byte past the limit, for the answer that says so."""
        room = get_config().max_bulk_body + 1 - self.content.tell()
        super().handleContentChunk(data[: max(0, room)])

    def handle_reply(self, message: dict[str, Any]) -> None:
        """From the first word of an answer on, the gate is asked."""
        if message["type"] == "http.response.start" and self.producer is None and self.channel is not None and not self.finished:
            self.registerProducer(self.gate, streaming=True)
        super().handle_reply(message)

    def finish(self) -> None:
        """The answer is whole; the next request on this connection has a gate of its own."""
        if self.producer is not None:
            self.unregisterProducer()
        super().finish()

    async def taken(self) -> None:
        """Wait until there is room for more."""
        await self.gate.open.wait()


class Connections(HTTPFactory):  # type: ignore[misc]
    """Makes such requests."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """One connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = BoundedRequest
        return protocol


class Socket(WebSocketProtocol):  # type: ignore[misc]
    """Autobahn lets an application close with codes of its own alone; 1003 and 1008 say what was wrong."""

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
        """Close with any code."""
        self.sendCloseFrame(code=1000 if code is None else code)

    def sendMessage(self, *args: Any, **more: Any) -> None:  # noqa: N802 - Autobahn's name
        """Of any length: Autobahn has one bound for what comes and for what goes, and only what comes is to be bounded."""
        bound: int = self.factory.maxMessagePayloadSize
        self.maxMessagePayloadSize = 0
        try:
            super().sendMessage(*args, **more)
        finally:
            self.maxMessagePayloadSize = bound


class Sockets(WebSocketFactory):  # type: ignore[misc]
    """Makes such sockets."""

    protocol = Socket
