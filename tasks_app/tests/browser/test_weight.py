"""The Tasks page comes quickly: few bytes, and shown before any script, socket or frame."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tasks_app.tests.browser.conftest import deleted, eventually, with_time_at_rest
from tasks_app.tests.browser.scenes import tasks_in_every_state
from tasks_app.tests.processes import ROOT, Started

MOST = 150_000  # bytes over the wire, heads of answers included
ROWS = 50


@pytest.fixture
def tag(marching: Started, api_of: Callable[[str], Any]) -> Iterator[str]:
    """Fifty tasks in all states."""
    call, tag = api_of(marching.url), f"t{uuid.uuid4().hex[:8]}"
    tasks_in_every_state(call, tag)
    long = [
        {"type": "count", "params": {"to": 1000, "interval": 60}, "name": f"One of the longer names, {n}", "tags": [tag]} for n in range(60)
    ]
    call("POST", "/tasks/bulk", {"tasks": long})
    yield tag
    deleted(call, filter={"tag": [tag]})


def test_the_first_load_of_a_full_list_is_light_and_the_second_is_the_page_alone(page: Page, marching: Started, tag: str) -> None:
    with_time_at_rest(page)  # a page that waits for its socket for five seconds asks, which weighs too
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    addresses: dict[str, str] = {}
    came: dict[str, float] = {}
    devtools.on("Network.requestWillBeSent", lambda event: addresses.__setitem__(event["requestId"], event["request"]["url"]))
    devtools.on("Network.loadingFinished", lambda event: came.__setitem__(event["requestId"], event["encodedDataLength"]))
    page.goto(f"{marching.url}/?tag={tag}", wait_until="networkidle")
    expect(page.locator("tbody tr[data-task]")).to_have_count(ROWS)
    first = {addresses[one]: size for one, size in came.items()}
    assert any(address.endswith(".css") for address in first)
    assert any(address.endswith(".js") for address in first)
    assert sum(came.values()) < MOST, sorted(first.items(), key=lambda one: -one[1])[:10]
    came.clear()
    page.goto(f"{marching.url}/?tag={tag}&status=processing", wait_until="networkidle")
    assert {addresses[one] for one, size in came.items() if size} == {f"{marching.url}/?tag={tag}&status=processing"}


def test_a_page_is_painted_while_its_scripts_are_still_on_their_way(page: Page, marching: Started, tag: str) -> None:
    waiting: list[Route] = []
    shut = True

    def keep(route: Route) -> None:
        if shut:
            waiting.append(route)
        else:
            route.continue_()

    page.route(lambda url: url.endswith(".js") and not url.endswith("/theme.js"), keep)
    page.goto(f"{marching.url}/?tag={tag}", wait_until="commit")
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length", polling=100)
    expect(page.locator("tbody tr[data-task]")).to_have_count(ROWS)
    expect(page.locator("tbody tr[data-task]").first).to_be_visible()
    eventually(lambda: len(waiting) > 5, page)
    shut = False
    for route in waiting:
        route.continue_()
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def test_no_sheet_waits_for_another() -> None:
    for sheet in (ROOT / "static/css").glob("*.css"):
        assert not re.search(r"@import|@font-face", sheet.read_text("utf-8")), sheet.name
