"""Asks a server exactly what is written, byte for byte, and compares what it says with what was recorded."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tasks_app.tests.processes import PATIENCE, started

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
SHORT = {
    "IOTASK_PING_ADDRESS": "127.0.0.1",
    "IOTASK_PING_COUNT": "3",
    "IOTASK_PING_INTERVAL": "0.05",
    "IOTASK_PING_TIMEOUT": "10",
    "IOTASK_REPORT_PAUSE": "0.2",
    "IOTASK_JOB_SECONDS": "0.05",
    "IOTASK_GRACE_SECONDS": "0.5",
}


@dataclass(frozen=True)
class Answer:
    """What came back. A header that was not sent is None."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return self.headers.get(name)


class Talk:
    """One client of one server; each request has a connection of its own."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        self.url = url
        self.folder = folder  # where the server has its files, downloads and logs
        parts = urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)

    def ask(self, request: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send `METHOD target` as it stands. A body brings its Content-Length; nothing but Host is added beside."""
        method, _, target = request.partition(" ")
        length = {} if body is None else {"Content-Length": str(len(body))}
        lines = {"Host": f"localhost:{self.port}", "Connection": "close", **length, **(headers or {})}
        head = "".join([f"{method} {target} HTTP/1.1\r\n", *(f"{name}: {value}\r\n" for name, value in lines.items()), "\r\n"])
        return self.send(head.encode("latin-1") + (body or b""), method)

    def send(self, raw: bytes, method: str = "GET") -> Answer:
        """Send these bytes; `method` says whether the answer may have a body."""
        with socket.create_connection((self.host, self.port), timeout=PATIENCE) as connection:
            connection.sendall(raw)
            with HTTPResponse(connection, method=method) as response:
                response.begin()
                return Answer(response.status, response.msg, response.read())

    @contextmanager
    def paused(self, type_name: str) -> Iterator[None]:
        """No task of this type begins meanwhile."""
        try:
            assert self._queue(type_name, b'{"paused":true}').json["paused"]
            yield
        finally:
            self._queue(type_name, b'{"paused":false}')

    def _queue(self, type_name: str, change: bytes) -> Answer:
        return self.ask(f"PATCH /api/v2/queues/{type_name}", change, {"Content-Type": JSON})

    def until(self, request: str, holds: Callable[[Answer], bool], seconds: float = PATIENCE) -> Answer:
        """Ask again and again until the answer is the awaited one; that answer."""
        end = time.monotonic() + seconds
        while not holds(answer := self.ask(request)):
            assert time.monotonic() < end, f"{request}: not within {seconds} s, last {answer.status} {answer.body!r}"
            time.sleep(0.01)
        return answer


@dataclass(frozen=True)
class Exchange:
    """A request and the answer it must get. `body`: the exact bytes, or a pattern for all of them. In `headers`, None: not sent."""

    request: str
    status: int
    body: bytes | re.Pattern[bytes]
    headers: Mapping[str, str | None] = field(default_factory=dict)
    sent: bytes | None = None
    with_headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.request} {(self.sent or b'')[:40]!r}"

    def held(self, talk: Talk) -> Answer:
        """Hold the conversation; the answer, which is as recorded."""
        answer = talk.ask(self.request, self.sent, self.with_headers)
        as_recorded = self.body.fullmatch(answer.body) if isinstance(self.body, re.Pattern) else self.body == answer.body
        assert answer.status == self.status, (str(self), answer.status, answer.body)
        assert as_recorded, (str(self), answer.body, self.body)
        assert {name: answer.header(name) for name in self.headers} == dict(self.headers), str(self)
        return answer


def line(request: str, status: int, words: str, *, allow: str | None = None, sent: bytes | None = None) -> Exchange:
    """An exchange that ends in one line of text."""
    headers = {"Content-Type": TEXT, "X-Content-Type-Options": "nosniff", "Allow": allow}
    return Exchange(request, status, f"{words}\n".encode(), headers, sent)


def names(exchanges: Sequence[Exchange]) -> list[str]:
    """What pytest is to call them."""
    return [str(exchange).encode("ascii", "replace").decode() for exchange in exchanges]


@contextmanager
def speaking(folder: Path, *arguments: str, **settings: str) -> Iterator[Talk]:
    """A real `manage.py serve` with short settings; at the end it must go in order, with exit code 0 and no child left."""
    places = {name: str(folder / name.lower().removesuffix("_dir")) for name in ("FILES_DIR", "LOG_DIR", "DOWNLOAD_DIR")}
    with started(folder / "output", "manage.py", "serve", "-p", "0", *arguments, **{**SHORT, **places, **settings}) as process:
        talk = Talk(process.url, folder)
        talk.until("GET /healthz", lambda answer: answer.status == 200)
        yield talk
        assert process.stop() == 0, process.said
        assert "Traceback" not in process.said, process.said
