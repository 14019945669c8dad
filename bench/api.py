"""What questions ask of a server to bring it where it is to be measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from soak.server import Server

BULK = 10_000
PATIENCE = 300.0  # seconds


class Api:
    """A client of the native API. Each method raises httpx.HTTPStatusError when it is refused."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def launch(self, type_name: str, count: int, params: Mapping[str, Any] | None = None) -> None:
        """So many tasks of one kind, in bulk."""
        for begin in range(0, count, BULK):
            self.launch_all([{"type": type_name, "params": params or {}}] * min(BULK, count - begin))

    def launch_all(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """These, all or none."""
        self._client.post("/api/v2/tasks/bulk", json={"tasks": tasks}).raise_for_status()

    def total(self, *statuses: str) -> int:
        """How many tasks have one of these statuses; all where none is named."""
        answer = self._client.get("/api/v2/tasks", params={"limit": 1, "status": list(statuses)}).raise_for_status()
        return int(answer.json()["total"])

    def pause(self, type_name: str, *, paused: bool) -> None:
        """Let no more tasks of a type begin, or let them again."""
        self._client.patch(f"/api/v2/queues/{type_name}", json={"paused": paused}).raise_for_status()

    def none_left(self) -> None:
        """Wait until no task waits or runs."""
        until(lambda: not self.total("pending", "processing"))

    def all_begun(self) -> None:
        """Wait until no task waits."""
        until(lambda: not self.total("pending"))


@contextmanager
def api_of(server: Server) -> Iterator[Api]:
    """Ask a server without a login."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield Api(client)


def until(holds: Callable[[], bool], seconds: float = PATIENCE, every: float = 0.2) -> None:
    """Return as soon as it holds. Raises TimeoutError when time is up."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"it did not come about within {seconds:g} s")
        time.sleep(every)
