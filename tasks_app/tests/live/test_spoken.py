"""Viewers of one window read it in their own language."""

from __future__ import annotations

import asyncio
from typing import Any

from tasks_app.engine.query import Query
from tasks_app.engine.sentences import say
from tasks_app.live.frames import Frame
from tasks_app.live.hub import Hub
from tasks_app.live.spoken import Spoken
from tasks_app.live.viewer import Viewer
from tasks_app.live.windows import ListWindow
from tasks_app.runtime import Runtime
from tasks_app.tests.live.browser import Browser
from tasks_app.tests.live.conftest import Launch


def joined(hub: Hub, runtime: Runtime, language: str) -> tuple[Browser, asyncio.Task[None]]:
    browser = Browser()
    browser.viewer = Viewer(browser.receive, lambda v: Frame(epoch=runtime.epoch, version=v, base=v).text())
    sender = asyncio.create_task(browser.viewer.send_forever())
    hub.join(browser.viewer, (language, "list"), lambda: Spoken(language, lambda: ListWindow(runtime, Query())))
    return browser, sender


async def tick(hub: Hub, count: int = 1) -> None:
    for _ in range(count):
        await hub.tick()
        for _ in range(5):
            await asyncio.sleep(0)


async def test_each_reads_snapshot_and_changes_in_his_language(runtime: Runtime, launch: Launch) -> None:
    task = launch(name="x")
    hub = Hub(runtime)
    pages = {language: joined(hub, runtime, language) for language in ("ru", "en")}
    await tick(hub)
    words = {language: page.frames[-1]["rows"][task.id] for language, (page, _) in pages.items()}
    assert "В очереди" in words["ru"]
    assert "Pending" in words["en"]
    runtime.engine.cancel(task.id)
    await tick(hub, 5)
    changed: dict[str, Any] = {language: _slots(page, task.id) for language, (page, _) in pages.items()}
    assert "Отменена" in changed["ru"]["status"]
    assert "Cancelled" in changed["en"]["status"]
    for page, sender in pages.values():
        sender.cancel()
        assert page.viewer is not None
        hub.leave(page.viewer)


async def test_a_notice_for_all_is_said_to_each_in_his_language(runtime: Runtime, launch: Launch, monkeypatch: Any) -> None:
    hub = Hub(runtime)
    pages = {language: joined(hub, runtime, language) for language in ("ru", "en")}
    monkeypatch.setattr(
        hub,
        "_notice",
        lambda: say("A piece of code blocks the engine's loop: no other task goes on until it returns. {place}", place="x.py:1"),
    )
    await tick(hub, 5)
    said = {language: page.frames[-1]["notice"]["text"] for language, (page, _) in pages.items()}
    assert said["ru"].startswith("Какой-то код держит цикл движка")
    assert said["en"].startswith("A piece of code blocks")
    for page, sender in pages.values():
        sender.cancel()
        assert page.viewer is not None
        hub.leave(page.viewer)


def _slots(page: Browser, task_id: str) -> dict[str, str]:
    """What the frames after the first said of a task, the newest word of each slot."""
    found: dict[str, str] = {}
    for frame in page.frames[1:]:
        found |= frame.get("rows", {}).get(task_id, {})
    return found
