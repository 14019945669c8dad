"""The shop's IoTask in a real Chromium: a launch by hand below the prefix, live to its end, with nothing refused and nothing outside."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import chromium, complaints, open_page  # noqa: F401 - fixtures
from tasks_app.tests.mounted.conftest import Place
from tasks_app.tests.processes import Started

PREFIX = "/ops/tasks"


def test_a_task_is_launched_by_enter_and_followed_below_the_prefix(open_page: Callable[..., Page], shop: Started, place: Place) -> None:  # noqa: F811
    page, asked = open_page(), list[str]()
    page.context.add_cookies([{"name": "sessionid", "value": place.sessions["root"], "url": shop.url}])
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url.replace("ws:", "http:", 1)))
    page.goto(f"{shop.url}{PREFIX}/launch/count")
    page.get_by_label("To", exact=True).fill("3")
    page.get_by_label("Interval", exact=True).fill("0.2")
    page.get_by_label("Interval", exact=True).press("Enter")
    page.wait_for_url(re.compile(f"{PREFIX}/tasks/[0-9a-f-]+$"))
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "completed")
    assert any(f"{PREFIX}/live/tasks/" in url for url in asked)
    assert [url for url in asked if not url.startswith(f"{shop.url}{PREFIX}/")] == []
