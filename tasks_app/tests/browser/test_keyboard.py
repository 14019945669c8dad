"""The main jobs with a keyboard alone: the focus is always seen, and never lost by what it did."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tasks_app.tests.browser.conftest import Api, deleted, until_held
from tasks_app.tests.browser.conftest import until_live as live
from tasks_app.tests.processes import Started

Launch = Callable[..., dict[str, Any]]
MOST = 120  # stops of Tab

# Whether whatever has the focus is seen, has a name, and shows that it has the focus: it or what stands around it looks otherwise without.
STOP = """() => {
  const here = document.activeElement;
  if (here === document.body) return null;
  const around = [here, here.parentElement, here.closest("label, .box, .search"), here.nextElementSibling].filter(Boolean);
  const looks = () => around.flatMap((one) => [null, "::before", "::after"].map((part) => [one, part])).map(([one, part]) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } = getComputedStyle(one, part);
    return outlineStyle === "none" ? [boxShadow, borderColor, backgroundColor] : [outlineStyle, outlineWidth, outlineColor];
  }).join();
  const name = here.ariaLabel || here.textContent.trim() || here.title || here.labels?.[0]?.textContent.trim() || here.placeholder || "";
  const { width, height, x, right } = here.getBoundingClientRect();
  const focused = looks();
  here.blur();
  const ring = looks() !== focused;
  here.focus({ focusVisible: true, preventScroll: true });
  return { what: here.outerHTML.slice(0, 120), name, ring, seen: width > 0 && height > 0 && right > 0 && x < innerWidth,
           at: [...document.querySelectorAll("*")].indexOf(here) };
}"""
FOCUS = "() => document.activeElement === document.body ? '' : document.activeElement.outerHTML.slice(0, 120)"


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until it has the focus."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        if wanted.count() and wanted.first.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab does not come to {wanted}")


def kept(page: Page) -> None:
    """Something has the focus still."""
    page.wait_for_function(f"() => ({FOCUS})()", polling=100)


def row(page: Page, task: dict[str, Any]) -> Locator:
    return page.locator(f"#task-{task['id']}")


def test_a_task_is_launched_found_opened_cancelled_retried_and_run_again_with_a_change(page: Page, served: str, api: Api) -> None:
    name = f"n{uuid.uuid4().hex[:8]}"
    page.goto(served)
    live(page)
    page.keyboard.press("n")
    kind = page.locator("#kinds a[href$='/launch/count']")
    expect(kind).to_be_visible()
    tab_to(page, kind)
    page.keyboard.press("Enter")
    to = page.get_by_label("To", exact=True)
    expect(to).to_be_visible()
    if not to.evaluate("one => one === document.activeElement"):
        tab_to(page, to)
    page.keyboard.press("Control+A")
    page.keyboard.type("1000")
    tab_to(page, page.get_by_label("Interval"))
    page.keyboard.press("Control+A")
    page.keyboard.type("1")
    tab_to(page, page.locator("#launch summary", has_text="Options"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Name", exact=True))
    page.keyboard.type(name)
    tab_to(page, page.get_by_role("button", name="Launch count"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/tasks/*")

    page.goto(served)
    live(page)
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: name in url)
    live(page)
    page.keyboard.press("Escape")
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("j")
    expect(page.locator("tbody tr a:focus")).to_contain_text(name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/tasks/*")

    live(page)
    main = page.locator("main[data-task]")
    tab_to(page, main.get_by_role("button", name=re.compile("^Cancel")))
    page.keyboard.press("Enter")
    expect(main).to_have_attribute("data-status", "cancelled")
    kept(page)
    tab_to(page, main.get_by_role("button", name=re.compile("^Retry")))
    page.keyboard.press("Enter")
    expect(main).to_have_attribute("data-status", "processing")
    kept(page)
    page.keyboard.press("Shift+C")
    expect(main).to_have_attribute("data-status", "cancelled")
    kept(page)
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/launch/count"))
    tab_to(page, to)
    page.keyboard.press("Control+A")
    page.keyboard.type("3")
    tab_to(page, page.locator("#launch button[value=launch]"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/tasks/*")
    again = page.url.rsplit("/", 1)[1]
    assert api("GET", f"/tasks/{again}")["params"]["to"] == 3
    for task in api("GET", f"/tasks?q={name}")["items"]:
        api("DELETE", f"/tasks/{task['id']}")


def test_rows_are_deleted_and_back_selected_and_cancelled_and_a_view_is_kept(page: Page, served: str, launch: Launch, api: Api) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    tasks = [launch(params={"to": 1000, "interval": 1}, tags=[tag]) for _ in range(3)][::-1]
    page.goto(f"{served}/?tag={tag}")
    live(page)
    page.keyboard.press("j")
    until_held(page)
    page.keyboard.press("Shift+D")
    expect(row(page, tasks[0])).to_have_count(0)
    kept(page)
    expect(page.get_by_role("button", name=re.compile("^Undo"))).to_be_visible()
    page.keyboard.press("z")
    expect(page.locator(".fresh")).to_be_visible()  # the list is still while the focus is in it
    page.keyboard.press(".")
    expect(row(page, tasks[0])).to_have_count(1)
    kept(page)

    page.goto(f"{served}/?tag={tag}")
    live(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".actions .count")).to_contain_text("2")
    for _ in range(MOST):  # the bar stands above the rows
        page.keyboard.press("Shift+Tab")
        if page.locator(".actions button[value=cancel]:focus").count():
            break
    page.keyboard.press("Enter")
    for task in tasks[1:]:
        expect(row(page, task)).to_have_attribute("data-status", "cancelled")
    kept(page)

    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.evaluate("() => document.activeElement.blur()")
    tab_to(page, page.locator("[data-save-view]"))
    page.keyboard.press("Enter")
    page.keyboard.press("Control+A")
    page.keyboard.type("Mine of today")
    page.keyboard.press("Enter")
    expect(page.locator("[data-own-views]")).to_contain_text("Mine of today")
    kept(page)


def test_a_list_is_paged_through(page: Page, marching: Started, api_of: Callable[[str], Api]) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    call = api_of(marching.url)
    call("POST", "/tasks/bulk", {"tasks": [{"type": "count", "params": {"to": 1000}, "tags": [tag]}] * 60})
    page.goto(f"{marching.url}/?tag={tag}")
    live(page)
    page.keyboard.press("k")  # the last row
    tab_to(page, page.get_by_role("link", name="Older"))
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr[data-task]")).to_have_count(10)
    live(page)
    page.keyboard.press("k")
    tab_to(page, page.get_by_role("link", name="Newest"))
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr[data-task]")).to_have_count(50)
    deleted(call, filter={"tag": [tag]})


def test_a_task_that_does_not_stop_is_forced_and_a_log_is_filtered(page: Page, marching: Started, api_of: Callable[[str], Api]) -> None:
    call = api_of(marching.url)
    task = call("POST", "/tasks", {"type": "stubborn"})
    page.goto(f"{marching.url}/tasks/{task['id']}")
    live(page)
    main = page.locator("main[data-task]")
    expect(main).to_have_attribute("data-status", "processing")
    tab_to(page, main.get_by_role("button", name=re.compile("^Cancel")))
    page.keyboard.press("Enter")
    force = main.get_by_role("button", name=re.compile("^Force"))
    expect(force).to_be_visible()
    kept(page)
    tab_to(page, force)
    page.keyboard.press("Enter")
    expect(main).to_have_attribute("data-status", "cancelled")
    kept(page)

    spoken = call("POST", "/tasks", {"type": "measured", "params": {"words": "said"}})
    page.goto(f"{marching.url}/tasks/{spoken['id']}")
    expect(main).to_have_attribute("data-status", "completed")
    tab_to(page, page.locator("#log-words"))
    page.keyboard.type("error")
    expect(page.locator("ol.log li:visible")).to_have_count(1)


def test_every_stop_of_tab_is_seen_has_a_name_and_shows_that_it_has_the_focus(page: Page, served: str, launch: Launch) -> None:
    tag = f"t{uuid.uuid4().hex[:8]}"
    task = launch(params={"to": 1000, "interval": 60}, tags=[tag])
    for path in (f"/?tag={tag}", "/launch/ping?as=form", f"/tasks/{task['id']}", "/schedules", "/types/count", "/pulse"):
        page.goto(f"{served}{path}")
        stops: list[dict[str, Any]] = []
        for _ in range(MOST):
            page.keyboard.press("Tab")
            stop = page.evaluate(STOP)
            if stop is None or (stops and stop["at"] == stops[0]["at"]):
                break
            stops.append(stop)
        assert len(stops) > 10, path
        assert "skip" in stops[0]["what"]
        assert [stop["what"] for stop in stops if not (stop["seen"] and stop["name"] and stop["ring"])] == [], path
        assert [stop["at"] for stop in stops] == sorted(stop["at"] for stop in stops), path


def test_the_first_stop_leads_past_the_rail(page: Page, served: str) -> None:
    page.goto(served)
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    expect(page.locator("a.skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")
