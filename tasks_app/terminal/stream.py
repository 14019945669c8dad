"""The stream of changes: Server-Sent Events, read on over lost connections and restarts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tasks_app.terminal.exits import Ends, Exit
from tasks_app.terminal.server import Server

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds


@dataclass(frozen=True)
class Event:
    """What the stream says. `name` is ready, reset, task or deleted; `lost` is ours: nobody answers at the moment."""

    name: str
    data: Any = None
    id: str = ""


def follow(server: Server, patience: float, *, types: Iterable[str] = (), sleep: Callable[[float], None] = time.sleep) -> Generator[Event]:
    """Events for as long as somebody asks; where the server is away for longer than `patience` seconds, Ends is raised."""
    last, pause, away = "", FIRST_PAUSE, 0.0
    while True:
        try:
            for event in _events(server, tuple(types), last):
                last, pause, away = event.id or last, FIRST_PAUSE, 0.0
                yield event
        except Ends as error:
            if not error.again:
                raise
        if away >= patience:
            raise Ends(Exit.UNREACHABLE, f"{server.url} has not answered for {patience:g} s. What runs there is not touched by that.")
        yield Event("lost")
        sleep(pause)
        away, pause = away + pause, min(2 * pause, LONGEST_PAUSE)


def read_events(pieces: Iterable[bytes]) -> Iterator[Event]:
    """The events in a stream's bytes, wherever they are cut. Only a line feed ends a line: a text may hold other breaks."""
    rest, found = b"", {"event": "", "data": "", "id": ""}
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip(b"\r"):
                name, _, value = line.strip(b"\r").partition(b":")
                found[name.decode("utf-8", "replace")] = value.removeprefix(b" ").decode("utf-8", "replace")
                continue
            if found["data"]:
                yield Event(found["event"], json.loads(found["data"]), found["id"])
            found = {"event": "", "data": "", "id": ""}


def _events(server: Server, types: tuple[str, ...], last: str) -> Iterator[Event]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
    with server.stream("events", {"type": types}, headers) as pieces:
        try:
            yield from read_events(pieces)
        except ValueError:
            raise Ends(Exit.UNREACHABLE, f"What answers at {server.url} sends no stream of IoTask.") from None
