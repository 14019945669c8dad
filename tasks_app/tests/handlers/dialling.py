"""Tasks that dial, how a refusal looks, and a server that redirects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.registry import TaskType
from tasks_app.handlers.http_check import http_check
from tasks_app.handlers.ping import ping
from tasks_app.tests.handlers.conftest import Serve
from tasks_app.tests.handlers.running import Attempt, execute

WORDS = "Tasks may not dial this address"


def in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def ping_of(host: str, port: int = 80) -> tuple[TaskType, dict[str, object]]:
    return ping, {"address": host, "port": port, "count": 3, "interval": 0.01, "timeout": 10, "fail_if_unreachable": False}


def check_of(url: str) -> tuple[TaskType, dict[str, object]]:
    return http_check, {"url": url, "timeout": 30, "follow_redirects": True}


async def blocked(asked: tuple[TaskType, dict[str, object]]) -> Attempt:
    """Run it; it must have been refused, at once, for good, in the words for all."""
    ran = await execute(*asked)
    assert (ran.kind, ran.message) == ("blocked_address", WORDS), asked
    assert ran.outcome is not None
    assert not ran.outcome.retry
    assert ran.outcome.result is None
    return ran


@asynccontextmanager
async def redirecting(serve: Serve) -> AsyncIterator[tuple[URL, list[str]]]:
    """A server that redirects each request to the next of the goals: its URL, and the goals."""
    goals: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        goal = goals.pop(0) if goals else "/again"
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + goal.encode() + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    yield URL(f"http://127.0.0.1:{await serve(handle)}/"), goals


def launchable(asked: tuple[TaskType, dict[str, object]]) -> bool:
    try:
        Attempt(*asked)
    except InvalidParams:
        return False
    return True
