"""The pulse in a browser: charts are read slot by slot and lead to the list, by pointer and by keys, and move on in place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api, ended

Launch = Callable[..., dict[str, Any]]
CHART = "#throughput"


def _opened(page: Page, served: str, query: str = "") -> None:
    page.goto(f"{served}/pulse{query}")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def test_a_span_is_chosen_by_dragging_and_leads_to_the_tasks_of_that_time(page: Page, served: str, launch: Launch, api: Api) -> None:
    ended(api, launch(params={"to": 1, "interval": 0}))
    _opened(page, served)
    over = page.locator(f"{CHART} [data-over]")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    expect(page.locator(f"{CHART} [data-tip]")).to_contain_text(re.compile(r"\d\d:\d\d"))
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + 30, steps=4)
    page.mouse.up()
    link = page.locator(f"{CHART} [data-picked] a")
    expect(link).to_have_text(re.compile(r"\d\d:\d\d to \d\d:\d\d: show these tasks"))
    link.click()
    expect(page.locator("tr[data-status=completed]").first).to_be_visible()
    assert re.search(r"q=ended:\d{4}-\d\d-\d\dT\d\d:\d\dZ\.\.\d{4}-\d\d-\d\dT\d\d:\d\dZ", unquote(page.url))


def test_arrow_keys_read_slots_and_with_shift_choose_a_span(page: Page, served: str, launch: Launch) -> None:
    launch(params={"to": 1, "interval": 0})
    _opened(page, served, "?by=status")
    page.wait_for_function("() => new Date().getSeconds() < 40", polling=100)  # with each minute that ends the slots move on under the hand
    hand = page.locator(f"{CHART} input[type=range]")
    hand.focus()
    third = page.locator(f"{CHART} tbody tr").nth(-3).locator("th, td")
    for key in ("Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    when, finished, completed = third.all_text_contents()[:3]
    assert re.fullmatch(r"\d\d:\d\d", when)
    expect(hand).to_have_attribute("aria-valuetext", re.compile(f"^{when}, Finished: {finished}, Completed: {completed}"))
    expect(hand).to_have_js_property("value", "2")
    picked = page.locator(f"{CHART} [data-picked]")
    expect(picked).to_be_hidden()
    page.keyboard.press("Shift+End")
    expect(picked).to_be_visible()
    page.keyboard.press("Escape")
    expect(picked).to_be_hidden()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/\?q=ended"))


def test_charts_move_on_in_place_and_an_open_table_stays_open(page: Page, served: str, launch: Launch, api: Api) -> None:
    ended(api, launch(params={"to": 1, "interval": 0}))  # before anything has run there are no charts
    _opened(page, served)
    page.locator(f"{CHART} summary").click()
    page.evaluate("kept = [...document.querySelectorAll('#throughput tbody tr, #throughput .plot-box, #throughput h2')]")
    before = page.locator(f"{CHART} [data-slot=throughput-words] p").inner_text()
    for _ in range(3):
        launch(params={"to": 1, "interval": 0})
    expect(page.locator(f"{CHART} [data-slot=throughput-words] p")).not_to_have_text(before)
    assert page.evaluate("kept.filter((one) => one.isConnected).length >= kept.length - 1"), "all but a minute that left"
    expect(page.locator(f"{CHART} table")).to_be_visible()


def test_without_a_script_tables_open_and_their_times_are_links(
    open_page: Callable[..., Page], served: str, launch: Launch, api: Api
) -> None:
    ended(api, launch(params={"to": 1, "interval": 0}))
    page = open_page(java_script_enabled=False)
    page.goto(f"{served}/pulse?span=day")
    page.locator("#failures summary").click()
    page.locator("#failures tbody a").first.click()
    expect(page).to_have_url(re.compile("status=failed"))
    expect(page.locator("h1")).to_have_count(1)
