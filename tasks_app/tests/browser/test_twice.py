"""What people do twice, too fast, too late or in the middle: one effect, a friendly word, and nothing typed is lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, Route, expect

from tasks_app.tests.browser.conftest import Api, Complaints, eventually, unhurried, with_time_at_rest
from tasks_app.tests.processes import PATIENCE, Started

Launch = Callable[..., dict[str, Any]]


def test_cancel_clicked_twenty_times_cancels_once(
    page: Page, served: str, served_process: Started, launch: Launch, api: Api, complaints: Complaints
) -> None:
    complaints.expected = ("409",)  # to whichever click comes when all is done
    asked: list[str] = []
    answered: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    for end in ("requestfinished", "requestfailed"):
        page.on(end, lambda request: answered.append(request.url) if request.method == "POST" else None)
    task = launch(params={"to": 1000, "interval": 1})
    page.goto(f"{served}/tasks/{task['id']}")
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "processing")
    button = page.get_by_role("button", name="Cancel").first
    button.evaluate("button => { for (let times = 0; times < 20; times++) button.click(); }")
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "cancelled")
    eventually(lambda: len(asked) == len(answered) > 0, page)
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "cancelled")
    last = launch(params={"to": 1, "interval": 0})  # what was logged before it is written before it
    served_process.wait_until(lambda: last["id"] in [line.get("task") for line in served_process.log])
    told = [line for line in served_process.log if line["event"] == "task_cancelled" and line.get("task") == task["id"]]
    assert len(told) == 1
    assert len(api("GET", f"/tasks/{task['id']}")["attempts"]) == 1


def test_what_was_deleted_in_another_tab_is_said_to_be_gone(
    page: Page, served: str, launch: Launch, api: Api, complaints: Complaints
) -> None:
    complaints.expected = ("404",)
    with_time_at_rest(page)  # who hears of nothing for twelve seconds asks
    task = launch(params={"to": 1000, "interval": 1})
    page.route_web_socket("**/live/**", lambda socket: None)  # this tab hears of nothing
    page.goto(f"{served}/?q={task['number']}")
    page.clock.run_for(100)  # in which htmx takes hold of it
    row = page.locator(f"#task-{task['id']}")
    api("DELETE", f"/tasks/{task['id']}")
    row.get_by_role("button", name="Cancel").first.click()
    expect(page.locator("#said .toast")).to_contain_text("There is no task with this id.")
    page.goto(f"{served}/tasks/{task['id']}")
    expect(page.locator("main").get_by_role("heading")).to_have_text("This task is not here")


def test_back_shows_what_is_so_now(page: Page, served: str, launch: Launch, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    task = launch(params={"to": 1000, "interval": 1}, tags=[tag])
    page.goto(f"{served}/?tag={tag}")
    row = page.locator(f"#task-{task['id']}")
    expect(row).to_have_attribute("data-status", "processing")
    row.locator("a").first.click()
    expect(page.locator("main[data-task]")).to_be_visible()
    api("POST", f"/tasks/{task['id']}/cancel")
    page.go_back()
    expect(row).to_have_attribute("data-status", "cancelled")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def test_a_form_loaded_again_in_the_middle_of_its_launch_launches_once(page: Page, served: str, api: Api, complaints: Complaints) -> None:
    complaints.expected = ("ERR_FAILED", "htmx")
    unhurried(page)
    tag = f"t{uuid.uuid4().hex[:8]}"

    def taken_and_never_answered(route: Route) -> None:
        route.fetch(timeout=PATIENCE * 1000)
        route.abort()

    page.goto(f"{served}/launch/count")
    page.route("**/launch/count", lambda route: taken_and_never_answered(route) if route.request.method == "POST" else route.continue_())
    page.get_by_label("To", exact=True).fill("777")
    page.locator("details.more > summary").click()
    page.get_by_label("Tags", exact=True).fill(tag)
    page.get_by_role("button", name="Launch count").click()
    expect(page.locator("#said .toast")).to_contain_text("does not answer")
    page.unroute("**/launch/count")
    page.reload()
    expect(page.get_by_label("To", exact=True)).to_have_value("777")
    expect(page.locator("#said .toast")).to_contain_text("What you had entered is here again")
    page.get_by_role("button", name="Launch count").click()
    page.wait_for_url(f"{served}/tasks/*")
    assert api("GET", f"/tasks?tag={tag}")["total"] == 1
    page.goto(f"{served}/launch/count")
    expect(page.get_by_label("To", exact=True)).to_have_value("200")  # nothing is kept of what was launched
    api("DELETE", f"/tasks/{api('GET', f'/tasks?tag={tag}')['items'][0]['id']}")
