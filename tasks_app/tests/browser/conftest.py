"""A real Chromium in front of a real server. Whatever the content policy refuses or a script throws fails the test."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tasks_app.tests.processes import PATIENCE, Started, started

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=PATIENCE * 1000)
# The first is the same engine without a window around it: it draws the same for two fifths of the processor time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)

# Pages wait for answers as long as the tests do, not for the seconds that are enough for people.
PATIENT = f"AbortSignal.timeout = (after => () => after.call(AbortSignal, {PATIENCE * 1000}))(AbortSignal.timeout)"
REPORT = "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))"

BEGIN = 1_790_000_000  # seconds since 1970: some time, where it does not go on by itself

Api = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. One a module: while playwright is open its event loop counts as running, and no async test could."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install the package chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE * 1000)
        yield browser
        browser.close()


class Complaints(list[str]):
    """Lines of consoles. Those with one of the texts in `expected` may come, whenever they do."""

    expected: tuple[str, ...] = ()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What a page's console said that it should not; a test that expects some takes them out, or says so."""
    heard = Complaints()
    yield heard
    assert [line for line in heard if not any(text in line for text in heard.expected)] == []


@pytest.fixture
def open_page(chromium: Browser, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page in a context of its own; options are those of playwright's new_context."""
    contexts: list[BrowserContext] = []

    def opened(**options: Any) -> Page:
        context = chromium.new_context(locale="en-GB", timezone_id="Europe/Berlin", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.add_init_script(REPORT)
        page.add_init_script(PATIENT)
        page.add_init_script(SOCKETS)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of the usual size."""
    return open_page(viewport={"width": 1280, "height": 900})


@pytest.fixture(scope="session")
def marching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server of which much is asked at once."""
    output = tmp_path_factory.mktemp("marching") / "output"
    variables = {"IOTASK_MAX_RUNNING": "256", "IOTASK_HANDLERS": "tasks_app.tests.shown_tasks", "IOTASK_GRACE_SECONDS": "0"}
    with started(output, "manage.py", "serve", "-p", "0", **variables) as process:
        yield process
        assert process.stop() == 0, process.said


@pytest.fixture
def api_of() -> Iterator[Callable[[str], Api]]:
    """Calls the JSON API of a server: `api_of(url)("POST", "/tasks", {...})`."""
    with httpx.Client() as client:

        def of(url: str) -> Api:
            def call(method: str, path: str, body: Any = None) -> dict[str, Any]:
                answer = client.request(method, f"{url}/api/v2{path}", json=body)
                assert answer.status_code < 400, answer.text
                return answer.json() if answer.content else {}

            return call

        yield of


@pytest.fixture
def api(served: str, api_of: Callable[[str], Api]) -> Api:
    """That of the server under test."""
    return api_of(served)


@pytest.fixture
def launch(api: Api) -> Iterator[Callable[..., dict[str, Any]]]:
    """Launches a task under a tag of the test's own; all it launched is deleted at the end."""
    made: list[str] = []

    def one(type_name: str = "count", params: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        task = api("POST", "/tasks", {"type": type_name, "params": params or {}, **more})
        made.append(task["id"])
        return task

    yield one
    deleted(api, ids=made) if made else None


def eventually(holds: Callable[[], object], page: Page | None = None) -> None:
    """Return when it holds; with a page, what its browser tells is heard meanwhile. Not for what a page shows: there, `expect` waits."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE} s"
        page.wait_for_timeout(50) if page else time.sleep(0.05)


def ended(call: Api, *tasks: dict[str, Any], status: str = "completed") -> None:
    """Return when these tasks stand at that."""
    eventually(lambda: all(call("GET", f"/tasks/{task['id']}")["status"] == status for task in tasks))


def deleted(call: Api, **which: Any) -> None:
    """Delete tasks by `ids` or `filter`, and return when all of them are gone: nothing of it goes on beside the next test."""
    ended(call, call("POST", "/actions", {"action": "delete", **which}))


def until_live(page: Page) -> None:
    """Return when the page hears the server. Its scripts have run by then."""
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def hear_frames(page: Page, count: int) -> None:
    """Return when the page has handled so many more frames."""
    page.evaluate("count => new Promise((done) => document.addEventListener('live:frame', () => --count || done()))", count)


# The sockets of a page, and whether it said last that it holds the order of its list.
SOCKETS = """(() => {
  const { send } = WebSocket.prototype;
  window.opened = new Set();
  window.holds = false;
  WebSocket.prototype.send = function (text) {
    opened.add(this);
    const { hold } = JSON.parse(text);
    if (hold !== undefined) window.holds = hold;
    return send.call(this, text);
  };
})()"""
# A snapshot that is asked for after it was said comes after it was heard: frames that were on their way by then say nothing of it.
HEARD = """() => new Promise((done) => {
  document.addEventListener("live:frame", ({ detail }) => detail.snapshot && done());
  for (const socket of opened) if (socket.readyState === WebSocket.OPEN) socket.send('{"snapshot": 0}');
})"""


def until_held(page: Page) -> None:
    """Return when the page has said that it holds its order, and the server has heard it. For pages of `open_page`."""
    page.wait_for_function("() => holds", polling=100)
    page.evaluate(HEARD)


def with_time_at_rest(page: Page) -> None:
    """Before a page is opened: no time passes for it but what `page.clock.run_for` says. Sockets, answers and keys come all the same."""
    page.clock.install(time=BEGIN)
    page.clock.pause_at(BEGIN + 3600)  # until then it goes on by itself


def unhurried(page: Page) -> None:
    """What pages leave people ten or fifteen seconds for, toasts and undos, they leave this one ten minutes for. Before it is opened."""
    page.add_init_script("setTimeout = (later => (act, ms, ...more) => later(act, ms >= 10_000 ? 600_000 : ms, ...more))(setTimeout)")


def pressed(page: Page, what: Locator) -> None:
    """Click what leads to another page without a script, and return when that is there: whoever goes on at once cuts the request off."""
    with page.expect_navigation():
        what.click()
