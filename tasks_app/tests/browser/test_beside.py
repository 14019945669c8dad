"""Readers who see otherwise: four times as large, with colours of their own, without motion, on paper; and those who go back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api

Launch = Callable[..., dict[str, Any]]
PATHS = (
    "/", "/?status=failed&q=nothing-is-called-this", "/launch", "/launch/ping?as=form", "/tasks/{id}", "/types", "/types/count", "/pulse",
    "/schedules", "/activity", "/bulk?all=1&action=cancel", "/compare?a={id}&b={id}", "/keys", "/settings",
)  # fmt: skip
RING = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  return [outlineStyle, Number.parseFloat(outlineWidth)];
}"""
MOVING = """() => document.getAnimations().filter((one) => one.playState === 'running' && one.effect.getTiming().duration > 1)
  .map((one) => one.effect.target.outerHTML.slice(0, 100))"""
WIDER = """() => [...document.querySelectorAll('body *')].filter((one) => {
  const { right, width } = one.getBoundingClientRect();
  return width && right > innerWidth + 1 && !one.closest('.unseen, .skip, [popover], svg, .scroll-x, .ledger, pre, [tabindex="0"], .tabs');
}).map((one) => one.outerHTML.slice(0, 100)).slice(0, 3)"""


@pytest.fixture
def task(launch: Launch) -> dict[str, Any]:
    """One with a name that is too long for anything."""
    return launch(
        params={"to": 1000, "interval": 0.2}, name="A name that goes on and on, longer than any row is wide " * 3, tags=["x" * 32]
    )


@pytest.mark.parametrize(("width", "height"), [(640, 450), (320, 256)], ids=["twice", "four times"])
def test_a_page_seen_larger_is_read_without_scrolling_sideways(
    open_page: Callable[..., Page], served: str, task: dict[str, Any], width: int, height: int
) -> None:
    page = open_page(viewport={"width": width, "height": height})
    for path in PATHS:
        page.goto(served + path.format(**task))
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), (path, page.evaluate(WIDER))


def test_where_motion_is_not_wanted_nothing_moves(open_page: Callable[..., Page], served: str, task: dict[str, Any]) -> None:
    page = open_page(reduced_motion="reduce")
    for path in PATHS:
        page.goto(served + path.format(**task))
        assert page.evaluate(MOVING) == [], path


def test_with_colours_of_the_reader_bars_marks_and_the_focus_are_still_seen(
    open_page: Callable[..., Page], served: str, task: dict[str, Any]
) -> None:
    page = open_page(forced_colors="active", viewport={"width": 1280, "height": 900})
    page.goto(served)
    row = page.locator(f"#task-{task['id']}")
    expect(row.locator("progress")).to_be_visible()
    assert row.locator("progress").evaluate("bar => getComputedStyle(bar).borderTopStyle") == "solid"
    expect(row.locator(".status .glyph")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    style, thickness = page.evaluate(RING)
    assert style != "none"
    assert thickness >= 1


def test_on_paper_there_is_the_list_and_no_controls(page: Page, served: str, task: dict[str, Any]) -> None:
    page.goto(served)
    page.emulate_media(media="print", color_scheme="dark")
    row = page.locator(f"#task-{task['id']}")
    expect(row).to_be_visible()
    for part in (".rail", ".row-actions", ".search"):
        expect(page.locator(part).first).to_be_hidden()
    light = page.evaluate("() => getComputedStyle(document.documentElement).colorScheme")
    assert "light" in light
    page.goto(f"{served}/tasks/{task['id']}")
    expect(page.locator("main")).to_contain_text("A name that goes on")
    expect(page.locator(".rail")).to_be_hidden()


def test_who_goes_back_sees_the_present(page: Page, served: str, launch: Launch, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    task = launch(params={"to": 1000, "interval": 1}, tags=[tag])
    page.goto(f"{served}/?tag={tag}")
    page.locator(f"#task-{task['id']} a").first.click()
    page.wait_for_url(f"{served}/tasks/*")
    api("POST", f"/tasks/{task['id']}/cancel")
    newer = launch(params={"to": 1000, "interval": 1}, tags=[tag])
    page.go_back()
    expect(page.locator(f"#task-{task['id']}")).to_have_attribute("data-status", "cancelled")
    expect(page.locator(f"#task-{newer['id']}")).to_have_attribute("data-status", "processing")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
