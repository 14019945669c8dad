"""The search box, saved views, keys, times and watched tasks, as a person uses them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Route, expect

from tasks_app.tests.browser.conftest import Api, ended, eventually, unhurried, until_live, with_time_at_rest

Launch = Callable[..., dict[str, Any]]


def _tag() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


def _open(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def _asked(url: str, word: str) -> bool:
    """Whether that asks for what completes this word."""
    parts = urlsplit(url)
    return parts.path == "/search/completion" and parse_qs(parts.query)["word"] == [word]


def _selected(page: Page) -> Any:
    return page.locator(".completion [aria-selected=true]")


def test_what_was_typed_before_the_script_came_is_completed_too(page: Page, served: str) -> None:
    held: list[Route] = []
    page.route("**/js/search/search.js", lambda route: held.append(route))
    with page.expect_request("**/js/search/search.js"):
        page.goto(served, wait_until="commit")
    page.locator("[role=combobox]").click()
    page.keyboard.type("sta")
    eventually(lambda: held, page)
    held.pop().continue_()
    expect(_selected(page)).to_contain_text("status")
    page.wait_for_load_state()
    page.evaluate("() => new Promise((done) => setTimeout(done))")  # what is done when a page is shown has been done
    expect(_selected(page)).to_contain_text("status")


def test_a_search_is_made_by_keyboard_alone(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    task = launch(params={"to": 2, "interval": 0}, tags=[tag, f"{tag}-two"], name="Here it is")
    launch(params={"to": 2, "interval": 0}, name="Not this one")
    expect(page).to_have_url("about:blank")
    _open(page, f"{served}/")
    page.keyboard.press("/")
    box = page.locator("[role=combobox]")
    expect(box).to_be_focused()
    page.keyboard.type("ta")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(_selected(page)).to_contain_text("tag")
    page.keyboard.press("Tab")
    expect(box).to_have_value("tag:")
    page.keyboard.type(tag)
    expect(_selected(page)).to_contain_text(tag)
    page.keyboard.press("ArrowDown")
    expect(_selected(page)).to_contain_text("-two")
    expect(box).to_have_attribute("aria-activedescendant", re.compile(".+"))
    active = "box => document.getElementById(box.getAttribute('aria-activedescendant')).getAttribute('aria-selected')"
    assert box.evaluate(active) == "true"
    page.keyboard.press("Enter")
    expect(box).to_have_value(f"tag:{tag}-two ")
    page.keyboard.type("-na")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("me:other")
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    assert page.url == f"{served}/?q=tag%3A{tag}-two+-name%3Aother"
    expect(page.locator(f"#task-{task['id']}")).to_be_visible()
    until_live(page)  # a key that is pressed before is nobody's
    page.keyboard.press("/")
    page.keyboard.press("Backspace")
    expect(box).to_have_value("-name:other")
    expect(page.locator(".chip")).to_have_count(1)
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)


def test_what_an_arrow_chose_stays_chosen_when_a_late_answer_proposes_it_again(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    launch(params={"to": 2, "interval": 0}, tags=[tag, f"{tag}-two"])
    _open(page, f"{served}/")
    box = page.locator("[role=combobox]")
    box.focus()
    with page.expect_response(lambda answer: _asked(answer.url, f"tag:{tag[:-1]}")):  # whoever types slowly asks for less before
        page.keyboard.type(f"tag:{tag[:-1]}")
    expect(_selected(page)).to_contain_text(tag)
    held: list[Route] = []
    page.route(lambda url: _asked(url, f"tag:{tag}"), lambda route: held.append(route))
    with page.expect_request(lambda request: _asked(request.url, f"tag:{tag}")):
        page.keyboard.type(tag[-1])
    eventually(lambda: held, page)
    page.keyboard.press("ArrowDown")
    expect(_selected(page)).to_contain_text("-two")
    page.evaluate("document.querySelector('.completion [role=option]').dataset.early = ''")
    held[0].continue_()
    expect(page.locator(".completion [data-early]")).to_have_count(0)
    expect(_selected(page)).to_contain_text("-two")
    page.keyboard.press("Enter")
    expect(box).to_have_value(f"tag:{tag}-two ")


def test_what_is_wrong_is_said_beside_the_chips_and_one_press_mends_it(page: Page, served: str) -> None:
    page.goto(f"{served}/?q=stauts:failed")
    expect(page.locator(".chip.bad")).to_contain_text("stauts")
    expect(page.locator("#search-wrong")).to_contain_text("No key is called stauts, so it filters nothing. Did you mean status?")
    said, chips = page.locator("#search-wrong").bounding_box(), page.locator(".ledger").bounding_box()
    assert said
    assert chips
    assert said["y"] + said["height"] <= chips["y"], "the sentence lies over the numbers"
    page.locator("#search-wrong a").click()
    expect(page).to_have_url(f"{served}/?q=status%3Afailed")
    expect(page.locator(".chip")).to_contain_text("status:failed")
    expect(page.locator(".completion")).to_be_hidden()


def test_a_view_is_saved_renamed_used_and_removed_and_what_is_odd_in_storage_does_no_harm(page: Page, served: str) -> None:
    unhurried(page)
    page.goto(f"{served}/keys")
    odd = (
        '[{"name":"<img src=x onerror=alert(1)>","query":"status=failed&cursor=x&evil=1"},7,null,{"name":1},{"name":"a","query":"'
        + "x" * 3000
        + '"}]'
    )
    page.evaluate("odd => localStorage.setItem('iotask-views', odd)", odd)
    _open(page, f"{served}/?q=name:nobody")
    own = page.locator("[data-own-views] li")
    expect(own).to_have_count(1)
    expect(own.locator("a .cut")).to_have_text("<img src=x onerror=alert(1)>")
    assert own.locator("a").get_attribute("href") == "/?status=failed"
    page.get_by_role("button", name="Save this view").click()
    page.keyboard.type("Nobody's")
    page.keyboard.press("Enter")
    expect(own).to_have_count(2)
    expect(own.nth(1).locator("a")).to_be_focused()
    expect(own.nth(1).locator("a")).to_have_attribute("aria-current", "true")
    expect(own.nth(1).locator("a span").nth(1)).to_have_text("0")
    page.get_by_role("button", name="Rename Nobody's").click()
    page.keyboard.type("Nobody")
    page.keyboard.press("Enter")
    expect(own.nth(1).locator("a .cut")).to_have_text("Nobody")
    page.goto(f"{served}/settings")
    own.nth(1).locator("a").click()
    expect(page).to_have_url(f"{served}/?q=name%3Anobody")
    page.get_by_role("button", name="Remove Nobody").click()
    expect(own).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(own).to_have_count(2)


def test_views_are_reached_on_a_phone(open_page: Callable[..., Page], served: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    page.goto(f"{served}/")
    expect(page.locator(".views")).to_be_hidden()
    page.locator(".views-open").click()
    page.get_by_role("link", name="Needs a look").click()
    expect(page).to_have_url(f"{served}/?status=failed&status=interrupted")


def test_counts_of_views_are_live_whatever_the_filter(page: Page, served: str, launch: Launch) -> None:
    _open(page, f"{served}/?q=name:nobody")
    everything = page.locator("[data-total-of=all]")
    before = int(str(everything.text_content()).replace(",", ""))
    launch(params={"to": 2, "interval": 0})
    expect(everything).to_have_text(f"{before + 1:,}")


def test_rows_are_walked_selected_opened_and_acted_on_by_keys_also_on_a_russian_keyboard(page: Page, served: str, launch: Launch) -> None:
    tag = _tag()
    older, newer = (launch(params={"to": 1000, "interval": 1}, tags=[tag], name=name) for name in ("older", "newer"))
    _open(page, f"{served}/?tag={tag}")
    expect(page.locator(f"#task-{newer['id']}")).to_have_attribute("data-status", "processing")
    page.keyboard.press("j")
    expect(page.locator(f"#task-{newer['id']} .what a")).to_be_focused()
    _press_russian(page, "о", "KeyJ")
    expect(page.locator(f"#task-{older['id']} .what a")).to_be_focused()
    _press_russian(page, "ч", "KeyX")
    expect(page.locator(f"#task-{older['id']} input.check")).to_be_checked()
    expect(page.locator("#heard")).to_have_text(f"Task {older['number']} is selected.")
    page.keyboard.press("x")
    expect(page.locator(f"#task-{older['id']} input.check")).not_to_be_checked()
    page.keyboard.press("c")  # without Shift nothing is stopped
    page.keyboard.press("k")
    page.keyboard.press("Shift+C")
    expect(page.locator(f"#task-{newer['id']}")).to_have_attribute("data-status", "cancelled")
    expect(page.locator(f"#task-{older['id']}")).to_have_attribute("data-status", "processing")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{served}/tasks/{newer['id']}")


def _press_russian(page: Page, key: str, code: str) -> None:
    event = (
        "([key, code]) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, code, bubbles: true, cancelable: true}))"
    )
    page.evaluate(event, [key, code])


def test_the_sheet_of_keys_opens_over_any_page_and_can_switch_them_off(page: Page, served: str) -> None:
    with_time_at_rest(page)  # between g and t there are no two seconds
    page.goto(f"{served}/settings")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_url(f"{served}/")
    until_live(page)
    page.keyboard.press("/")
    page.keyboard.type("?ng")
    expect(sheet).to_have_count(0)
    expect(page.locator("[role=combobox]")).to_have_value("?ng")
    page.goto(f"{served}/keys")
    page.get_by_role("switch").uncheck()
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page).to_have_url(f"{served}/keys")
    expect(sheet).to_have_count(0)


def test_one_switch_shows_all_times_in_utc_and_is_kept(page: Page, served: str, launch: Launch, api: Api) -> None:
    task = launch(params={"to": 2, "interval": 0})
    ended(api, task)
    page.goto(f"{served}/tasks/{task['id']}")
    clock = page.locator("time[data-time]").first
    at = int(str(clock.get_attribute("data-time")))
    local, utc = (
        page.evaluate("([at, zone]) => new Date(at * 1000).toLocaleTimeString('en-GB', {timeZone: zone})", [at, z])
        for z in ("Europe/Berlin", "UTC")
    )
    expect(clock).to_have_text(local)
    page.get_by_role("button", name="UTC").click()
    expect(clock).to_have_text(utc)
    clock.hover()
    expect(clock).to_have_attribute("title", re.compile("UTC"))
    page.goto(f"{served}/")
    expect(page.get_by_role("button", name="UTC")).to_have_attribute("aria-pressed", "true")


def test_a_watched_task_is_told_of_on_another_page_and_counted_while_nobody_looks(
    page: Page, served: str, launch: Launch, api: Api
) -> None:
    unhurried(page)
    page.context.grant_permissions(["notifications"], origin=served)
    page.add_init_script(
        "window.told = []; window.Notification = class extends EventTarget { constructor(title) { super(); told.push(title) }"
        " static permission = 'granted' };"
        "window.away = false; Object.defineProperty(document, 'hidden', {get: () => away})"
    )
    tasks = [launch(params={"to": 1000, "interval": 1}, name=f"watched {n}") for n in range(2)]
    for task in tasks:
        page.goto(f"{served}/tasks/{task['id']}")
        page.get_by_role("button", name="Watch", exact=True).click()
        expect(page.get_by_role("button", name="Stop watching")).to_be_visible()
    page.goto(f"{served}/settings")
    api("POST", f"/tasks/{tasks[0]['id']}/cancel")
    expect(page.locator(".toast", has_text="Cancelled: count watched 0")).to_be_visible()
    assert page.title().startswith("Settings")
    page.evaluate("() => { away = true }")
    api("POST", f"/tasks/{tasks[1]['id']}/cancel")
    expect(page).to_have_title(re.compile(r"^\(1\) Settings"))
    assert page.evaluate("() => told") == ["Cancelled: count watched 1"]
    page.evaluate("() => { away = false; document.dispatchEvent(new Event('visibilitychange')) }")
    expect(page).to_have_title(re.compile("^Settings"))


def test_a_search_and_an_export_work_without_a_script(open_page: Callable[..., Page], served: str, launch: Launch) -> None:
    tag = _tag()
    launch(params={"to": 2, "interval": 0}, tags=[tag], name="Plain")
    page = open_page(java_script_enabled=False)
    page.goto(f"{served}/?tag={tag}&q=-name:other")
    page.get_by_role("combobox").fill("plain")
    page.get_by_role("combobox").press("Enter")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("table.tasks tbody tr[data-task]")).to_have_count(1)
    with page.expect_download() as waited:
        page.get_by_role("link", name="Export as CSV").click()
    assert re.fullmatch(r"iotask-\d{4}-\d\d-\d\d-\d{6}\.csv", waited.value.suggested_filename)
    assert "Plain" in waited.value.path().read_text("utf-8-sig")
