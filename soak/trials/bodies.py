"""Bodies that are too large are answered before they have arrived: 200 MB announced, and 200 MB in chunks."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from soak.figures import Figure, in_mib, in_ms
from soak.server import Peak, Server, serving

_ANNOUNCED = b"POST /api/v2/tasks HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nContent-Length: 200000000\r\n\r\n"
_CHUNKED = b"POST /api/v2/tasks HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"10000\r\n" + b" " * 65_536 + b"\r\n"
_CHUNKS = 3_052  # 200 MB


async def run(full: bool, folder: Path) -> list[Figure]:
    """Each of the two, and fifty at once."""
    with serving(folder) as server:
        await _send(server, _ANNOUNCED, 0)  # what is loaded with the first request is not counted
        figures = []
        for what, head, chunks in (("announced", _ANNOUNCED, 0), ("in chunks", _CHUNKED, _CHUNKS)):
            async with Peak(server) as peak:
                status, seconds = await _send(server, head, chunks)
            figures.append(Figure(f"200 MB {what}: status", "413", status, status == "413"))
            figures.append(Figure(f"200 MB {what}: answered within", "100 ms", in_ms(seconds), seconds <= 0.1, timed=True))
            figures.append(Figure(f"200 MB {what}: memory", "+8 MiB", in_mib(peak.more), peak.more <= 2**23, timed=True))
        figures += await _many(server, 50 if full else 5)
        return figures


async def _many(server: Server, count: int) -> list[Figure]:
    async with Peak(server) as peak:
        found = await asyncio.gather(*(_send(server, _CHUNKED, _CHUNKS) for _ in range(count)))
    refused = sum(status == "413" for status, _ in found)
    return [
        Figure(f"{count} at once, in chunks: refused with 413", str(count), str(refused), refused == count),
        Figure(f"{count} at once, in chunks: memory", "+16 MiB", in_mib(peak.more), peak.more <= 16 * 2**20, timed=True),
    ]


async def _send(server: Server, head: bytes, chunks: int) -> tuple[str, float]:
    """The status of the answer, and the seconds from the end of the head to it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head % server.port)
    began = time.perf_counter()
    sending = asyncio.create_task(_pour(writer, chunks))
    try:
        line = await asyncio.wait_for(reader.readline(), 30)
        return line.split(b" ")[1].decode() if line else "closed", time.perf_counter() - began
    finally:
        sending.cancel()
        writer.close()


async def _pour(writer: asyncio.StreamWriter, chunks: int) -> None:
    try:
        for _ in range(chunks):
            writer.write(_CHUNK)
            await writer.drain()
    except OSError:
        return  # it was closed on us, as it should be
