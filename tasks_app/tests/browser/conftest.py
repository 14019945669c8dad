"""A real Chromium in front of a real server. Whatever the content policy refuses or a script throws fails the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

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

REPORT = "addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))"

Api = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium. One a module: while playwright is open its event loop counts as running, and no async test could."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install the package chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
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
    api("POST", "/actions", {"action": "delete", "ids": made}) if made else None


def hear_frames(page: Page, count: int) -> None:
    """Return when the page has handled so many more frames."""
    page.evaluate("count => new Promise((done) => document.addEventListener('live:frame', () => --count || done()))", count)
