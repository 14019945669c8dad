"""A page that is open for long holds no more than one that was just opened."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import hear_frames

Launch = Callable[..., dict[str, Any]]
BATCH = 200  # frames


class Replay:
    """Stands between a page and its socket: real frames first, then one of them again and again with other values."""

    def __init__(self, page: Page) -> None:
        self._page_side: Any = None
        self._model: dict[str, Any] = {}
        self._version = 0
        self._real = True
        page.route_web_socket("**/live/**", self._between)

    def _between(self, socket: Any) -> None:
        self._page_side = socket
        server = socket.connect_to_server()
        socket.on_message(lambda text: None)  # so many acknowledgements would be misuse
        server.on_message(self._hear)

    def _hear(self, text: str) -> None:
        if not self._real:
            return
        frame = json.loads(text)
        self._version = frame["version"]
        if any("how" in slots for slots in frame.get("rows", {}).values() if isinstance(slots, dict)):
            self._model = frame
        self._page_side.send(text)

    @property
    def ready(self) -> bool:
        """Whether a frame with progress was heard."""
        return bool(self._model)

    def send(self, count: int) -> None:
        """So many frames, each with other figures in each row."""
        self._real = False
        for _ in range(count):
            base, self._version = self._version, self._version + 1
            rows = {
                task: {name: html.replace("Counted", f"Counted {self._version},") for name, html in slots.items()}
                for task, slots in self._model["rows"].items()
            }
            self._page_side.send(json.dumps({**self._model, "base": base, "version": self._version, "rows": rows}))


@pytest.mark.timeout(180)
def test_hundreds_of_updates_leave_nothing_behind(page: Page, served: str, launch: Launch) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    for _ in range(5):
        launch(params={"to": 100_000, "interval": 0.2}, tags=[tag])
    replay = Replay(page)
    page.goto(f"{served}/?tag={tag}")
    expect(page.locator("tbody tr[data-task]")).to_have_count(5)
    while not replay.ready:
        hear_frames(page, 1)
    first = _after(page, replay, 1)
    last = _after(page, replay, 3)  # what ten updates a second make in a minute
    assert last["Nodes"] <= first["Nodes"] + 50
    assert last["JSEventListeners"] <= first["JSEventListeners"] + 5
    assert last["JSHeapUsedSize"] <= first["JSHeapUsedSize"] + 1_000_000


def _after(page: Page, replay: Replay, batches: int) -> dict[str, float]:
    """What the page holds once it has taken that, and what is not used was collected."""
    for _ in range(batches):
        page.evaluate(
            "count => { window.taken = new Promise((done) => document.addEventListener('live:frame', () => --count || done())) }", BATCH
        )
        replay.send(BATCH)
        page.evaluate("() => window.taken")
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    return {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
