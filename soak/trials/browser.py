"""Three browsers look at a server: one is cut off for ten minutes, one is stopped for three as a closed laptop is, and one watches ten
tasks that report ten times a second, for twenty."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Page, async_playwright

from soak.client import Answer, Client, launched
from soak.figures import Figure, in_mib
from soak.server import Server, serving
from tasks_app.tests.browser.asleep import asleep
from tasks_app.tests.browser.between import between
from tasks_app.tests.browser.conftest import CHROMIUM, FLAGS

PATIENCE = 30.0
SHOWN = "() => [...document.querySelectorAll('tbody tr[data-task]')].map((row) => [row.dataset.task, row.dataset.status])"
STATE = "() => document.querySelector('.conn').dataset.state"
MIB = 2**20


async def run(full: bool, folder: Path) -> list[Figure]:
    """All three, each with a browser of its own and one after the other started."""
    if CHROMIUM is None or shutil.which(CHROMIUM) is None:
        return [Figure("pages in a browser", "tried", "there is no Chromium here", not full)]
    with serving(folder) as server:
        offline = await _looking(lambda page, _: _cut_off(page, server, 600.0 if full else 2.0))
        asleep = await _looking(lambda page, before: _stopped(page, server, before, 180.0 if full else 2.0))
        watching = await _looking(lambda page, _: _watching(page, server, 1200.0 if full else 3.0))
    return [*offline, *asleep, *watching]


async def _looking(look: Callable[[Page, set[int]], Awaitable[list[Figure]]]) -> list[Figure]:
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await chromium.new_page()
        try:
            return await look(page, before)
        finally:
            await chromium.close()


async def _cut_off(page: Page, server: Server, seconds: float) -> list[Figure]:
    tries: list[str] = []
    with between(server.url) as (way, url):
        tasks = await _opened(page, server, url, "cut")
        page.on("request", lambda request: tries.append(request.url) if request.resource_type != "websocket" else None)
        page.on("websocket", lambda socket: tries.append(socket.url))
        way.cut = True
        way.drop()
        await _changed(server, tasks, "cut")
        await asyncio.sleep(seconds)
        asked = len(tries)
        way.cut = False
        took = await _until_same(page, server, "cut")
    most = 12 + seconds / 42
    return [
        Figure(f"cut off for {seconds:,.0f} s: tries", f"at most {most:.0f}", str(asked), asked <= most),
        _shown("cut off", took),
        Figure("cut off: in step again after", "60 s", f"{took:,.1f} s", took <= 60.0, timed=True),
    ]


async def _stopped(page: Page, server: Server, before: set[int], seconds: float) -> list[Figure]:
    tasks = await _opened(page, server, server.url, "asleep")
    with asleep(but=before):
        await _changed(server, tasks, "asleep")
        await asyncio.sleep(seconds)
    took = await _until_same(page, server, "asleep")
    return [
        _shown(f"stopped for {seconds:,.0f} s", took),
        Figure("stopped: in step again after", "2 s", f"{took:,.1f} s", took <= 2.0, timed=True),
    ]


async def _watching(page: Page, server: Server, seconds: float) -> list[Figure]:
    for _ in range(10):
        await _counting(server, "watched", 0.1)
    await page.goto(f"{server.url}/?tag=watched")
    await _state(page, "live")
    await asyncio.sleep(min(60.0, seconds))  # what is made once is not counted
    first = await _held(page)
    await asyncio.sleep(seconds)
    last = await _held(page)
    heap, nodes = last["JSHeapUsedSize"] - first["JSHeapUsedSize"], last["Nodes"] - first["Nodes"]
    return [
        Figure(f"watching for {seconds:,.0f} s: script memory", "+5 MiB", in_mib(heap), heap <= 5 * MIB),
        Figure("watching: nodes, those of the last frames included", "+1,000", f"{nodes:+,.0f}", nodes <= 1000),
    ]


async def _opened(page: Page, server: Server, url: str, tag: str) -> list[str]:
    """A page that is live, with three tasks on it."""
    tasks = [await _counting(server, tag, 1) for _ in range(3)]
    await page.goto(f"{url}/?tag={tag}")
    await _state(page, "live")
    return tasks


async def _counting(server: Server, tag: str, interval: float) -> str:
    async with Client(server.port) as client:
        return await launched(client, "count", asked={"tags": [tag]}, to=100_000, interval=interval)


async def _asked(server: Server, method: str, path: str) -> Answer:
    async with Client(server.port) as client:
        return await client.ask(method, path)


async def _changed(server: Server, tasks: list[str], tag: str) -> None:
    """One ends, one goes, one comes."""
    await _asked(server, "POST", f"/api/v2/tasks/{tasks[0]}/cancel")
    await _asked(server, "DELETE", f"/api/v2/tasks/{tasks[1]}")
    await _counting(server, tag, 1)


async def _until_same(page: Page, server: Server, tag: str) -> float:
    """Seconds until the page is live and shows what the server holds, row by row; more than PATIENCE where it does not."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE * 3:
        shown: Any = await page.evaluate(SHOWN)
        held = (await _asked(server, "GET", f"/api/v2/tasks?tag={tag}")).json["items"]
        if shown == [[task["id"], task["status"]] for task in held] and await page.evaluate(STATE) == "live":
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    return float("inf")


def _shown(what: str, took: float) -> Figure:
    same = took < PATIENCE * 3
    return Figure(f"{what}: rows as the server holds them", "the same", "the same" if same else "others", same)


async def _state(page: Page, wanted: str) -> None:
    await page.wait_for_function(f"() => ({STATE})() === '{wanted}'", timeout=PATIENCE * 1000)


async def _held(page: Page) -> dict[str, float]:
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("HeapProfiler.collectGarbage")
    await devtools.send("Performance.enable")
    return {one["name"]: one["value"] for one in (await devtools.send("Performance.getMetrics"))["metrics"]}
