"""Cut, lost and found again: after a reconnect the page shows what the server holds."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api, Complaints, eventually
from tasks_app.tests.processes import PATIENCE, free_port, started

Launch = Callable[..., dict[str, Any]]
AGAIN = 2 * PATIENCE * 1000  # ms: a page whose server is away for long tries again within a minute, and then has to be served
OF_THE_NETWORK = ("WebSocket", "ERR_", "status of 503")  # what consoles say while a server goes, is away and comes


def test_a_cut_network_is_said_and_healed_without_loss(page: Page, served: str, launch: Launch, api: Api, complaints: Complaints) -> None:
    complaints.expected = OF_THE_NETWORK
    tag = f"t{uuid.uuid4().hex[:8]}"
    tasks = [launch(params={"to": 1000, "interval": 0.5}, tags=[tag]) for _ in range(5)]
    page.goto(f"{served}/?tag={tag}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    page.evaluate("() => { window.loaded = true }")
    page.context.set_offline(True)
    _break_sockets(page)
    expect(page.locator(".conn")).to_have_attribute("data-state", "reconnecting")
    api("POST", f"/tasks/{tasks[0]['id']}/cancel")
    api("DELETE", f"/tasks/{tasks[1]['id']}")
    newest = launch(params={"to": 1000, "interval": 0.5}, tags=[tag])
    page.context.set_offline(False)
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    expect(page.locator(f"#task-{newest['id']}")).to_be_visible()
    same_as_the_api(page, api, tag)
    assert page.evaluate("() => window.loaded")  # it was never loaded again


def test_a_page_left_while_its_socket_still_connects_leaves_nothing_in_the_console(page: Page, served: str) -> None:
    page.goto(served)
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    page.evaluate(
        """() => new Promise((done) => {
            dispatchEvent(new Event("online")); // opens a new connection in the next turn
            setTimeout(() => { dispatchEvent(new Event("pagehide")); done(); }, 0);
        })"""
    )
    expect(page.locator(".conn")).to_have_attribute("data-state", "reconnecting")  # it was let go, and the fixture hears the console


@pytest.mark.timeout(600)
def test_a_server_that_restarts_is_noticed_and_what_was_lost_is_said(
    open_page: Callable[..., Page], tmp_path: Path, complaints: Complaints
) -> None:
    complaints.expected = OF_THE_NETWORK
    page = open_page()
    with started(tmp_path / "first", "manage.py", "serve", "-p", str(free_port()), IOTASK_GRACE_SECONDS="0") as first:
        url = first.url
        httpx.post(f"{url}/api/v2/tasks", json={"type": "count", "name": "Lost with the server"}).raise_for_status()
        page.goto(url)
        expect(page.locator("tbody")).to_contain_text("Lost with the server")
        assert first.stop() == 0
        expect(page.locator(".conn")).to_have_attribute("data-state", "reconnecting")
    with started(tmp_path / "second", "manage.py", "serve", "-p", url.rpartition(":")[2]) as second:
        assert second.url == url
        expect(page.locator(".conn")).to_have_attribute("data-state", "live", timeout=AGAIN)
        expect(page.locator("[data-notice]")).to_contain_text("The server has restarted. It held its tasks only in memory.")
        expect(page.locator("[data-notice]")).to_contain_text("Lost, of those counted here: 1.")
        expect(page.locator("tbody tr[data-task]")).to_have_count(0)
        page.close()


@pytest.mark.timeout(600)
def test_a_killed_server_with_a_journal_says_what_became_of_tasks_and_a_form_keeps_what_was_typed(
    open_page: Callable[..., Page], tmp_path: Path, complaints: list[str]
) -> None:
    task, form = open_page(), open_page()
    journal = str(tmp_path / "tasks.journal")
    with started(tmp_path / "first", "manage.py", "serve", "-p", str(free_port()), IOTASK_JOURNAL=journal) as first:
        url = first.url
        ran = httpx.post(f"{url}/api/v2/tasks", json={"type": "ping", "params": {"address": "localhost", "port": 1}}).json()
        task.goto(f"{url}/tasks/{ran['id']}")
        expect(task.locator(".conn")).to_have_attribute("data-state", "live")
        expect(task.locator("main[data-task]")).to_have_attribute("data-status", "processing")
        form.goto(f"{url}/launch/count")
        form.get_by_label("To", exact=True).fill("4321")
        first.process.kill()
        first.process.wait()
        form.get_by_role("button", name="Launch count").click()
        expect(form.locator("#said .toast")).to_contain_text("The server does not answer")
    with started(tmp_path / "second", "manage.py", "serve", "-p", url.rpartition(":")[2], IOTASK_JOURNAL=journal) as second:
        assert second.url == url
        expect(task.locator("[data-notice]")).to_contain_text("what ran was interrupted", timeout=AGAIN)
        expect(task.locator("main[data-task]")).to_have_attribute("data-status", "interrupted")
        expect(form.get_by_label("To", exact=True)).to_have_value("4321")
        form.get_by_role("button", name="Launch count").click()
        form.wait_for_url(f"{url}/tasks/*")
        task.close()
        form.close()
    complaints.clear()  # of the network


@pytest.mark.timeout(600)
def test_the_page_of_a_task_that_went_with_the_server_says_so(page: Page, tmp_path: Path, complaints: list[str]) -> None:
    with started(tmp_path / "first", "manage.py", "serve", "-p", str(free_port()), IOTASK_GRACE_SECONDS="0") as first:
        url = first.url
        ran = httpx.post(f"{url}/api/v2/tasks", json={"type": "count"}).json()
        page.goto(f"{url}/tasks/{ran['id']}")
        expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    with started(tmp_path / "second", "manage.py", "serve", "-p", url.rpartition(":")[2]) as second:
        assert second.url == url
        expect(page.locator(".conn")).to_have_attribute("data-state", "gone", timeout=AGAIN)
        expect(page.locator("[data-notice]")).to_contain_text("The server has restarted")
        page.close()
    complaints.clear()  # of the network


def _break_sockets(page: Page) -> None:
    page.evaluate("() => dispatchEvent(new Event('online'))")  # a new connection is tried at once, and fails: there is no network


def same_as_the_api(page: Page, api: Api, tag: str) -> None:
    """Return when the rows are those the server holds, in its order; both may go on meanwhile."""
    rows = page.locator("tbody tr[data-task]")
    shown = "rows => rows.map((row) => [row.dataset.task, row.dataset.status])"
    eventually(lambda: rows.evaluate_all(shown) == [[one["id"], one["status"]] for one in api("GET", f"/tasks?tag={tag}")["items"]])
