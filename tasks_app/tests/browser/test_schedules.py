"""Schedules and activity in a browser: what moves by itself, what stays while it is read, and what can be taken back."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api, pressed

Launch = Callable[..., dict[str, Any]]


@pytest.fixture
def made(api: Api) -> Iterator[dict[str, Any]]:
    """A schedule that is not due for long; gone at the end."""
    task = {"type": "count", "name": f"s{uuid.uuid4().hex[:8]}", "params": {"to": 1, "interval": 0}}
    found = api("POST", "/schedules", {"cron": "0 0 1 1 *", "timezone": "Europe/Oslo", "task": task})
    yield found
    if found["id"] in [one["id"] for one in api("GET", "/schedules")["items"]]:
        api("DELETE", f"/schedules/{found['id']}")


def test_a_schedule_is_paused_run_deleted_and_put_back_in_place(page: Page, served: str, api: Api, made: dict[str, Any]) -> None:
    name = made["task"]["name"]
    page.goto(f"{served}/schedules?q={name}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    switch = page.get_by_role("switch")
    switch.focus()
    page.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page.get_by_role("table", name="Repeats").locator(".next .first")).to_have_text("paused")
    expect(switch).to_be_focused()  # the focus stays on the switch
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Repeats").locator(".next .second")).to_contain_text("Jan")
    page.get_by_role("button", name=re.compile("^Run now: count")).click()
    expect(page.locator(".went .status")).to_contain_text("Completed")
    page.locator("summary[aria-label^='More for']").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No schedule matches.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f"#schedule-{made['id']}")).to_be_visible()
    assert len(api("GET", f"/schedules/{made['id']}")["runs"]) == 1, "with its runs"


def test_the_form_shows_the_next_runs_while_it_is_filled_in(page: Page, served: str, api: Api) -> None:
    name = f"s{uuid.uuid4().hex[:8]}"
    page.goto(f"{served}/schedules/new/count")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("Repeat").fill("0 12 * * 1")
    expect(page.locator("#preview")).to_contain_text("every Monday at 12:00")
    expect(page.locator("#preview li")).to_have_count(5)
    page.get_by_label("Repeat").fill("0 12 * *")
    expect(page.locator("#cron-wrong")).to_contain_text("is no cron expression")
    page.get_by_label("Repeat").fill("0 12 * * 1")
    page.locator("#launch").get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add schedule").last.click()
    expect(page.get_by_role("heading", name="Last runs")).to_be_visible()
    found = [one for one in api("GET", "/schedules")["items"] if one["task"]["name"] == name]
    assert [(one["cron"], one["timezone"]) for one in found] == [("0 12 * * 1", "Europe/Berlin")]
    api("DELETE", f"/schedules/{found[0]['id']}")


def test_activity_follows_and_stands_still_while_it_is_read(page: Page, served: str, launch: Launch) -> None:
    launch(params={"to": 1, "interval": 0}, name="The first")
    page.goto(f"{served}/activity?what=launched")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    launch(params={"to": 1, "interval": 0}, name="The second")
    rows = page.locator("tr.done")
    expect(rows.first).to_contain_text("The second")
    rows.nth(1).hover()
    page.evaluate("window.kept = document.querySelectorAll('tr.done')[0]")
    box = rows.nth(1).bounding_box()
    launch(params={"to": 1, "interval": 0}, name="The third")
    chip = page.locator(".fresh")
    expect(chip).to_contain_text("New: 1")
    assert page.evaluate("kept === document.querySelectorAll('tr.done')[0]")
    assert rows.nth(1).bounding_box() == box
    chip.click()
    expect(rows.first).to_contain_text("The third")
    assert page.evaluate("kept === document.querySelectorAll('tr.done')[1]"), "rows that stay are the same ones"


def test_both_pages_work_without_a_script(open_page: Callable[..., Page], served: str, api: Api, made: dict[str, Any]) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{served}/schedules?q={made['task']['name']}")
    pressed(page, page.get_by_role("switch"))
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    page.locator("summary[aria-label^='More for']").click()
    pressed(page, page.get_by_role("button", name="Delete"))
    pressed(page, page.get_by_role("button", name="Undo"))
    assert api("GET", f"/schedules/{made['id']}")["paused"] is True
    page.goto(f"{served}/activity?what=schedules")
    expect(page.locator("tr.done").first).to_contain_text("Put back the schedule")
