"""Sockets that do not get through, servers and browsers that sleep, too many pages: a page says how it stands, and finds back."""

from __future__ import annotations

import os
import re
import signal
import uuid
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page, Route, WebSocket, expect

from tasks_app.tests.browser.asleep import asleep
from tasks_app.tests.browser.between import between
from tasks_app.tests.browser.conftest import Api, Complaints, ended, eventually, unhurried, with_time_at_rest
from tasks_app.tests.browser.test_connection import same_as_the_api
from tasks_app.tests.processes import Started

Launch = Callable[..., dict[str, Any]]
LONG = 40_000  # ms
POLLS = """() => performance.getEntriesByType('resource').filter((one) => one.name.startsWith(location.href))
  .filter((one) => one.initiatorType === 'fetch').map((one) => one.startTime)"""


def answered(page: Page) -> None:
    """Count the pages that this one asked for and showed, in `asked`. Before it is opened."""
    page.add_init_script("window.asked = 0; document.addEventListener('live:frame', ({ detail }) => { asked += detail.snapshot ? 1 : 0 })")


def state(page: Page, name: str) -> None:
    expect(page.locator(".conn")).to_have_attribute("data-state", name, timeout=LONG)


def of_the_network(complaints: Complaints, *more: str) -> None:
    complaints.expected = ("WebSocket", "ERR_", "429", *more)


def test_where_no_socket_gets_through_a_page_asks_and_says_so(
    page: Page, served: str, launch: Launch, api: Api, complaints: Complaints
) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    with between(served) as (way_there, url):
        way_there.sockets = "refuse"
        page.goto(f"{url}/?tag={tag}")
        state(page, "polling")
        expect(page.locator("[data-while=polling]")).to_be_visible()
        first, second = (launch(params={"to": 1000, "interval": 1}, tags=[tag]) for _ in range(2))
        row = page.locator(f"#task-{first['id']}")
        expect(row).to_have_attribute("data-status", "processing")
        row.get_by_role("button", name="Cancel").first.click()
        expect(row).to_have_attribute("data-status", "cancelled")
        api("DELETE", f"/tasks/{second['id']}")
        expect(page.locator(f"#task-{second['id']}")).to_have_count(0)
        same_as_the_api(page, api, tag)
        expect(page.locator("[data-count-of=all]")).to_have_text("1")
        asked = page.evaluate(POLLS)
        assert len(asked) > 2
        assert all(after - before >= 1990 for before, after in pairwise(asked))
        way_there.sockets = "pass"
        page.evaluate("() => dispatchEvent(new Event('online'))")
        state(page, "live")
        expect(page.locator("[data-while=polling]")).to_be_hidden()
        page.close()
    of_the_network(complaints)


def test_a_list_that_asks_is_as_still_as_a_live_one(page: Page, served: str, launch: Launch, api: Api, complaints: Complaints) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    first, second = (launch(params={"to": 1000, "interval": 1}, tags=[tag]) for _ in range(2))
    rows = page.locator("tbody tr[data-task]")
    with between(served) as (way_there, url):
        way_there.sockets = "refuse"
        page.goto(f"{url}/?tag={tag}")
        state(page, "polling")
        with page.expect_response(lambda answer: "held=" in answer.url):  # what was asked before, may be answered after
            rows.nth(1).hover()
        third = launch(params={"to": 1000, "interval": 1}, tags=[tag])
        api("POST", f"/tasks/{first['id']}/cancel")
        expect(rows.nth(1)).to_have_attribute("data-status", "cancelled")
        expect(page.locator(".fresh")).to_contain_text("New: 1")
        assert rows.evaluate_all("rows => rows.map((row) => row.dataset.task)") == [second["id"], first["id"]]
        page.locator(".fresh").click()
        page.mouse.move(5, 5)
        expect(rows.first).to_have_attribute("data-task", third["id"])
        page.close()
    of_the_network(complaints)


def test_an_answer_asked_for_before_the_pointer_came_moves_nothing_under_it(
    page: Page, served: str, launch: Launch, complaints: Complaints
) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    first, second = (launch(params={"to": 1000, "interval": 1}, tags=[tag]) for _ in range(2))
    rows = page.locator("tbody tr[data-task]")
    waiting: list[Route] = []

    def hold_back_one(route: Route) -> None:
        if waiting or "x-poll" not in route.request.headers:
            route.continue_()
        else:
            waiting.append(route)

    with between(served) as (way_there, url):
        way_there.sockets = "refuse"
        page.goto(f"{url}/?tag={tag}")
        state(page, "polling")
        page.route("**/*", hold_back_one)
        while not waiting:
            page.wait_for_timeout(50)
        third = launch(params={"to": 1000, "interval": 1}, tags=[tag])
        rows.nth(1).hover()
        with page.expect_response(lambda answer: "held=" in answer.url):  # asked for at once, as the first one is of no use
            waiting[0].continue_()
        expect(page.locator(".fresh")).to_contain_text("New: 1")
        assert rows.evaluate_all("rows => rows.map((row) => row.dataset.task)") == [second["id"], first["id"]]
        page.mouse.move(5, 5)
        expect(rows.first).to_have_attribute("data-task", third["id"])
        page.unroute_all(behavior="ignoreErrors")
        page.close()
    of_the_network(complaints)


