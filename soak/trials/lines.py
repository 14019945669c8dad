"""Bad lines: server and worker far from their broker, and a live page far from the server. Nothing that was accepted is lost, pages over a
good line are as quick as ever, and the far page goes on."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from soak import handlers
from soak.client import Client
from soak.figures import Figure, in_ms, quantile
from soak.page import Page
from soak.server import Server, Visitor, serving
from tasks_app.tests.celery.line import Line, line
from tasks_app.tests.celery.site import broker, worker

PATIENCE = 240.0  # seconds
SLOTS = 50
QUICK_PAGE = 0.05  # seconds, or twice what it usually takes


@dataclass(frozen=True)
class Bad:
    """What is the matter with a line: all the time, or what happens to it while tasks run."""

    words: str
    delay: float = 0.0
    rate: int = 0
    loss: float = 0.0
    happens: Callable[[Line], object] = lambda line: None
    noticed: bool = True  # by whoever only listens: a browser has a clock for that, the page of a trial has none


ALL = (
    Bad("500 ms late", delay=0.25),
    Bad("10 KB a second", rate=10_000),
    Bad("one piece in twenty lost", loss=0.05),
    Bad("reset", happens=Line.reset),
    Bad("closed by half", happens=Line.close_by_half),
    Bad("forgotten by a router", happens=Line.forget, noticed=False),
)
SHORT = (ALL[2], ALL[4])


@dataclass(frozen=True)
class Place:
    """Where all of it happens: the server, the lines before its broker and before itself, and the folder of notes."""

    server: Server
    behind: Line
    before: Line
    folder: Path


@dataclass(frozen=True)
class Address:
    """Of a server over a line."""

    url: str


async def run(full: bool, folder: Path) -> list[Figure]:
    """All that can be the matter with a line, one after the other, or two."""
    count, seconds = (50, 5.0) if full else (5, 1.0)
    with ExitStack() as stack:
        behind = stack.enter_context(line(stack.enter_context(broker(folder)).port))
        url = f"redis://127.0.0.1:{behind.port}/0"
        stack.enter_context(worker(url, folder, "far", "threads", SLOTS, handlers.MODULE))
        server = stack.enter_context(serving(folder / "server", IOTASK_EXECUTOR="celery", IOTASK_BROKER_URL=url))
        before = stack.enter_context(line(server.port))
        place = Place(server, behind, before, folder)
        usual = await _usual(server, 3.0 if full else 0.5)
        return [figure for bad in (ALL if full else SHORT) for figure in await _under(bad, place, count, seconds, usual)]


async def _usual(server: Server, seconds: float) -> float:
    """What a page takes while all lines are good; seconds."""
    async with Visitor(server, "/") as visitor:
        await asyncio.sleep(seconds)
    return quantile(visitor.fair, 0.99)


async def _under(bad: Bad, place: Place, count: int, seconds: float, usual: float) -> list[Figure]:
    async with Page(Address(f"http://127.0.0.1:{place.before.port}")) as page, Client(place.server.port) as client:
        await _until(lambda: page.frames > 0)
        for one in (place.behind, place.before):
            one.delay, one.rate, one.loss = bad.delay, bad.rate, bad.loss
        notes = place.folder / bad.words.replace(" ", "-")
        async with Visitor(place.server, "/", 0.1) as visitor:
            accepted = await _launch(client, count, seconds, notes)
            await _until(lambda: bool(handlers.noted_lines(notes, "began")))
            frames = _happened(bad, place, page)
            settled = await _settled(place.server, accepted)
            shown = not bad.noticed or await _until(lambda: page.frames > frames)
    for one in (place.behind, place.before):
        one.delay, one.rate, one.loss = 0.0, 0, 0.0
    return _figures(bad, accepted, settled, visitor, usual, shown)


def _happened(bad: Bad, place: Place, page: Page) -> int:
    """Let it happen; the frames that the far page had until then."""
    frames = page.frames
    bad.happens(place.behind)
    if bad.noticed:
        bad.happens(place.before)
    return frames


def _figures(bad: Bad, accepted: Sequence[str], settled: Counter[str], visitor: Visitor, usual: float, shown: bool) -> list[Figure]:
    lost, doubled = [task for task in accepted if not settled[task]], [task for task in accepted if settled[task] > 1]
    slow, most = quantile(visitor.fair, 0.99), max(QUICK_PAGE, 2 * usual)
    told = [
        Figure(f"{bad.words}: lost, of {len(accepted)} accepted", "0", f"{len(lost)}", not lost),
        Figure(f"{bad.words}: settled twice", "0", f"{len(doubled)}", not doubled),
        Figure(f"{bad.words}: p99 of a page over a good line, of {len(visitor.fair)}", in_ms(most), in_ms(slow), slow <= most, timed=True),
        Figure(f"{bad.words}: pages over a good line that failed", "0", f"{visitor.failed}", not visitor.failed),
    ]
    if bad.noticed:
        told.append(Figure(f"{bad.words}: a live page over such a line goes on", "yes", "yes" if shown else "no", shown))
    return told


async def _launch(client: Client, count: int, seconds: float, notes: Path) -> list[str]:
    task = {"type": "stepped", "params": {"file": str(notes), "seconds": seconds, "steps": 10}}
    answer = await client.ask("POST", "/api/v2/tasks/bulk", {"tasks": [task] * count})
    return list(answer.json["ids"])


async def _settled(server: Server, accepted: Sequence[str]) -> Counter[str]:
    """How often each of them ended, by the server's log, once all have or patience ends, and a moment later."""

    def settled() -> Counter[str]:
        return Counter(str(told.get("task")) for told in server.process.log if told["event"] == "task_completed")

    await _until(lambda: set(accepted) <= set(settled()))
    await asyncio.sleep(1.0)
    return settled()


async def _until(holds: Callable[[], bool]) -> bool:
    """Whether it came to hold in time: figures tell."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.1)
    return True
