"""A real server on loopback that takes webhooks, and answers each as a test tells it to, with the last answer for all that follow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

Answer = int | str | tuple[int, dict[str, str]]
HANG, DRIP, HUGE, CLOSE = "hang", "drip", "huge", "close"


class Receiver:
    """What came, in order, as (headers, body); `answers` are used up from the front."""

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self.answers = list(answers)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.most_at_once = self.now = 0
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        try:
            self.got.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            return await self._answer(request, answer)
        finally:
            self.now -= 1

    async def _answer(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if isinstance(answer, tuple):
            return web.Response(status=answer[0], headers=answer[1])
        if isinstance(answer, int):
            return web.Response(status=answer, headers={"Location": f"{self.url}elsewhere"} if 300 <= answer < 400 else {})
        assert request.transport is not None
        if answer == HANG:
            await asyncio.sleep(600)
        elif answer == CLOSE:
            request.transport.abort()
        elif answer == DRIP:  # a head that never ends
            for letter in "HTTP/1.1 200 OK\r\nX-Slow: " + 2000 * "a":
                request.transport.write(letter.encode())
                await asyncio.sleep(0.05)
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        for _ in range(100_000 if answer == HUGE else 0):
            await response.write(10_000 * b"a")
        return response


@asynccontextmanager
async def receiver(*answers: Answer) -> AsyncIterator[Receiver]:
    """One that runs meanwhile."""
    found = Receiver(answers or (204,))
    application = web.Application()
    application.router.add_route("*", "/{any:.*}", found.take)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?key=sesame"
    try:
        yield found
    finally:
        await runner.cleanup()
