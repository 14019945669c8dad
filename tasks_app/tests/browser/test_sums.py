"""What a screen reader hears of a list that lives: sums, now and then, of what the list shows, failures first."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import ended, hear_frames, with_time_at_rest

Launch = Callable[..., dict[str, Any]]
HEARD = "() => { window.heard = []; new MutationObserver(() => heard.push(document.querySelector('[data-sums]').textContent)).observe(%s) }"
PLACE = "document.querySelector('[data-sums]'), { childList: true, characterData: true, subtree: true }"


def opened(page: Page, url: str) -> None:
    """With a clock that goes on when it is told to, and not by itself."""
    page.goto(url)
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    page.evaluate(HEARD % PLACE)


def said(page: Page, milliseconds: int) -> Any:
    """What was said until now, when so much time has passed."""
    page.clock.run_for(milliseconds)
    return page.evaluate("() => heard")


def test_what_ended_is_summed_up_and_silence_is_kept_while_nothing_does(page: Page, served: str, launch: Launch) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    launch(params={"to": 1, "interval": 0.05}, tags=[tag], name="Ended before")
    running = launch(params={"to": 1000, "interval": 0.1}, tags=[tag])
    with_time_at_rest(page)
    page.goto(f"{served}/?tag={tag}")
    expect(page.locator("[data-count-of=completed]")).to_have_text("1")
    opened(page, f"{served}/?tag={tag}")
    launch("outcry", {"words": "no"}, tags=[tag])
    for _ in range(2):
        launch(params={"to": 1, "interval": 0.05}, tags=[tag])
    launch("outcry", {"words": "no"}, tags=["another"])
    expect(page.locator("[data-count-of=failed]")).to_have_text("1")
    expect(page.locator("[data-count-of=completed]")).to_have_text("3")
    assert said(page, 100) == []
    assert said(page, 5_000) == ["1 failed, 2 completed"]
    hear_frames(page, 3)
    assert said(page, 60_000) == ["1 failed, 2 completed"]
    assert page.locator(f"#task-{running['id']}").get_attribute("data-status") == "processing"


def test_only_what_the_filter_shows_is_told_and_what_is_deleted_is_no_end(page: Page, served: str, launch: Launch, api: Any) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    old = launch("outcry", {"words": "no"}, tags=[tag])
    ended(api, old, status="failed")
    with_time_at_rest(page)
    opened(page, f"{served}/?tag={tag}&status=failed")
    expect(page.locator("[data-count-of=failed]")).to_have_text("1")
    api("DELETE", f"/tasks/{old['id']}")
    launch(params={"to": 1, "interval": 0.05}, tags=[tag])
    expect(page.locator("[data-count-of=failed]")).to_have_text("0")
    expect(page.locator("[data-count-of=completed]")).to_have_text("1")
    assert said(page, 8_000) == []  # twelve seconds without a frame would be the end of its socket
    launch("outcry", {"words": "no"}, tags=[tag])
    expect(page.locator("[data-count-of=failed]")).to_have_text("1")
    assert said(page, 8_000) == ["1 failed"]


def test_it_is_heard_politely_and_not_seen(page: Page, served: str) -> None:
    page.goto(served)
    place = page.locator("[data-sums]")
    expect(place).to_have_attribute("role", "status")
    box = place.bounding_box()
    assert box is None or box["width"] * box["height"] <= 1
