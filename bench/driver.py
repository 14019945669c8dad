"""What stands in where wrk is not installed: `python -m bench.driver` reads a load as JSON from stdin and prints answers a second."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from bench.load import CONNECTIONS


class Asker(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is in. `wrong` is the first line of an answer that was no
    2xx, or says that the server hung up."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._kept = b""
        self._over = False
        self.answers = 0
        self.wrong = ""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """An answer, or a part of one."""
        self._kept += data
        head, end, rest = self._kept.partition(b"\r\n\r\n")
        if not end or len(rest) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 2"):
            self.wrong = head.split(b"\r\n")[0].decode("latin-1")
        self._kept = rest[_length(head) :]
        self.answers += 1
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Over, before it was to be."""
        if not self._over:
            self.wrong = self.wrong or "the server hung up"

    def stop(self) -> None:
        """Leave without a word."""
        self._over = True
        self._transport.abort()


def request_of(given: dict[str, Any]) -> bytes:
    """A load as it goes over the wire."""
    where = urlsplit(given["url"])
    body = str(given["body"]).encode()
    target = f"{where.path or '/'}{'?' if where.query else ''}{where.query}"
    headers = {"Host": where.netloc, **given["headers"], "Content-Length": len(body)}
    lines = [f"{given['method']} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def drive(given: dict[str, Any]) -> float:
    """Answers a second to that load. Raises RuntimeError for an answer that was no 2xx."""
    where, request = urlsplit(given["url"]), request_of(given)
    loop = asyncio.get_running_loop()
    askers = [(await loop.create_connection(lambda: Asker(request), where.hostname, where.port))[1] for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    await asyncio.sleep(given["seconds"])
    took, answers = time.perf_counter() - began, sum(asker.answers for asker in askers)
    for asker in askers:
        asker.stop()
    if wrong := next((asker.wrong for asker in askers if asker.wrong), ""):
        raise RuntimeError(wrong)
    return answers / took


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


if __name__ == "__main__":
    print(asyncio.run(drive(json.load(sys.stdin))))
