"""Every page, in both themes, wide and on a phone: nothing the content policy refuses, nothing that overflows, nothing without a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tasks_app.language import COOKIE
from tasks_app.tests.browser.conftest import Api, Complaints, until_live

Launch = Callable[..., dict[str, Any]]
# A while of the page's own time, and two pictures.
A_MOMENT = "() => new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 300))"
SIZES = {"wide": {"width": 1440, "height": 1000}, "phone": {"width": 390, "height": 844}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_overflows_or_offends_the_policy(
    open_page: Callable[..., Page], served: str, launch: Launch, complaints: Complaints, scheme: str, size: str
) -> None:
    complaints.expected = ("404",)  # the page that is not there
    page = open_page(viewport=SIZES[size], color_scheme=scheme)
    task = launch(
        params={"to": 1000, "interval": 0.2}, name="A name that goes on and on, longer than any row is wide, and then some more " * 2
    )
    for path in (
        "/",
        "/?status=failed&q=nothing-is-called-this",
        "/launch",
        "/launch/ping",
        f"/tasks/{task['id']}",
        "/tasks/nowhere",
        "/settings",
        "/api/v2/docs",
    ):
        page.goto(f"{served}{path}")
        if page.locator("body[data-live]").count():
            until_live(page)
        page.evaluate(A_MOMENT)
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the screen"
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('main button, main a')]
                .filter((element) => !(element.textContent.trim() || element.ariaLabel || element.title)).length"""
        )
        assert unnamed == 0, path


@pytest.mark.parametrize("language", ["en", "ru"])
def test_no_page_is_wider_than_a_screen_of_320_pixels(
    open_page: Callable[..., Page], served: str, api: Api, launch: Launch, language: str
) -> None:
    page = open_page(viewport={"width": 320, "height": 640}, has_touch=True)
    page.context.add_cookies([{"name": COOKIE, "value": language, "url": served}])
    task = launch(params={"to": 1000, "interval": 0.2}, name="n" * 180)["id"]
    other = launch(params={"to": 999, "interval": 0.2}, name="\u202e\u05d0\u05d1\u05d2" * 40)["id"]
    schedule = api("POST", "/schedules", {"cron": "0 3 * * *", "task": {"type": "count", "name": "n" * 180}})["id"]
    pages = ("/", "/activity", f"/compare?a={task}&b={other}", f"/tasks/{task}", "/types", "/pulse", "/launch/ping")
    for path in (*pages, "/schedules", f"/schedules/{schedule}", f"/schedules/{schedule}/edit"):
        page.goto(f"{served}{path}")
        expect(page.locator("main")).to_be_visible()
        expect(page.locator(".conn")).not_to_be_empty() if page.locator("body[data-live]").count() else None
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), path
    api("DELETE", f"/schedules/{schedule}")


def test_the_theme_switch_overrides_the_system_and_stays(page: Page, served: str) -> None:
    page.goto(served)
    page.locator("[data-theme-switch]").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_main_jobs_are_reached_by_keys(page: Page, served: str, launch: Launch) -> None:
    launch(params={"to": 1000, "interval": 0.5})
    page.goto(served)
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.name") == "q"
    page.keyboard.press("Escape")
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("n")
    page.wait_for_url(f"{served}/launch")


def test_changing_between_form_and_json_does_not_move_the_page(open_page: Callable[..., Page], served: str) -> None:
    page = open_page(viewport=SIZES["phone"])
    page.goto(f"{served}/launch/ping")
    page.get_by_role("button", name="JSON").click()
    expect(page.get_by_label("Params")).to_be_visible()
    page.evaluate(A_MOMENT)  # a scroll that comes with the swap would be under way by now
    assert page.evaluate("() => scrollY") == 0


def test_what_is_chosen_is_in_sight_on_a_phone(open_page: Callable[..., Page], served: str) -> None:
    page = open_page(viewport=SIZES["phone"])
    page.goto(f"{served}/?status=interrupted")
    expect(page.locator(".ledger [aria-current]")).to_be_in_viewport(ratio=0.99)
    page.goto(f"{served}/launch/primes")
    expect(page.locator(".choice[aria-current]")).to_be_in_viewport(ratio=0.99)


def test_the_narrow_rail_keeps_its_names(open_page: Callable[..., Page], served: str) -> None:
    page = open_page(viewport={"width": 900, "height": 800})
    page.goto(served)
    for name in ("IoTask", "Tasks", "API"):
        expect(page.locator(".rail").get_by_role("link", name=name, exact=True)).to_have_count(1)
