"""Addresses that no task may dial, as they are, behind a name, behind a redirect: what was dialled all the same, and what listeners got."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from unittest.mock import patch

import aiohttp

from soak.figures import Figure
from tasks_app.engine.registry import TaskType
from tasks_app.handlers import _egress, _lookups, download
from tasks_app.handlers.download import download as download_type
from tasks_app.tests.handlers.dialling import check_of, in_url, launchable, ping_of
from tasks_app.tests.handlers.names import NameServer
from tasks_app.tests.handlers.nasty import LITERALS, ODD, SCOPED
from tasks_app.tests.handlers.running import execute

Asked = tuple[TaskType, dict[str, object]]
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PORTS = (80, 443, 8080)
FEW = 12  # of the corpus, in the quick form
_dialled: list[str] = []


def _hear(event: str, given: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(given[1], tuple):
        _dialled.append(f"{given[1][0]}:{given[1][1]}")


async def run(full: bool, folder: Path) -> list[Figure]:
    """The whole corpus, by TCP and by HTTP; in the quick form a part of it."""
    _dialled.clear()
    sys.addaudithook(_hear)
    servers: list[asyncio.Server] = []

    async def serve(speak: Speak) -> int:
        servers.append(await asyncio.start_server(speak, "127.0.0.1", 0))
        return int(servers[-1].sockets[0].getsockname()[1])

    names, door, target, origin = NameServer(), _egress.Door(), Target(), Redirecting()
    await names.start(serve)
    target.port, origin.port = await serve(target.speak), await serve(origin.speak)
    resolver = partial(aiohttp.AsyncResolver, nameservers=[names.address])
    with ExitStack() as stack:
        stack.enter_context(patch.object(_egress, "door", door))
        stack.enter_context(patch.object(_lookups, "AsyncResolver", resolver))
        stack.enter_context(patch.object(download.Folder, "path", None))
        download.configure(folder)
        door.configure(f"public,127.0.0.1:{origin.port}")
        figures = await _corpus(full, names, target, origin)
    names.close()
    for server in servers:
        server.close()
    return figures


class Target:
    """Listens where nobody may dial."""

    port = 0
    accepted = 0

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count who comes."""
        self.accepted += 1
        writer.close()


class Redirecting:
    """Sends whoever asks to the goal."""

    port = 0
    goal = "/"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/"

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 302 Found\r\nLocation: {self.goal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        writer.close()


async def _corpus(full: bool, names: NameServer, target: Target, origin: Redirecting) -> list[Figure]:
    hosts = [*LITERALS, *SCOPED, *ODD]
    hosts = hosts if full else hosts[:: len(hosts) // FEW]
    tried = refused = 0
    for host in hosts:
        if host in LITERALS:
            names.tell("evil.test", [host])
        for port in (*(PORTS if full else PORTS[:1]), target.port):
            written = [ping_of(host, port), check_of(f"http://{in_url(host)}:{port}/")]
            named = [ping_of("evil.test", port), check_of(f"http://evil.test:{port}/")] if host in LITERALS else []
            for asked in filter(launchable, (*written, *named)):
                tried += 1
                refused += await _is_refused(asked)
            for goal in (f"http://{in_url(host)}:{port}/", f"http://evil.test:{port}/"):
                origin.goal = goal
                for asked in (check_of(origin.url), (download_type, {"url": origin.url, "follow_redirects": True})):
                    tried += 1
                    refused += await _is_refused(asked)
    wrong = [where for where in _dialled if where not in (f"127.0.0.1:{origin.port}", names.address)]
    return [
        Figure(
            f"{len(hosts)} addresses, {tried:,} tasks: that ended in anything but a refusal", "0", str(tried - refused), tried == refused
        ),
        Figure("sockets dialled to any of them, by an audit hook", "0", str(len(wrong)), not wrong),
        Figure("connections that listeners there got", "0", str(target.accepted), target.accepted == 0),
        Figure("sockets dialled to the server that redirects", "some", f"{len(_dialled) - len(wrong):,}", len(_dialled) > len(wrong)),
    ]


async def _is_refused(asked: Asked) -> bool:
    """Whether it failed as what may not be dialled, or as what is no address at all."""
    ran = await execute(*asked)
    return not ran.completed and ran.kind in ("blocked_address", "BadRedirect", "BadAnswer", "Unreachable")
