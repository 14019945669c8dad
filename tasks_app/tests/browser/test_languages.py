"""A page in Russian, in a browser: chosen by its switch, and live in the same language."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tasks_app.language import COOKIE
from tasks_app.tests.browser.conftest import Complaints

Launch = Callable[..., dict[str, Any]]


def test_the_switch_turns_a_page_to_russian_and_what_comes_live_is_russian_too(page: Page, served: str, launch: Launch) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    task = launch(params={"to": 100_000, "interval": 1}, tags=[tag])
    page.goto(f"{served}/?tag={tag}")
    page.get_by_role("button", name="Русский").click()
    expect(page).to_have_url(f"{served}/?tag={tag}")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.locator(".conn")).to_have_text("На связи")
    row = page.locator(f"#task-{task['id']}")
    expect(row.locator("[data-slot=how]")).to_contain_text("из 100\u00a0000")
    httpx.post(f"{served}/api/v2/tasks/{task['id']}/cancel").raise_for_status()
    expect(row.locator("[data-slot=status]")).to_have_text("Отменена")
    expect(row.locator("[data-slot=when]")).to_contain_text("только что")
    page.get_by_role("button", name="English").click()
    expect(row.locator("[data-slot=status]")).to_have_text("Cancelled")


def test_without_a_script_the_switch_is_a_form(open_page: Callable[..., Page], served: str) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{served}/types")
    page.get_by_role("button", name="Русский").click()
    expect(page).to_have_url(f"{served}/types")
    expect(page.get_by_role("heading", level=1)).to_have_text("Типы")


# Texts whose end nobody can see: past the screen, or past an edge that hides it and shows no dots. What scrolls is no loss.
CUT = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const own = text.parentElement;
    if (!text.data.trim() || !own.checkVisibility({ visibilityProperty: true })) continue;
    if (own.closest(".unseen, option, script, template")) continue;
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    for (let up = own; up; up = up.parentElement) {
      const { overflowX, textOverflow, webkitLineClamp } = getComputedStyle(up);
      const screen = up === document.documentElement;
      const dots = textOverflow === "ellipsis" || webkitLineClamp !== "none";
      if (["auto", "scroll"].includes(overflowX) || (overflowX !== "visible" && dots)) break;
      const edge = screen ? { left: 0, right: innerWidth } : up.getBoundingClientRect();
      if ((overflowX !== "visible" || screen) && (box.right > edge.right + 1 || box.left < edge.left - 1)) {
        found.push(text.data.trim().slice(0, 60));
        break;
      }
    }
  }
  return found;
}"""


def test_on_a_small_phone_no_russian_word_is_cut_off(
    open_page: Callable[..., Page], served: str, api: Callable[..., dict[str, Any]], complaints: Complaints
) -> None:
    complaints.expected = ("404",)
    page = open_page(viewport={"width": 360, "height": 740})
    page.context.add_cookies([{"name": COOKIE, "value": "ru", "url": served}])
    made = api("POST", "/schedules", {"cron": "0 3 * * 1-5", "timezone": "Europe/Berlin", "task": {"type": "count", "params": {"to": 1}}})
    api("POST", f"/schedules/{made['id']}/run")
    for path in (
        *("/", "/schedules", f"/schedules/{made['id']}", "/schedules/new/ping", "/launch/long_computation", "/bulk?all=1"),
        *("/types", "/types/ping", "/activity", "/pulse", "/nowhere"),
    ):
        page.goto(f"{served}{path}")
        expect(page.locator("html")).to_have_attribute("lang", "ru")
        assert page.evaluate(CUT) == [], path
    api("DELETE", f"/schedules/{made['id']}")
