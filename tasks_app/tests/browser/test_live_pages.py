"""What a person sees move: pages follow the store without being loaded again, and stay as they are while they are read."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api, hear_frames, unhurried, until_held
from tasks_app.tests.processes import PATIENCE

Launch = Callable[..., dict[str, Any]]


def _row(page: Page, task: dict[str, Any]) -> Any:
    return page.locator(f"#task-{task['id']}")


def _tag() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


def test_a_task_launched_elsewhere_appears_moves_and_ends_in_an_open_list(page: Page, served: str, launch: Launch, tmp_path: Path) -> None:
    tag = _tag()
    page.goto(f"{served}/?tag={tag}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    task = launch("until", {"until": str(tmp_path / "over")}, tags=[tag], name="Comes from outside")
    row = _row(page, task)
    expect(row).to_contain_text("Comes from outside")
    expect(row).to_have_attribute("data-status", "processing")
    expect(row.locator("progress")).to_have_attribute("value", re.compile("[1-9]"))
    (tmp_path / "over").touch()
    expect(row).to_have_attribute("data-status", "completed")


def test_only_slots_change_the_row_and_what_has_the_focus_in_it_stay(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    task = launch(params={"to": 100_000, "interval": 0.05}, tags=[tag])
    page.goto(f"{served}/?tag={tag}")
    row = _row(page, task)
    expect(row.locator("progress")).to_be_visible()
    row.locator("a").first.focus()
    page.evaluate(
        "id => { window.kept = [document.getElementById(id), document.querySelector(`#${CSS.escape(id)} progress`)] }", f"task-{task['id']}"
    )
    before = float(row.locator("progress").get_attribute("value") or 0)
    page.wait_for_function(
        "([id, before]) => document.querySelector(`#${CSS.escape(id)} progress`).value > before + 10",
        arg=[f"task-{task['id']}", before],
        polling=100,  # ms; a page on a machine that is busy may have no frame to draw for long
    )
    assert page.evaluate(
        "id => kept[0] === document.getElementById(id) && kept[1] === kept[0].querySelector('progress')", f"task-{task['id']}"
    )
    assert page.evaluate("() => kept[0].contains(document.activeElement)")


def test_new_rows_wait_in_the_chip_while_the_pointer_is_over_the_list(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    first = launch(params={"to": 100_000, "interval": 0.1}, tags=[tag])
    page.goto(f"{served}/?tag={tag}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    _row(page, first).hover()
    until_held(page)
    second = launch(params={"to": 100_000, "interval": 0.1}, tags=[tag])
    expect(page.locator(".fresh [data-new-count]")).to_have_text("1")
    assert _row(page, second).count() == 0
    page.mouse.move(5, 5)
    expect(_row(page, second)).to_be_visible()
    expect(page.locator(".fresh")).to_be_hidden()


def test_the_chips_count_along_and_filter(page: Page, served: str, launch: Launch, api: Api) -> None:
    page.goto(f"{served}/?status=cancelled")
    count = page.locator("[data-count-of=cancelled]")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    before = int((count.text_content() or "0").replace(",", ""))
    task = launch(params={"to": 1000}, name="To be cancelled")
    api("POST", f"/tasks/{task['id']}/cancel")
    expect(count).to_have_text(f"{before + 1:,}")
    expect(_row(page, task)).to_contain_text("To be cancelled")


def test_cancel_retry_rerun_and_delete_from_the_row_and_the_page(page: Page, served: str, launch: Launch, api: Api) -> None:
    tag = _tag()
    task = launch(params={"to": 1000, "interval": 1}, tags=[tag], name="All actions")
    page.goto(f"{served}/?tag={tag}")
    row = _row(page, task)
    row.get_by_role("button", name="Cancel").first.click()
    expect(row).to_have_attribute("data-status", "cancelled")
    row.get_by_role("button", name="Retry").first.click()
    expect(row).to_have_attribute("data-status", "processing")
    row.locator("a").first.click()
    page.wait_for_url(f"{served}/tasks/{task['id']}")
    main = page.locator("main[data-task]")
    page.get_by_role("button", name="Cancel").first.click()
    expect(main).to_have_attribute("data-status", "cancelled")
    page.get_by_role("button", name="Delete").first.click()
    page.wait_for_url(lambda url: "/tasks/" not in url)
    assert api("GET", f"/tasks?tag={tag}")["total"] == 0


def test_the_page_of_a_task_follows_it_to_its_end(page: Page, served: str, launch: Launch, api: Api, tmp_path: Path) -> None:
    api("PATCH", "/queues/until", {"paused": True})
    task = launch("until", {"until": str(tmp_path / "over")}, name="Watched")
    page.goto(f"{served}/tasks/{task['id']}")
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "pending")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    api("PATCH", "/queues/until", {"paused": False})
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "processing")
    (tmp_path / "over").touch()
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "completed")
    expect(page.locator("main")).to_contain_text("counted")


def test_a_log_grows_line_by_line_and_is_not_doubled(page: Page, served: str, launch: Launch) -> None:
    task = launch("chatty", {"lines": 40, "interval": 0.05})
    page.goto(f"{served}/tasks/{task['id']}")
    expect(page.locator("ol.log li")).to_have_count(40)
    lines = page.locator("ol.log li").evaluate_all("lines => lines.map((line) => line.dataset.seq)")
    assert lines == [str(number) for number in range(1, 41)]


def test_a_deleted_task_says_so_on_its_open_page_which_goes_on_when_it_is_brought_back_elsewhere(
    page: Page, served: str, launch: Launch, api: Api
) -> None:
    unhurried(page)
    task = launch(params={"to": 1000})
    page.goto(f"{served}/tasks/{task['id']}")
    shown, conn = page.locator("main[data-task]"), page.locator(".conn")
    expect(conn).to_have_attribute("data-state", "live")
    expect(shown).to_have_attribute("data-status", "processing")
    api("DELETE", f"/tasks/{task['id']}")
    expect(conn).to_have_attribute("data-state", "gone")
    expect(page.locator("[data-while=gone]")).to_contain_text("It ran and was stopped: undone, it comes back as cancelled.")
    api("POST", f"/tasks/{task['id']}/restore")
    expect(conn).to_have_attribute("data-state", "live")
    expect(shown).to_have_attribute("data-status", "cancelled")
    expect(page.locator("[data-while=gone]")).to_be_hidden()
    api("POST", f"/tasks/{task['id']}/retry")
    expect(shown).to_have_attribute("data-status", "processing")


def test_a_handler_that_blocks_the_loop_is_named_while_it_does(page: Page, served: str, launch: Launch, tmp_path: Path) -> None:
    page.goto(served)
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    launch("block", {"until": str(tmp_path / "over")})
    expect(page.locator("[data-notice]")).to_contain_text("(block) blocks the engine")
    (tmp_path / "over").touch()
    expect(page.locator("[data-notice]")).to_be_hidden()


def test_what_was_wrong_when_a_page_was_made_is_said_once_and_gone_when_it_is_over(
    page: Page, served: str, launch: Launch, tmp_path: Path
) -> None:
    launch("block", {"until": str(tmp_path / "over")})
    end = time.monotonic() + PATIENCE
    while httpx.get(f"{served}/readyz").status_code == 200:
        assert time.monotonic() < end
    page.goto(served)
    expect(page.locator("[data-notice]")).to_contain_text("(block) blocks the engine")
    expect(page.locator("[data-said]")).to_have_count(0)
    (tmp_path / "over").touch()
    expect(page.locator("[data-notice]")).to_be_hidden()


def test_selected_text_survives_the_frames(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    task = launch(params={"to": 100_000, "interval": 0.05}, tags=[tag])
    page.goto(f"{served}/?tag={tag}")
    second = _row(page, task).locator("[data-slot=how] .second")
    expect(second).to_contain_text("of 1")
    second.evaluate("element => getSelection().selectAllChildren(element)")
    selected = page.evaluate("() => getSelection().toString()")
    hear_frames(page, 4)
    assert selected.strip()
    assert page.evaluate("() => getSelection().toString()") == selected
    page.evaluate("() => getSelection().removeAllRanges()")
    expect(second).not_to_have_text(selected)
