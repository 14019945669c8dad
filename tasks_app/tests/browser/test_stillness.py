"""A list that lives and stays still: while hundreds of things change, what is read, chosen or held does not move, and is not made anew."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api, deleted, hear_frames, until_held
from tasks_app.tests.processes import Started

ROWS = 12
RATE = 9.0  # a second and row: a hundred changes in all, beside those of status
FRAMES = 6  # of the socket, four a second

# Watches rows: where they stand in every frame that is painted, what their parts are, and what is changed in them.
WATCH = """rows => {
  const parts = rows.flatMap((row) => [row, ...row.querySelectorAll("*")]);
  const place = (row) => { const { x, y, width, height } = row.getBoundingClientRect(); return [x, y, width, height].join(" "); };
  const begun = { places: rows.map(place), focus: document.activeElement, text: getSelection().toString(), scroll: scrollY };
  const watch = window.watch = { frames: 0, changes: 0, wrong: new Set(), going: true };
  const quiet = new Set(["value", "max", "datetime", "title", "aria-label", "aria-valuetext"]);
  const told = (focus) => focus?.outerHTML.slice(0, 80);
  const note = (record) => {
    watch.changes++;
    const what = `${record.type} of ${record.target.nodeName} ${record.attributeName ?? ""}`;
    if (record.type === "childList") watch.wrong.add(what);
    if (record.type === "attributes" && !quiet.has(record.attributeName) && !/^data-/.test(record.attributeName)) watch.wrong.add(what);
  };
  const observer = new MutationObserver((records) => records.forEach(note));
  for (const row of rows) observer.observe(row, { subtree: true, childList: true, characterData: true, attributes: true });
  const look = () => {
    watch.frames++;
    rows.map(place).forEach((now, n) => now !== begun.places[n] && watch.wrong.add(`row ${n}: ${begun.places[n]} to ${now}`));
    if (document.activeElement !== begun.focus) watch.wrong.add(`the focus went to ${told(document.activeElement)}`);
    if (getSelection().toString() !== begun.text) watch.wrong.add(`the selection became ${getSelection()}`);
    if (scrollY !== begun.scroll) watch.wrong.add(`scrolled from ${begun.scroll} to ${scrollY}`);
    if (!parts.every((part) => part.isConnected)) watch.wrong.add("a part was made anew");
    if (watch.going) requestAnimationFrame(look);
    else observer.disconnect();
  };
  requestAnimationFrame(look);
}"""
FOUND = "() => { watch.going = false; return [...watch.wrong] }"

# Where a row stands in the next picture.
PAINTED = """id => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  done(document.getElementById(id).getBoundingClientRect().y);
})))"""

Change = Callable[[], None]


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """Where bars do not glide: sixty pictures a second of fifty bars are too much for a machine without a graphics card."""
    return open_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")


@pytest.fixture
def tag(marching: Started, api_of: Callable[[str], Api]) -> Iterator[str]:
    """Under which tasks march."""
    tag = f"t{uuid.uuid4().hex[:8]}"
    with httpx.Client(base_url=f"{marching.url}/api/v2") as client:
        params = {"to": 100_000, "rate": RATE}
        tasks = [{"type": "marching", "params": params, "tags": [tag], "name": f"Number {n}"} for n in range(ROWS)]
        client.post("/tasks/bulk", json={"tasks": tasks}).raise_for_status()
        yield tag
    deleted(api_of(marching.url), filter={"tag": [tag]})


@pytest.fixture
def bustle(marching: Started, tag: str) -> Iterator[Change]:
    """Each call is a task that comes and one that ends: rows that a list in motion would move for."""
    with httpx.Client(base_url=f"{marching.url}/api/v2") as client:

        def change() -> None:
            params = {"to": 100_000}  # it does not end before it is cancelled
            task = client.post("/tasks", json={"type": "marching", "params": params, "tags": [tag]}).raise_for_status().json()
            client.post(f"/tasks/{task['id']}/cancel").raise_for_status()

        yield change


def opened(page: Page, marching: Started, tag: str) -> Page:
    page.goto(f"{marching.url}/?tag={tag}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    expect(page.locator("tbody tr[data-task]")).to_have_count(ROWS)
    return page


def _deleted(client: httpx.Client, task_id: str) -> bool:
    return client.delete(f"/tasks/{task_id}").status_code == 204


def held(page: Page, do: Callable[[], Any]) -> None:
    """Do what holds the order, and return when the server has heard of it."""
    do()
    until_held(page)


def still(page: Page, change: Change, *numbers: int) -> None:
    """These rows are watched while much happens."""
    page.evaluate(f"numbers => ({WATCH})(numbers.map((number) => document.querySelectorAll('tbody tr[data-task]')[number]))", list(numbers))
    for _ in range(FRAMES):
        change()
        change()
        hear_frames(page, 1)
    watched(page, FRAMES * len(numbers) / 2)


def watched(page: Page, changes: float) -> None:
    """Watch on until so much was painted and changed, and end: nothing was wrong."""
    page.wait_for_function("([frames, changes]) => watch.frames > frames && watch.changes > changes", arg=[FRAMES, changes], polling=100)
    assert page.evaluate(FOUND) == []


def test_the_row_under_the_pointer_stays_and_so_do_those_around_it(page: Page, marching: Started, tag: str, bustle: Change) -> None:
    row = opened(page, marching, tag).locator("tbody tr[data-task]").nth(4)
    held(page, row.hover)
    still(page, bustle, *range(8))
    assert row.evaluate("row => row.matches(':hover')")
    expect(page.locator(".fresh")).to_be_visible()


def test_what_others_delete_leaves_its_place_until_the_pointer_leaves(page: Page, marching: Started, tag: str) -> None:
    rows = opened(page, marching, tag).locator("tbody tr[data-task]")
    row = rows.nth(4)
    held(page, row.hover)
    before = row.evaluate("row => [row.id, row.getBoundingClientRect().y]")
    gone = [str(rows.nth(n).get_attribute("data-task")) for n in (1, 2, 7)]
    with httpx.Client(base_url=f"{marching.url}/api/v2") as client:
        for task_id in gone:
            client.post(f"/tasks/{task_id}/cancel").raise_for_status()
        for task_id in gone:
            marching.wait_until(partial(_deleted, client, task_id))
    expect(rows).to_have_count(ROWS - len(gone))
    assert page.evaluate("id => document.getElementById(id).getBoundingClientRect().y", before[0]) == before[1]
    assert row.evaluate("row => row.isConnected")
    expect(page.locator("tbody tr.left")).to_have_count(len(gone))
    page.mouse.move(5, 5)
    expect(page.locator("tbody tr.left")).to_have_count(0)
    expect(rows).to_have_count(ROWS - len(gone))


def test_selected_rows_stay_and_stay_selected_wherever_the_pointer_is(page: Page, marching: Started, tag: str, bustle: Change) -> None:
    boxes = opened(page, marching, tag).locator("tbody input.check")
    chosen = [box.input_value() for box in (boxes.nth(1), boxes.nth(3), boxes.nth(4))]
    for number in (1, 3, 4):
        held(page, boxes.nth(number).check)
    page.mouse.move(5, 5)
    page.evaluate("() => document.activeElement.blur()")
    hear_frames(page, 3)
    still(page, bustle, 0, 1, 2, 3, 4)
    assert page.locator("tbody input.check:checked").evaluate_all("boxes => boxes.map((box) => box.value)") == chosen
    expect(page.locator(".actions .count")).to_contain_text("3")


def test_a_row_in_focus_stays_and_the_focus_in_it(page: Page, marching: Started, tag: str, bustle: Change) -> None:
    row = opened(page, marching, tag).locator("tbody tr[data-task]").nth(2)
    held(page, row.locator("a").first.focus)
    still(page, bustle, 0, 1, 2, 3)


def test_an_open_menu_stays_open_with_the_focus_in_it(page: Page, marching: Started, tag: str, bustle: Change) -> None:
    row = opened(page, marching, tag).locator("tbody tr[data-task]").nth(1)
    held(page, row.locator("summary").click)
    page.keyboard.press("Tab")
    still(page, bustle, 0, 1, 2)
    expect(row.locator("details")).to_have_attribute("open", "")
    expect(row.locator(".menu-items :focus")).to_have_count(1)


def test_selected_text_stays_selected(page: Page, marching: Started, tag: str, bustle: Change) -> None:
    row = opened(page, marching, tag).locator("tbody tr[data-task]").nth(3)
    held(page, row.hover)
    row.evaluate("row => getSelection().selectAllChildren(row)")
    page.evaluate(f"row => ({WATCH})([...document.querySelectorAll('tbody tr[data-task]')].slice(2, 5))")
    for _ in range(FRAMES):
        bustle()
        hear_frames(page, 1)
    watched(page, 0)


def test_what_is_in_sight_stays_where_a_page_was_scrolled_to(page: Page, marching: Started, tag: str, bustle: Change) -> None:
    page.set_viewport_size({"width": 1280, "height": 420})
    opened(page, marching, tag)
    page.mouse.move(5, 5)
    page.evaluate("() => scrollTo(0, 450)")
    hear_frames(page, 2)
    row = page.locator("tbody tr[data-task]").nth(7)
    before = row.evaluate("row => [row.id, row.getBoundingClientRect().y]")
    assert 0 < before[1] < 420
    for _ in range(5):
        bustle()
    page.wait_for_function(
        "id => [...document.querySelectorAll('tbody tr[data-task]')].findIndex((row) => row.id === id) >= 12", arg=before[0], polling=100
    )
    assert page.evaluate(PAINTED, before[0]) == before[1]
