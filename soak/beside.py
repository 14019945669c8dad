"""Something is done to a server beside another client, who asks for a small page 100 times a second: what it costs the two of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from soak.figures import Figure, in_mib, in_ms, quantile
from soak.server import Peak, Server, Visitor

LEAST = 0.05  # seconds that an answer may take however short it was before: all share the same few cores here
MEMORY = 32 * 2**20


async def base(server: Server, seconds: float = 1.0) -> float:
    """The other client's p99 while nothing is done."""
    async with Visitor(server) as visitor:
        await asyncio.sleep(seconds)
    return quantile(visitor.took, 0.99)


async def beside(server: Server, words: str, act: Callable[[], Awaitable[None]]) -> list[Figure]:
    """Memory, and the answers that the other client gets: they may take twice as long as just before."""
    before = await base(server)
    async with Peak(server) as peak, Visitor(server) as visitor:
        await act()
    slow, most = quantile(visitor.took, 0.99), max(2 * before, LEAST)
    return [
        Figure(f"{words}: memory", f"+{in_mib(MEMORY)}", f"+{in_mib(peak.more)}", peak.more <= MEMORY, timed=True),
        Figure(f"{words}: another client's p99", in_ms(most), in_ms(slow), slow <= most, timed=True),
        Figure(f"{words}: another client's failed requests", "0", str(visitor.failed), visitor.failed == 0),
    ]
