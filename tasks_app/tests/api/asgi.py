"""One HTTP exchange with an ASGI application, piece by piece: for streams, slow bodies and clients that leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self


class Exchange:
    """Sends a request in pieces and reads the answer as it comes. `async with` ends it the way a client does that leaves."""

    def __init__(
        self, application: Any, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = b""
    ) -> None:
        path, _, query = target.partition("?")
        given = {"host": "localhost", **{name.lower(): value for name, value in (headers or {}).items()}}
        if body:
            given.setdefault("content-length", str(len(body)))
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value is not None],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
        }
        self._application = application
        self._to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = 0  # how often the server asked for more of the request, until it began to answer
        self.whole = False  # whether the last piece was the end of the answer
        self._answered = False
        self.room = asyncio.Event()  # cleared: the client does not read, and the server's send waits
        self.room.set()
        self.waits = False  # whether the server waits for the client to read
        if body is not None:
            self.give(body, more=False)

    def give(self, body: bytes, *, more: bool) -> None:
        """Send a piece of the body."""
        self._to_server.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        """Close the connection."""
        self._to_server.put_nowait({"type": "http.disconnect"})

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self._application(self.scope, self._receive, self._send))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.leave()
        self.room.set()
        async with asyncio.timeout(60):
            await self.task

    async def start(self) -> dict[str, Any]:
        """The answer's first message."""
        message = await asyncio.wait_for(self.from_server.get(), 60)
        assert message["type"] == "http.response.start"
        return message

    async def piece(self, seconds: float = 60.0) -> bytes:
        """The next piece of the answer's body."""
        message = await asyncio.wait_for(self.from_server.get(), seconds)
        assert message["type"] == "http.response.body"
        self.whole = not message.get("more_body", False)
        return message.get("body", b"")  # type: ignore[no-any-return]

    async def events(self, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The Server-Sent Events in the next piece."""
        return [event(block) for block in (await self.piece(seconds)).decode().split("\n\n") if "event:" in block]

    async def _receive(self) -> dict[str, Any]:
        self.reads += not self._answered
        return await self._to_server.get()

    async def _send(self, message: dict[str, Any]) -> None:
        self._answered = True
        self.waits = True
        await self.room.wait()
        self.waits = False
        self.from_server.put_nowait(message)


def event(block: str) -> dict[str, Any]:
    """One Server-Sent Event: `id`, `event` and its data as JSON values."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
    return {"id": fields["id"], "event": fields["event"], "data": json.loads(fields["data"])}