def test_the_page_of_a_task_follows_it_where_handshakes_are_never_answered(
    page: Page, served: str, launch: Launch, api: Api, complaints: Complaints
) -> None:
    unhurried(page)
    task = launch("chatty", {"lines": 100_000, "interval": 0.2})
    with between(served) as (way_there, url):
        way_there.sockets = "swallow"
        page.goto(f"{url}/tasks/{task['id']}")
        state(page, "polling")
        newest = "Number(document.querySelector('ol.log li:last-child')?.dataset.seq ?? 0)"
        page.wait_for_function(f"before => {newest} > before", arg=page.evaluate(newest), polling=100)
        seqs = page.locator("ol.log li").evaluate_all("lines => lines.map((line) => Number(line.dataset.seq))")
        assert seqs == sorted(set(seqs))
        api("POST", f"/tasks/{task['id']}/cancel")
        expect(page.locator("main[data-task]")).to_have_attribute("data-status", "cancelled")
        api("DELETE", f"/tasks/{task['id']}")
        state(page, "gone")
        api("POST", f"/tasks/{task['id']}/restore")
        state(page, "polling")
        page.close()
    of_the_network(complaints, "404")


def test_a_server_that_is_away_is_asked_no_more_than_a_hundred_times_an_hour(page: Page, served: str, complaints: Complaints) -> None:
    tries: list[str] = []
    ended_tries: list[str] = []

    def begun(socket: WebSocket) -> None:
        tries.append(socket.url)
        socket.on("close", lambda closed: ended_tries.append(closed.url))

    with between(served) as (way_there, url):
        page.clock.install()
        page.goto(url)
        state(page, "live")
        page.on("request", lambda request: tries.append(request.url) if request.resource_type != "websocket" else None)
        for end in ("requestfailed", "requestfinished"):
            page.on(end, lambda request: ended_tries.append(request.url) if request.resource_type != "websocket" else None)
        page.on("websocket", begun)
        way_there.cut = True
        way_there.drop()
        state(page, "reconnecting")
        for _ in range(360):
            page.clock.run_for(10_000)
            eventually(lambda: len(ended_tries) == len(tries), page)  # no time passes while one hangs
        assert 20 < len(tries) <= 100
        expect(page.locator(".conn")).to_have_text(re.compile(r"^Reconnecting, (59\sm|1\sh) old$"))
        way_there.cut = False
        page.evaluate("() => dispatchEvent(new Event('online'))")
        page.clock.run_for(100)
        page.clock.resume()
        state(page, "live")
        page.close()
    of_the_network(complaints)


def test_a_server_that_stands_still_is_said_and_heard_again(page: Page, served: str, served_process: Started) -> None:
    with_time_at_rest(page)
    page.goto(served)
    state(page, "live")
    os.kill(served_process.process.pid, signal.SIGSTOP)
    try:
        page.clock.run_for(7_000)  # not yet the twelve seconds after which it would try another connection
        state(page, "stale")
        expect(page.locator(".conn")).to_contain_text("Stale since")
    finally:
        os.kill(served_process.process.pid, signal.SIGCONT)
    state(page, "live")


def test_a_browser_that_slept_shows_what_happened_meanwhile(
    page: Page, served: str, launch: Launch, api: Api, complaints: Complaints
) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    tasks = [launch(params={"to": 1000, "interval": 0.2}, tags=[tag]) for _ in range(3)]
    page.goto(f"{served}/?tag={tag}")
    state(page, "live")
    expect(page.locator("tbody tr[data-task]")).to_have_count(3)
    with asleep():
        api("POST", f"/tasks/{tasks[0]['id']}/cancel")
        api("DELETE", f"/tasks/{tasks[1]['id']}")
        newest = launch(params={"to": 10, "interval": 0.3}, tags=[tag])
        ended(api, newest)
    same_as_the_api(page, api, tag)
    state(page, "live")
    of_the_network(complaints)


def test_one_page_too_many_says_so_and_asks_seldom(page: Page, served: str, launch: Launch) -> None:
    sockets: list[str] = []

    def refuse(socket: Any) -> None:
        sockets.append(socket.url)
        socket.close(code=4429)

    page.route_web_socket("**/live/**", refuse)
    polls: list[str] = []
    page.on("requestfinished", lambda request: polls.append(request.url) if request.resource_type == "fetch" else None)
    with_time_at_rest(page)
    answered(page)
    page.goto(served)
    page.wait_for_function("() => asked === 1", polling=100)
    state(page, "crowded")
    expect(page.locator("[data-while=crowded]")).to_be_visible()
    task = launch(params={"to": 1000, "interval": 1})
    page.clock.run_for(9_000)
    assert page.evaluate("() => asked") == 1
    page.clock.run_for(2_000)
    expect(page.locator(f"#task-{task['id']}")).to_be_visible()
    eventually(lambda: page.evaluate("() => asked") == len(polls) == 2)
    assert len(sockets) == 1
