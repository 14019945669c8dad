"""Boards: pages of parts, looked at once a second and sent where they changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from tasks_app.engine.errors import NotFound
from tasks_app.live import board_pages
from tasks_app.live.boards import EVERY, BoardWindow, Parts
from tasks_app.live.frames import Frame
from tasks_app.live.hub import Hub
from tasks_app.live.viewer import Viewer
from tasks_app.live.window import Tick
from tasks_app.runtime import Runtime
from tasks_app.tests.live.browser import Browser


def tick(number: int) -> Tick:
    return Tick(number, number, frozenset(), reshaped=False, notice="")


async def test_a_page_of_parts_is_sent_whole_and_then_only_what_changed(runtime: Runtime) -> None:
    texts = {"one": "a", "two": "b"}
    hub = Hub(runtime)
    browser = Browser()
    browser.viewer = Viewer(browser.receive, lambda v: Frame(epoch=runtime.epoch, version=v, base=v).text())
    sender = asyncio.create_task(browser.viewer.send_forever())
    hub.join(browser.viewer, "page", lambda: BoardWindow(runtime, "page", lambda _: dict(texts)))
    await ticks(hub, 1)
    assert browser.frames[-1]["rows"] == {"page": {"one": "a", "two": "b"}}
    texts["two"] = "c"
    await ticks(hub, EVERY)
    assert browser.frames[-1]["rows"] == {"page": {"two": "c"}}
    sender.cancel()
    hub.leave(browser.viewer)


def test_a_page_is_looked_at_once_in_so_many_ticks(runtime: Runtime) -> None:
    looks = []
    window = BoardWindow(runtime, "page", lambda _: looks.append(1) or {"one": "a"})  # type: ignore[func-returns-value]
    for number in range(1, 2 * EVERY + 1):
        window.tick(tick(number))
    assert len(looks) == 1 + 2  # when it was made, and twice since


async def test_a_page_whose_subject_is_deleted_is_told_so_and_stays_as_it_was(runtime: Runtime) -> None:
    there = [True]

    def parts(_: Runtime) -> dict[str, str]:
        if not there:
            raise NotFound
        return {"one": "a"}

    hub = Hub(runtime)
    browser = Browser()
    browser.viewer = Viewer(browser.receive, lambda v: Frame(epoch=runtime.epoch, version=v, base=v).text())
    sender = asyncio.create_task(browser.viewer.send_forever())
    hub.join(browser.viewer, "page", lambda: BoardWindow(runtime, "page", parts))
    await ticks(hub, 1)
    there.clear()
    await ticks(hub, 2 * EVERY)
    assert (browser.frames[-1]["removed"], browser.frames[-1]["rows"]) == (["page"], {})
    assert not browser.viewer.broken.is_set()
    sender.cancel()
    hub.leave(browser.viewer)


def test_nobody_is_at_a_page_that_does_not_exist(runtime: Runtime) -> None:
    with pytest.raises(NotFound):
        board_pages.board(runtime, "nowhere", {})


def test_the_rest_of_the_path_and_the_query_reach_the_page(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def page(_: Runtime, rest: str, asked: Mapping[str, str]) -> Parts:
        return lambda _: {"said": f"{rest} {asked['span']}"}

    monkeypatch.setitem(board_pages.BOARDS, "tests", page)
    assert board_pages.board(runtime, "tests/ping", {"span": "day"})(runtime) == {"said": "ping day"}


async def ticks(hub: Hub, count: int) -> None:
    for _ in range(count):
        await hub.tick()
        for _ in range(5):
            await asyncio.sleep(0)
