"""Pages that look at an engine through a hub: slow ones, ones that lose frames, ones that come again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tasks_app.conf import config_of
from tasks_app.engine.engine import Engine
from tasks_app.engine.query import Query, parse_query
from tasks_app.live.frames import Frame
from tasks_app.live.hub import Hub
from tasks_app.live.viewer import HEARTBEAT, Viewer
from tasks_app.live.windows import PAGE, REORDER_EVERY, ListWindow
from tasks_app.presenters import rows
from tasks_app.runtime import Runtime
from tasks_app.tests.live.browser import Browser

QUERIES = (Query(), parse_query(statuses=["processing"]), parse_query(tags=["hang"]))
PAGES = len(QUERIES)


class Wire:
    """Between a viewer and its browser; what it lets through, and when."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.open = asyncio.Event()
        self.open.set()
        self.loses = 0

    async def send(self, text: str) -> None:
        """Hand a frame on, once it may pass."""
        await self.open.wait()
        if self.loses:
            self.loses -= 1
            return
        await self.browser.receive(text)


class Pages:
    """One page for each query. Ticks when told."""

    def __init__(self, engine: Engine) -> None:
        made: Any = SimpleNamespace(
            engine=engine,
            store=engine.store,
            registry=engine.registry,
            config=config_of({}),
            epoch="e",
            host=SimpleNamespace(watchdog=None),
            troubles=list,
            notices=list,
        )
        self._runtime: Runtime = made
        self._hub = Hub(self._runtime)
        self._pages: list[tuple[Viewer, Wire, asyncio.Task[None]] | None] = [None] * PAGES

    def disturb(self, page: int, what: str) -> None:
        """What happens to a socket; it takes effect at the next tick."""
        found = self._pages[page]
        if found is None:
            return
        _, wire, _ = found
        if what == "slow":
            wire.open.clear()
        elif what == "quick":
            wire.open.set()
        elif what == "lose a frame":
            wire.loses = 1
        else:
            self._leave(page)

    async def tick(self) -> None:
        """Look once, as a hub does four times a second; who left has come again."""
        for page in range(PAGES):
            if self._pages[page] is None:
                self._join(page)
        await self._hub.tick()
        for _ in range(5):
            await asyncio.sleep(0)

    async def converge(self) -> None:
        """Let everything through for a moment; then each page shows what the store holds."""
        for found in self._pages:
            if found is not None:
                found[1].open.set()
                found[1].loses = 0
                found[0].acknowledge(10**9)
                found[0]._last -= HEARTBEAT  # so long nothing came: one whose last frame was lost hears so from the next sign of life
        for _ in range(3 * REORDER_EVERY):
            await self.tick()
        for query, found in zip(QUERIES, self._pages, strict=True):
            assert found is not None
            browser = found[1].browser
            wanted = self._runtime.store.page(query, PAGE).items
            assert browser.order == [task.id for task in wanted]
            for task in wanted:
                assert browser.rows[task.id].shows(rows.row_slots(self._runtime, task))

    def close(self) -> None:
        """All pages are closed."""
        for page in range(PAGES):
            self._leave(page)

    def _join(self, page: int) -> None:
        browser = Browser()
        wire = Wire(browser)
        viewer = Viewer(wire.send, lambda version: Frame(epoch="e", version=version, base=version).text())
        browser.viewer = viewer
        self._pages[page] = viewer, wire, asyncio.ensure_future(viewer.send_forever())
        self._hub.join(viewer, page, lambda: ListWindow(self._runtime, QUERIES[page]))

    def _leave(self, page: int) -> None:
        found = self._pages[page]
        if found is not None:
            self._pages[page] = None
            found[2].cancel()
            self._hub.leave(found[0])
