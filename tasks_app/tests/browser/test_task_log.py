"""The log on a task's page: its lines by attempt, and from a time on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api
from tasks_app.tests.processes import PATIENCE


def _ended(api: Api, task_id: str, attempts: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        task = api("GET", f"/tasks/{task_id}")
        if task["status"] == "failed" and len(task["attempts"]) == attempts:
            return
        time.sleep(0.05)
    raise AssertionError(task)


def test_lines_are_shown_by_attempt_and_from_a_time_on(page: Page, served: str, api: Api, launch: Callable[..., dict[str, Any]]) -> None:
    task = launch("ping", {"address": "127.0.0.1", "port": 1, "count": 3, "interval": 0.1})["id"]
    _ended(api, task, 1)
    api("POST", f"/tasks/{task}/retry")
    _ended(api, task, 2)
    page.goto(f"{served}/tasks/{task}")
    lines = page.locator("ol.log li:visible")
    expect(page.locator('ol.log li[data-attempt="1"]').first).to_be_visible()
    begins = page.locator("ol.log .begins")
    expect(begins).to_contain_text("Attempt 2")
    expect(begins).to_have_count(1)
    both = lines.count()
    page.locator("#attempt-1 summary").click()
    page.locator("#attempt-1").get_by_role("link", name="Its log").click()
    expect(page.locator(".log-of")).to_contain_text("Attempt 1")
    expect(page.locator('ol.log li[data-attempt="2"]').first).to_be_hidden()
    expect(begins).to_be_hidden()
    assert 0 < lines.count() < both
    jump = page.get_by_label("Jump to a time of the attempt")
    jump.fill("0:00")
    jump.press("Enter")
    expect(lines.first).to_have_attribute("data-found", "")
    jump.fill("soon")
    jump.press("Enter")
    expect(jump).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Show the lines of all attempts").click()
    expect(lines).to_have_count(both)


def test_where_an_attempt_begins_is_said_as_long_as_lines_of_it_are_there(
    page: Page, served: str, launch: Callable[..., dict[str, Any]]
) -> None:
    task = launch("count", {"to": 1000, "interval": 1})["id"]
    page.goto(f"{served}/tasks/{task}")
    left = page.evaluate(
        """async () => {
            const { applyParts } = await import(new URL("parts.js", document.querySelector("script[src*='live/main.js']").src));
            const main = document.createElement("main");
            main.innerHTML = "<ol class='log'></ol>";
            const list = main.firstChild;
            const begins = (seq, attempt) => `<li class="begins" data-seq="${seq}" data-attempt="${attempt}"></li>`;
            const lines = (first, count, attempt) =>
                Array.from({ length: count }, (_, at) => `<li data-seq="${first + at}" data-attempt="${attempt}"></li>`).join("");
            const grow = (html) => {
                applyParts(main, { log: { html } });
                const marks = [...list.querySelectorAll(".begins")].map((mark) => mark.dataset.attempt);
                return [list.children.length - marks.length, marks, list.firstElementChild.className];
            };
            return [
                grow(lines(1, 20, 1) + begins(21, 2) + lines(21, 150, 2)),
                grow(lines(171, 60, 2)),
                grow(begins(231, 3) + lines(231, 190, 3)),
                grow(lines(421, 30, 3)),
            ];
        }"""
    )
    assert left == [[170, ["2"], ""], [200, ["2"], "begins"], [200, ["2", "3"], "begins"], [200, ["3"], "begins"]]
