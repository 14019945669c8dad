"""Launching from a panel over the list, which goes on living under it; and the form that says what it changes of an earlier run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tasks_app.tests.browser.conftest import Api, until_live

Launch = Callable[..., dict[str, Any]]


def test_the_panel_has_an_address_of_its_own_and_closes_by_escape_and_back(page: Page, served: str, launch: Launch) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    home = f"{served}/?tag={tag}"
    page.goto(home)
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    page.keyboard.press("n")
    panel = page.locator("dialog.panel")
    expect(panel.get_by_role("heading", name="What shall run?")).to_be_visible()
    expect(page).to_have_url(f"{served}/launch")
    expect(panel.get_by_label("Find a type")).to_be_focused()
    page.keyboard.type("sieve")
    page.keyboard.press("Enter")  # the only one left
    expect(page).to_have_url(f"{served}/launch/primes")
    expect(panel.get_by_role("heading", name="Launch a task")).to_be_visible()
    made = launch("count", {"to": 1, "interval": 0}, tags=[tag])
    expect(page.locator(f'tr[data-task="{made["id"]}"]')).to_have_attribute("data-status", "completed")  # the list lives on
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page).to_have_url(home)
    expect(page.locator("a[data-key=n]")).to_be_focused()
    page.keyboard.press("n")
    expect(panel).to_be_visible()
    page.go_back()
    expect(panel).to_be_hidden()
    page.go_forward()
    expect(panel).to_be_visible()
    page.reload()
    expect(page.locator("dialog.panel")).to_have_count(0)
    expect(page.get_by_role("heading", name="What shall run?")).to_be_visible()


def test_a_rerun_from_a_row_says_what_it_changes_and_launches(page: Page, served: str, launch: Launch, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    old = launch("count", {"to": 2, "interval": 0}, tags=[tag], name="Small")
    page.goto(f"{served}/?tag={tag}")
    row = page.locator(f'tr[data-task="{old["id"]}"]')
    expect(row).to_have_attribute("data-status", "completed")
    until_live(page)  # the row does not change any more under an open menu
    row.get_by_role("group").locator("summary").click() if row.locator("summary").count() else None
    row.locator('a[href*="/launch/"]').first.click()
    panel = page.locator("dialog.panel")
    expect(panel.get_by_text("Nothing is changed yet")).to_be_visible()
    panel.get_by_label("To", exact=True).fill("3")
    expect(panel.locator("#changes")).to_contain_text("You changed 1")
    expect(panel.locator("#params-to-was")).to_contain_text("was 2")
    panel.get_by_role("button", name="Put To back to 2").click()
    expect(panel.get_by_label("To", exact=True)).to_have_value("2")
    expect(panel.get_by_text("Nothing is changed yet")).to_be_visible()
    panel.get_by_label("To", exact=True).fill("4")
    panel.get_by_role("button", name="Launch count").click()
    expect(page).to_have_url(re.compile("/tasks/"))
    new = api("GET", f"/tasks?tag={tag}")["items"][0]
    assert (new["params"]["to"], new["rerun_of"], new["name"]) == (4, old["id"], "Small")


def test_slots_are_changed_and_a_type_is_paused_on_its_page_while_it_lives(page: Page, served: str, launch: Launch, api: Api) -> None:
    page.goto(f"{served}/types/double")
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="One slot more").click()
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator('[data-slot="gauge"]')).to_contain_text("of 2")
    page.get_by_role("button", name="Back to 1").click()
    expect(page.locator('[data-slot="gauge"]')).to_contain_text("of 1")
    expect(page.get_by_role("spinbutton", name="Slots")).to_have_value("1")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator('[data-slot="note"]')).to_contain_text("double is paused")
    launch("double", {"value": 1})
    expect(page.locator('[data-slot="note"]')).to_contain_text("1 task waits")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator('[data-slot="note"]')).to_be_hidden()
    assert api("GET", "/queues/double")["paused"] is False
