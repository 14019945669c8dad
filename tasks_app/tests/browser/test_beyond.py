"""Pages of what a server under test does not have, a cluster and a task that a crash left behind: axe finds nothing there either.

They are rendered in this process, with its own store, and handed to the browser in the place of what the server would answer.
"""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tasks_app import runtime as composed
from tasks_app.conf import config_of
from tasks_app.engine import task as t
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Outcome, OutcomeKind
from tasks_app.runtime import Runtime
from tasks_app.tests.browser.conftest import Complaints
from tasks_app.tests.browser.scenes import HOSTILE, Scene
from tasks_app.tests.browser.test_accessibility import LOOKS, SOURCE, wrong
from tasks_app.tests.cluster.events import UUID, life
from tasks_app.tests.cluster.fed import hear, worker
from tasks_app.tests.web.conftest import Browser

INTERRUPTED = Outcome(kind=OutcomeKind.INTERRUPTED)


def interrupted(runtime: Runtime) -> str:
    """The path of a task that ran when the process ended, was retried, and ran when it ended again."""
    task = runtime.engine.submit(LaunchRequest(type="count", params={"to": 9, "interval": 1}, name=HOSTILE), by="ann")
    now = time.time()
    for change in (
        partial(t.started, at=now - 60, monotonic=0.0),
        partial(t.finished, outcome=INTERRUPTED, monotonic=10.0),
        partial(t.retried, at=now - 40),
        partial(t.started, at=now - 30, monotonic=30.0),
        partial(t.progressed, current=3, total=9, message="3 of 9", monotonic=35.0),
        partial(t.finished, outcome=INTERRUPTED, monotonic=40.0),
    ):
        runtime.store.update(task.number, change)
    return f"/tasks/{task.id}"


async def answers(paths: list[str]) -> list[str]:
    """What this process says to a browser."""
    client = Browser()
    return [(await client.get(path)).content.decode() for path in paths]


@pytest.mark.timeout(600)
def test_axe_finds_nothing_on_pages_of_workers_and_of_a_task_that_was_interrupted(
    page: Page, served: str, complaints: Complaints, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    complaints.expected = ("WebSocket", "status of 40")  # the server has no such board to go on from
    runtime = Runtime(config_of({"broker_url": "redis://:hush@127.0.0.1:1/0"}))
    monkeypatch.setattr(composed, "_runtime", runtime)
    monkeypatch.setattr(composed, "_pid", os.getpid())
    found: list[str] = []

    def look(name: str, path: str, number: int) -> None:
        with ThreadPoolExecutor(1) as pool:  # playwright's loop counts as running in this thread
            (html,) = pool.submit(asyncio.run, answers([path])).result()
        page.unroute_all()
        page.route(f"{served}{path}", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{served}{path}")
        expect(page.locator("main")).to_be_visible()
        page.evaluate(SOURCE)
        looks = LOOKS if pytestconfig.getoption("--whole") else LOOKS[number % 2 : number % 2 + 1]
        found.extend(wrong(page, Scene(name, "", path), looks))

    try:
        look("workers-none", "/workers", 0)
        hear(runtime, *life(time.time() - 10)[:3])
        for name in ("shop@here", "gone@there"):
            worker(runtime, name)
        hear(runtime, {"type": "worker-offline", "hostname": "gone@there", "timestamp": time.time()})
        for number, (name, path) in enumerate(
            {
                "workers": "/workers",
                "worker": "/workers/shop@here",
                "worker-gone": "/workers/gone@there",
                "task-elsewhere": f"/tasks/{UUID}",
                "task-interrupted": interrupted(runtime),
            }.items()
        ):
            look(name, path, number)
    finally:
        runtime.stop()
    assert not found, "\n".join(found)
