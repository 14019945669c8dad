"""A server for a trial: the real thing as a process of its own, looked at from outside."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from soak import handlers
from tasks_app.tests.processes import Started, started

STAYS = 4.5  # seconds for which a connection is surely kept on which nothing is asked


@dataclass(frozen=True)
class Sample:
    """What a process held at a moment: bytes, descriptors, threads."""

    rss: int
    descriptors: int
    threads: int


class Server:
    """A served process: `url` without a slash at the end, `port`, `pid`."""

    def __init__(self, process: Started) -> None:
        self.process = process
        self.url = process.url
        self.port = int(self.url.rpartition(":")[2])
        self.pid = process.process.pid
        self._seen = psutil.Process(self.pid)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal; after SIGKILL, wait until it is gone."""
        self.process.process.send_signal(number)
        if number is signal.SIGKILL:
            self.process.process.wait(30)

    def starved(self) -> float:
        """Seconds in which its main thread could have run and other programs had the processors, since it began; Linux alone tells."""
        return starved(self.pid)

    def connections(self) -> int:
        """How many TCP connections it has with others."""
        return sum(one.status == psutil.CONN_ESTABLISHED for one in self._seen.net_connections("tcp"))

    def sample(self) -> Sample:
        """What it holds now."""
        with self._seen.oneshot():
            return Sample(self._seen.memory_info().rss, self._seen.num_fds(), self._seen.num_threads())


def starved(pid: int) -> float:
    """The same of any process; 0.0 where nobody tells."""
    told = Path(f"/proc/{pid}/schedstat")
    return int(told.read_text("utf-8").split()[1]) / 1e9 if told.exists() else 0.0


@contextmanager
def serving(folder: Path, port: int = 0, /, **variables: str) -> Iterator[Server]:
    """`manage.py serve`, ready to answer, with these environment variables; on a free port unless one is named. Killed at the end if it
    still runs. What it says goes to said.txt of the folder."""
    with starting(folder, port, **variables) as process:
        yield Server(process)


def starting(folder: Path, port: int = 0, /, **variables: str) -> AbstractContextManager[Started]:
    """The same, but not waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    return started(folder / "said.txt", "manage.py", "serve", "-p", str(port), **{"IOTASK_HANDLERS": handlers.MODULE, **variables})


class Peak:
    """The most memory a server held while this was open, beyond what it held before; bytes."""

    def __init__(self, server: Server, every: float = 0.05) -> None:
        self._server = server
        self._every = every
        self.most = 0

    async def __aenter__(self) -> Peak:
        self._base = self._server.sample().rss
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._looking.cancel()
        self.most = max(self.most, self._server.sample().rss)

    @property
    def more(self) -> int:
        """Bytes beyond the base."""
        return max(0, self.most - self._base)

    async def _look(self) -> None:
        while True:
            self.most = max(self.most, self._server.sample().rss)
            await asyncio.sleep(self._every)


class Visitor:
    """Another client, who asks for one small page again and again on one connection; `took` are the seconds of each answer, and `fair`
    those without the ones in which the server or this client waited for a processor: what else runs there is not the server's doing.
    """

    def __init__(self, server: Server, path: str = "/healthz", pause: float = 0.01) -> None:
        self._server = server
        self._path = path
        self._pause = pause
        self.took: list[float] = []
        self.fair: list[float] = []
        self.failed = 0

    async def __aenter__(self) -> Visitor:
        self._asking = asyncio.create_task(self._ask_forever())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._asking.cancel()
        await asyncio.wait({self._asking})

    async def _ask_forever(self) -> None:
        request = f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._server.port}\r\n\r\n".encode()
        while True:
            try:
                await self._ask_on_one_connection(request)
            except _Idle:
                continue
            except (OSError, asyncio.IncompleteReadError):
                self.failed += 1
                await asyncio.sleep(self._pause)

    async def _ask_on_one_connection(self, request: bytes) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        answered = time.perf_counter()
        try:
            while True:
                waited, began = self._waited(), time.perf_counter()
                if began - answered > STAYS:
                    raise _Idle
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                answered = time.perf_counter()
                self.took.append(answered - began)
                self.fair.append(max(0.0, self.took[-1] - (self._waited() - waited)))
                await asyncio.sleep(self._pause)
        finally:
            writer.close()

    def _waited(self) -> float:
        return self._server.starved() + starved(os.getpid())


class _Idle(Exception):
    """Nothing was asked on a connection for so long that the server may have closed it: whoever asks had stood still."""


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0
