"""A client that costs little: one connection that is kept, one request at a time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

GONE = (OSError, asyncio.IncompleteReadError)  # what a request raises when the server went away in the middle of it


@dataclass(frozen=True)
class Answer:
    """A status, headers by lower-case name, and the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)

    @property
    def good(self) -> bool:
        """Whether what was asked for is done."""
        return 200 <= self.status < 300


class Client:
    """Asks a server on this machine. Use as an asynchronous context, or call `close`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request, with JSON where there is a body, and wait for the answer. Raises one of GONE. A server may close a connection
        that was idle, just as a request is on its way: what only reads is asked once more, on a new one."""
        used = self._writer is not None
        try:
            return await self._ask(request(self._port, method, path, body))
        except GONE:
            if method != "GET" or not used:
                raise
            return await self._ask(request(self._port, method, path, body))

    async def _ask(self, asked: bytes) -> Answer:
        if self._reader is not None and self._reader.at_eof():
            self.close()
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            self._writer.write(asked)
            return await _read(self._reader)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection; a next request makes a new one."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def request(port: int, method: str, path: str, body: Any = None) -> bytes:
    """A request as it goes over the wire."""
    content = b"" if body is None else json.dumps(body).encode()
    kind = "" if body is None else "Content-Type: application/json\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{kind}Content-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Answer(int(first.split(" ")[1]), headers, body)


async def metrics(client: Client) -> dict[str, float]:
    """The server's figures, by name with labels."""
    text = (await client.ask("GET", "/metrics")).body.decode()
    found = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


async def launched(client: Client, type_name: str, *, asked: Mapping[str, Any] | None = None, **params: Any) -> str:
    """Launch a task; its id. `asked` are further fields of the launch."""
    answer = await client.ask("POST", "/api/v2/tasks", {"type": type_name, "params": params, **(asked or {})})
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 60, every: float = 0.05) -> float:
    """Return as soon as it holds, with the seconds that took; raises AssertionError when time is up."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < seconds, f"it did not come about within {seconds:g} s"
        await asyncio.sleep(every)
    return time.monotonic() - began


async def every(client: Client, path: str, most: int | None = None) -> list[Any]:
    """Tasks of a list of the native API, newest first, page by page; all, or a few more than `most`."""
    found: list[Any] = []
    cursor = ""
    while most is None or len(found) < most:
        page = (await client.ask("GET", f"{path}?limit=200{cursor}")).json
        found += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    return found
