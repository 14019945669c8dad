"""Sockets are cut at random moments while two hundred tasks change: in the end every row is what the server holds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from random import Random, SystemRandom
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tasks_app.tests.browser.between import between
from tasks_app.tests.browser.conftest import Api, Complaints, deleted
from tasks_app.tests.browser.cuts import Cutter
from tasks_app.tests.processes import PATIENCE, Started

TAGS = ("north", "east", "south", "west")
EACH = 50  # tasks under a tag: as many as a page shows
AGAIN = 3 * PATIENCE * 1000  # ms: after many cuts in a row the next try is a minute away
PAUSE = 0.02  # seconds from one change to the next

# All that a list shows, as text: each slot of each row, with times as the moments they stand for, and the counters.
SHOWN = """page => {
  const told = (part) => {
    const copy = part.cloneNode(true);
    for (const time of copy.querySelectorAll("time")) time.textContent = "";
    for (const one of copy.querySelectorAll("*")) {
      const known = [...one.attributes].map(({ name, value }) => [name, value]).sort();
      for (const [name] of known) one.removeAttribute(name);
      for (const [name, value] of known) one.setAttribute(name, value);
    }
    return copy.innerHTML.replace(/\\s+/g, " ");
  };
  const parts = (row) => [...row.querySelectorAll("[data-slot]")].map((one) => [one.dataset.slot, told(one)]);
  const slots = (row) => [["data-status", row.dataset.status], ...parts(row)];
  return {
    rows: [...page.querySelectorAll("tbody tr[data-task]")].map((row) => [row.dataset.task, Object.fromEntries(slots(row))]),
    counts: Object.fromEntries([...page.querySelectorAll("[data-count-of]")].map((one) => [one.dataset.countOf, one.textContent])),
    range: page.querySelector("[data-range]").textContent,
    busy: page.querySelector(".slots meter").value,
  };
}"""
HERE = f"() => ({SHOWN})(document)"
FRESH = f"""async () => {{
  const text = await (await fetch(location.href)).text();
  return ({SHOWN})(new DOMParser().parseFromString(text, "text/html"));
}}"""
ROWS = """() => [...document.querySelectorAll("tbody tr[data-task]")].map((row) => {
  const bar = row.querySelector("progress");
  const text = row.textContent;
  return { id: row.dataset.task, status: row.dataset.status, word: row.querySelector(".status").textContent.trim(), text,
           bar: bar && bar.hasAttribute("value") ? [bar.value, bar.max] : null };
})"""


KINDS = ("launch", "launch", "cancel", "cancel", "retry", "retry", "delete")
CHANGES = 10 * len(KINDS)  # at least


class Bustle:
    """Tasks that are launched, end, are cancelled, retried and deleted, a change at a time."""

    def __init__(self, client: httpx.Client, chance: Random) -> None:
        self._client = client
        self._chance = chance
        self._ids: list[str] = []
        self._kinds: list[str] = []
        self.did: list[str] = []

    def fill(self) -> None:
        """As many tasks under each tag as a page shows."""
        for tag in TAGS:
            answer = self._client.post("/tasks/bulk", json={"tasks": [self._task(tag) for _ in range(EACH)]})
            self._ids += answer.raise_for_status().json()["ids"]

    def step(self) -> None:
        """One change. In which order the kinds come is up to chance, how often each does is not."""
        self._kinds = self._kinds or self._chance.sample(KINDS, len(KINDS))
        what = self._kinds.pop()
        self.did.append(what)
        if what == "launch":
            answer = self._client.post("/tasks", json=self._task(self._chance.choice(TAGS)))
            self._ids.append(answer.raise_for_status().json()["id"])
            return
        one = self._chance.randrange(len(self._ids))
        if what == "delete":
            self._client.delete(f"/tasks/{self._ids.pop(one)}")
        else:
            self._client.post(f"/tasks/{self._ids[one]}/{what}")  # a task that cannot says so, and stays as it is

    def _task(self, tag: str) -> dict[str, Any]:
        params = {"to": self._chance.randrange(10, 100), "rate": self._chance.uniform(2, 20), "stays": self._chance.random() < 0.5}
        return {"type": "marching", "params": params, "tags": [tag], "name": f"No. {self._chance.randrange(10**6)}"}


@pytest.mark.timeout(900)
def test_after_sockets_were_cut_at_random_moments_no_row_differs(
    chromium: Browser, marching: Started, api_of: Callable[[str], Api], complaints: Complaints, pytestconfig: pytest.Config
) -> None:
    whole = pytestconfig.getoption("--whole")
    seed = SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    cutter = Cutter(marching.url, seed=seed, count=50 if whole else 12)
    with httpx.Client(base_url=f"{marching.url}/api/v2", timeout=PATIENCE) as client, between(marching.url, cutter) as (_, url):
        bustle = Bustle(client, Random(seed))
        bustle.fill()
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE * 1000)
        pages = [_opened(context.new_page(), f"{url}/?tag={tag}") for tag in TAGS]
        breaks, until = 0, time.monotonic() + PATIENCE
        # However many sockets are cut while a stalled machine makes one change: each kind of change is made, each several times.
        while not cutter.over or len(bustle.did) < CHANGES:
            if breaks != cutter.done.total():  # however slow the machine is: as long as sockets come back
                breaks, until = cutter.done.total(), time.monotonic() + PATIENCE
            assert cutter.over or time.monotonic() < until, cutter.done
            bustle.step()
            pages[0].wait_for_timeout(PAUSE * 1000)  # Playwright hears its pages meanwhile
        _at_rest(client)
        for page, tag in zip(pages, TAGS, strict=True):
            expect(page.locator(".conn")).to_have_attribute("data-state", "live", timeout=AGAIN)
            _same(page)
            _as_the_api_says(page, client, tag)
            assert page.evaluate("() => window.loaded")  # it was never loaded again
        context.close()
        deleted(api_of(marching.url), filter={"tag": list(TAGS)})
    assert sum(cutter.done.values()) == (50 if whole else 12)
    assert set(bustle.did) == {"launch", "cancel", "retry", "delete"}


def _opened(page: Page, url: str) -> Page:
    page.goto(url)
    page.evaluate("() => { window.loaded = true }")
    return page


def _at_rest(client: httpx.Client) -> None:
    """Return when nothing changes any more: what runs stands at its last number, the rest is cancelled."""
    until = time.monotonic() + PATIENCE
    while moving := [task["id"] for tag in TAGS for task in _tasks(client, tag) if _moves(task)]:
        assert time.monotonic() < until
        action = client.post("/actions", json={"action": "cancel", "ids": moving}).raise_for_status().json()
        while client.get(f"/tasks/{action['id']}").raise_for_status().json()["status"] in ("pending", "processing"):
            assert time.monotonic() < until
            time.sleep(0.2)


def _moves(task: dict[str, Any]) -> bool:
    progress = task["progress"] or {"current": 0, "total": 1}
    counts = progress["current"] < progress["total"] or not task["params"]["stays"]
    return task["status"] in ("pending", "cancelling") or (task["status"] == "processing" and counts)


def _tasks(client: httpx.Client, tag: str) -> Any:
    return client.get("/tasks", params={"tag": tag, "limit": EACH}).raise_for_status().json()["items"]


def _same(page: Page) -> None:
    """Each slot of each row, the order, the counters: as in the page that the server would make now."""
    until = time.monotonic() + PATIENCE
    while (here := page.evaluate(HERE)) != (fresh := page.evaluate(FRESH)):
        assert time.monotonic() < until, "\n".join(_differences(here, fresh))
        page.wait_for_timeout(250)


def _differences(here: dict[str, Any], fresh: dict[str, Any]) -> Iterator[str]:
    for key in ("counts", "range", "busy"):
        if here[key] != fresh[key]:
            yield f"{key}: {here[key]} is {fresh[key]}"
    if [one for one, _ in here["rows"]] != [one for one, _ in fresh["rows"]]:
        yield "the order, or which rows there are"
    wanted = dict(fresh["rows"])
    for one, slots in here["rows"]:
        yield from (
            f"{one} {name}: {html} is {wanted[one][name]}" for name, html in slots.items() if one in wanted and wanted[one][name] != html
        )


def _as_the_api_says(page: Page, client: httpx.Client, tag: str) -> None:
    """What the API says of each task stands in its row."""
    tasks, rows = _tasks(client, tag), page.evaluate(ROWS)
    assert [row["id"] for row in rows] == [task["id"] for task in tasks]
    for row, task in zip(rows, tasks, strict=True):
        assert row["status"] == task["status"]
        assert row["word"].lower() == task["status"], json.dumps(row)
        assert task["name"] in row["text"]
        if task["status"] == "processing":
            assert row["bar"] == [task["progress"]["current"], task["progress"]["total"]]
            assert task["progress"]["message"] in row["text"]
    total = client.get("/tasks", params={"tag": tag, "limit": 1}).json()["total"]
    assert page.locator("[data-count-of=all]").inner_text() == f"{total:,}"
