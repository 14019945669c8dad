"""How tests close a server of asyncio's."""

from __future__ import annotations

import asyncio


async def close(server: asyncio.Server) -> None:
    """Let in who was just accepted, then close. Of a connection accepted in the turn in which its server is closed asyncio makes a
    transport that no protocol hears of and nobody closes."""
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    await asyncio.sleep(0)  # those under way come to be transports of the server, which may close after that
    server.close()
