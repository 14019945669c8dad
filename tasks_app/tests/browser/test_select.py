"""Selecting rows, acting on them, and undoing a delete: by mouse, by keyboard, without a script."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tasks_app.tests.browser.between import between
from tasks_app.tests.browser.conftest import Api, Complaints, ended, hear_frames, pressed, until_held
from tasks_app.tests.processes import PATIENCE

Launch = Callable[..., dict[str, Any]]
DISABLED = ("aria-disabled", "true")


def _tag() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


def _open(page: Page, url: str, tag: str) -> None:
    page.goto(f"{url}/?tag={tag}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def _row(page: Page, task: dict[str, Any]) -> Locator:
    return page.locator(f"#task-{task['id']}")


def _box(page: Page, task: dict[str, Any]) -> Locator:
    return _row(page, task).get_by_role("checkbox")


def test_selecting_opens_a_bar_that_offers_what_some_can_take(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    over = [launch(params={"to": 1, "interval": 0}, tags=[tag]) for _ in range(3)]
    going = [launch(params={"to": 100_000, "interval": 0.1}, tags=[tag]) for _ in range(2)]
    _open(page, served, tag)
    for task in over:
        expect(_row(page, task)).to_have_attribute("data-status", "completed")
    for task in going:
        expect(_row(page, task)).to_have_attribute("data-status", "processing")
    bar = page.get_by_role("toolbar", name="Selected tasks")
    expect(bar).to_be_hidden()
    _box(page, going[1]).check()
    _box(page, over[1]).click(modifiers=["Shift"])
    expect(bar.locator(".count")).to_have_text("4 selected")
    expect(bar.locator("[value=cancel]")).to_have_text(re.compile(r"Cancel\s+2"))
    expect(bar.locator("[value=retry]")).to_have_attribute(*DISABLED)
    expect(bar.locator("[value=delete]")).to_have_text(re.compile(r"Delete\s+4"))
    expect(bar.get_by_role("link", name="Compare")).to_be_hidden()
    _box(page, going[0]).uncheck()
    _box(page, over[2]).uncheck()
    href = bar.get_by_role("link", name="Compare").get_attribute("href")
    assert href == f"/compare?a={going[1]['id']}&b={over[1]['id']}"
    bar.get_by_role("checkbox", name="Clear the selection").click()
    expect(bar).to_be_hidden()
    whole = page.get_by_role("checkbox", name="Select all tasks on this page")
    expect(whole).to_be_focused()
    page.keyboard.press("Space")
    expect(bar.locator(".count")).to_have_text("5 selected")
    expect(bar.get_by_role("checkbox")).to_be_focused()
    expect(bar.locator("[data-page]")).to_have_text("All 5 here are selected.")
    every = bar.get_by_role("link", name="that match")
    expect(every).to_be_hidden()  # there are no others
    _box(page, over[2]).uncheck()
    expect(every).to_have_text("Select all 5 that match")
    every.click()
    expect(bar.locator(".count")).to_have_text("All 5 that match are selected")
    bar.locator("[value=cancel]").click()
    expect(page.get_by_role("heading", name="Cancel 2 tasks?")).to_be_visible()
    page.get_by_role("button", name="Cancel 2 tasks").click()
    expect(page.locator("h1")).to_have_text("Cancel 5 tasks")
    expect(page.locator(".tiles")).to_contain_text(re.compile(r"Cancelled\s*2"))
    expect(page.locator(".outcomes tbody tr")).to_have_count(3)


def test_a_selection_stays_where_it_is_whatever_happens_to_the_rows(
    page: Page, served: str, launch: Launch, api: Api, complaints: Complaints
) -> None:
    complaints.expected = ("WebSocket connection to",)  # it is cut
    tag = _tag()
    tasks = [launch(params={"to": 100_000, "interval": 0.05}, tags=[tag]) for _ in range(3)]
    with between(served) as (relay, url):
        _open(page, url, tag)
        for task in tasks[1:]:
            _box(page, task).check()
        until_held(page)
        page.mouse.move(2, 2)
        page.evaluate("id => { window.kept = document.getElementById(id) }", f"task-{tasks[1]['id']}")
        top = page.evaluate("kept.getBoundingClientRect().top")
        newest = launch(params={"to": 100_000, "interval": 0.05}, tags=[tag])
        expect(page.locator(".fresh [data-new-count]")).to_have_text("1")
        with page.expect_websocket():
            relay.drop()
        hear_frames(page, 3)
        assert _row(page, newest).count() == 0
        assert page.evaluate("id => kept === document.getElementById(id)", f"task-{tasks[1]['id']}")
        assert page.evaluate("kept.getBoundingClientRect().top") == top
        api("POST", f"/tasks/{tasks[1]['id']}/cancel")
        expect(_row(page, tasks[1])).to_have_attribute("data-status", "cancelled")
        bar = page.locator(".list .actions")
        expect(bar.locator("[value=retry]")).to_have_text(re.compile(r"Retry\s+1"))
        api("DELETE", f"/tasks/{tasks[2]['id']}")
        expect(_row(page, tasks[2])).to_have_count(0)
        expect(bar.locator(".count")).to_have_text("2 selected")
        expect(bar.locator(".away")).to_have_text("1 of them not on this page")
        api("POST", f"/tasks/{tasks[2]['id']}/restore")
        bar.get_by_role("checkbox").press("Space")
        page.evaluate("document.activeElement.blur()")  # it was in the list, which holds the order too
        expect(_row(page, newest)).to_be_visible()
        expect(_row(page, tasks[2])).to_be_visible()


def test_a_selection_goes_along_to_older_tasks_and_back_and_is_counted_and_another_list_begins_anew(
    page: Page, served: str, launch: Launch
) -> None:
    tag = _tag()
    tasks = [launch(params={"to": 1, "interval": 0}, tags=[tag]) for _ in range(52)]
    _open(page, served, tag)
    count, away = page.locator(".actions .count"), page.locator(".actions .away")
    for task in tasks[-2:]:
        _box(page, task).check()
    page.get_by_role("link", name="Older").click()
    expect(count).to_have_text("2 selected")
    expect(away).to_have_text("2 of them not on this page")
    _box(page, tasks[0]).check()
    expect(count).to_have_text("3 selected")
    page.get_by_role("link", name="Newest").click()
    expect(_box(page, tasks[-1])).to_be_checked()
    expect(away).to_have_text("1 of them not on this page")
    page.goto(f"{served}/?tag={_tag()}")
    expect(page.locator(".list[data-selected]")).to_have_count(0)
    page.goto(f"{served}/?tag={tag}")
    expect(count).to_have_text("3 selected")
    page.locator(".actions [value=delete]").click()
    expect(page.locator(".list[data-selected]")).to_have_count(0)
    expect(page.locator("[data-count-of=all]")).to_have_text("49")
    page.reload()
    expect(page.locator(".list[data-selected]")).to_have_count(0)


def test_what_was_deleted_comes_back_also_from_another_page_by_keyboard(page: Page, served: str, launch: Launch, api: Api) -> None:
    tag = _tag()
    tasks = [launch(params={"to": 1, "interval": 0}, tags=[tag]) for _ in range(3)]
    _open(page, served, tag)
    for task in tasks:
        expect(_row(page, task)).to_have_attribute("data-status", "completed")
    for task in tasks[:2]:
        _box(page, task).check()
    page.locator(".actions [value=delete]").click()
    for task in tasks[:2]:
        expect(_row(page, task)).to_have_count(0)
    expect(page.locator(".actions")).to_be_hidden()
    ended(api, api("GET", "/tasks?type=bulk_action&limit=1")["items"][0])  # the next page says what has been done, not what goes on
    page.goto(f"{served}/settings")
    toast = page.locator("#said [data-undo]")
    expect(toast).to_contain_text("Deleted 2 tasks.")
    toast.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("What was deleted comes back.")
    expect(page.locator("#main")).to_be_focused()
    _open(page, served, tag)
    for task in tasks:
        expect(_row(page, task)).to_have_attribute("data-status", "completed")
    expect(page.locator("#said")).to_have_text("")


def test_without_a_script_boxes_buttons_and_undo_work(open_page: Callable[..., Page], served: str, launch: Launch) -> None:
    tag = _tag()
    tasks = [launch(params={"to": 100_000, "interval": 0.1}, tags=[tag]) for _ in range(3)]
    page = open_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.goto(f"{served}/?tag={tag}")
    bar = page.locator(".list .actions")
    expect(bar).to_be_hidden()
    _box(page, tasks[0]).check()
    _box(page, tasks[1]).check()
    bar.get_by_role("button", name="Cancel").click()
    expect(page.locator("h1")).to_have_text("Cancel 2 tasks")
    page.goto(f"{served}/?tag={tag}")
    _box(page, tasks[2]).check()
    bar.get_by_role("button", name="Delete").click()
    expect(page.locator("#said [data-undo]")).to_be_visible()
    pressed(page, page.get_by_role("button", name="Undo"))
    expect(page).to_have_url(f"{served}/?tag={tag}")
    end = time.monotonic() + PATIENCE
    while page.locator("tbody tr[data-task]").count() != 3:  # it comes back when its turn comes, and nothing tells this page
        assert time.monotonic() < end
        page.reload()
    page.goto(f"{served}/bulk?tag={tag}")
    page.get_by_role("button", name="Delete 3 tasks").click()
    page.wait_for_url("**/bulk/*")
    end = time.monotonic() + PATIENCE
    while page.locator("h1").inner_text() != "Delete 3 tasks":  # it counts when its turn comes, and nothing tells this page
        assert time.monotonic() < end
        page.reload()
