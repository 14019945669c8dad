"""Launching by hand: the form, what it says of mistakes, one task a click; and all of it without a script."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tasks_app.tests.browser.conftest import Api, Complaints, eventually, hear_frames, pressed

Launch = Callable[..., dict[str, Any]]


def _fill(page: Page, name: str, tag: str) -> None:
    page.get_by_label("To", exact=True).fill("30")
    page.get_by_label("Interval", exact=True).fill("0.1")
    page.locator("details.more > summary").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Tags", exact=True).fill(tag)


def test_a_task_launched_by_the_form_opens_and_completes(page: Page, served: str, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    page.goto(served)
    page.get_by_role("link", name="Launch").first.click()
    page.locator("dialog.panel").get_by_role("link", name="count").first.click()
    _fill(page, "By hand", tag)
    page.get_by_role("button", name="Launch count").click()
    page.wait_for_url(f"{served}/tasks/*")
    expect(page.locator("h1")).to_contain_text("By hand")
    expect(page.locator("main[data-task]")).to_have_attribute("data-status", "completed")
    assert api("GET", f"/tasks?tag={tag}")["total"] == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_in_a_field_launches(open_page: Callable[..., Page], served: str, scripts: bool) -> None:
    page = open_page(java_script_enabled=scripts)
    page.goto(f"{served}/launch/count")
    page.get_by_label("To", exact=True).fill("2")
    page.get_by_label("Interval", exact=True).fill("0.1")
    page.get_by_label("Interval", exact=True).press("Enter")
    page.wait_for_url(f"{served}/tasks/*")
    first = page.url
    page.get_by_role("link", name="Rerun with changes").click()
    page.get_by_label("To", exact=True).fill("3")
    page.get_by_label("To", exact=True).press("Enter")
    page.wait_for_url(lambda url: url != first and re.fullmatch(f"{re.escape(served)}/tasks/[0-9a-f-]+", url) is not None)
    expect(page.locator("h1")).not_to_contain_text("Rerun")


@pytest.mark.parametrize("type_name", ["http_check", "download"])
def test_the_browser_takes_every_address_that_the_server_takes(page: Page, served: str, type_name: str) -> None:
    page.goto(f"{served}/launch/{type_name}?as=form")
    url = page.locator("[name='params.url']")
    for value, taken in (("https://example.org/a?b=c", True), ("http://127.0.0.1:8080/healthz", True), ("ftp://example.org/", False)):
        url.fill(value)
        assert url.evaluate("box => box.checkValidity()") is taken, value


def test_a_mistake_is_said_beside_its_field_while_typing_and_on_launch(page: Page, served: str, complaints: Complaints) -> None:
    complaints.expected = ("422",)
    page.goto(f"{served}/launch/ping")
    page.get_by_label("Port", exact=True).fill("99999")
    page.get_by_label("Address", exact=True).fill("http://nonsense")
    expect(page.locator(".field", has=page.get_by_label("Address", exact=True)).locator(".wrong")).to_contain_text("host name")
    assert page.url == f"{served}/launch/ping"


def test_a_double_click_launches_once(page: Page, served: str, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    sent: list[Route] = []
    kept = True

    def keep(route: Route) -> None:
        if kept:
            sent.append(route)
        else:
            route.continue_()

    page.goto(f"{served}/launch/count")
    _fill(page, "Twice clicked", tag)
    page.route("**/launch/count", keep)
    page.get_by_role("button", name="Launch count").dblclick()
    eventually(lambda: sent, page)
    kept = False  # both clicks were made before there was an answer to the first
    for route in sent:
        route.continue_()
    expect(page).to_have_url(re.compile("/tasks/"))  # the first way there may be cut short by the second
    assert api("GET", f"/tasks?tag={tag}")["total"] == 1


def test_without_a_script_tasks_are_launched_cancelled_rerun_and_deleted(open_page: Callable[..., Page], served: str, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    page = open_page(java_script_enabled=False)
    page.goto(f"{served}/launch/count")
    expect(page.locator("kbd:visible")).to_have_count(0)  # keys do nothing here
    page.get_by_label("Interval", exact=True).fill("60")
    page.locator("details.more > summary").click()
    page.get_by_label("Tags", exact=True).fill(tag)
    page.get_by_role("button", name="Launch count").click()
    page.wait_for_url(f"{served}/tasks/*")
    pressed(page, page.get_by_role("button", name="Cancel").first)
    _loaded_until(page, f"{served}/?tag={tag}", "cancelled")
    pressed(page, page.get_by_role("button", name="Retry").first)
    _loaded_until(page, f"{served}/?tag={tag}", "processing")
    page.locator("tbody tr a").first.click()
    page.wait_for_url(f"{served}/tasks/*")
    pressed(page, page.get_by_role("button", name="Cancel").first)
    pressed(page, page.get_by_role("button", name="Delete").first)
    assert "/tasks/" not in page.url
    assert api("GET", f"/tasks?tag={tag}")["total"] == 0


def _loaded_until(page: Page, url: str, status: str) -> None:
    """Load the list again until its one task stands at that: nothing tells a page without a script."""
    page.goto(url)
    while page.locator("tbody tr").get_attribute("data-status") != status:  # the test's own time is the end of it
        page.goto(url)


@pytest.mark.parametrize(
    "nasty",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}${7*7}", "\u202egnp.exe", "</title><svg onload=alert(1)>"],
)
def test_hostile_names_are_shown_as_text(page: Page, served: str, launch: Launch, nasty: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    task = launch(params={"to": 100_000, "interval": 0.1}, name=nasty)
    page.goto(f"{served}/?q={task['number']}")
    expect(page.locator(f"#task-{task['id']}")).to_contain_text(nasty)
    page.goto(f"{served}/tasks/{task['id']}")
    expect(page.locator("h1")).to_contain_text(nasty)
    hear_frames(page, 2)
    expect(page.locator("h1")).to_contain_text(nasty)
