"""Every page in every state, wide and on a phone, in both themes: axe finds nothing. No rule of it is left out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tasks_app.auth import table
from tasks_app.language import COOKIE
from tasks_app.tests.auth.conftest import PASSWORD, user_line
from tasks_app.tests.browser.conftest import PATIENT, Complaints
from tasks_app.tests.browser.scenes import EMPTY, NO_PAGES, SCENES, Scene, everything
from tasks_app.tests.processes import PATIENCE, Started, started

AXE = Path(__file__).parents[1] / "vendor" / "axe"
SOURCE = (AXE / "axe.min.js").read_text("utf-8")
ROLES = ("viewer", "admin")
SIZES = {"wide": ViewportSize(width=1440, height=1000), "phone": ViewportSize(width=390, height=844)}
THEMES: dict[str, Literal["light", "dark"]] = {"light": "light", "dark": "dark"}
LOOKS = (("wide", "light"), ("phone", "dark"), ("wide", "dark"), ("phone", "light"))
LOOK = """async (elsewhere) => {
  const found = await axe.run({ exclude: elsewhere }, { rules: { "target-size": { enabled: true } }, resultTypes: ["violations"] });
  const why = (node) => node.failureSummary.split("\\n")[1].trim();
  return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")} · ${why(node)}`));
}"""
SETTLED = "() => Promise.allSettled(document.getAnimations().map((one) => one.effect.getTiming().iterations < 9 && one.finished))"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server that knows people of each role, with task types that stay as they are."""
    output = tmp_path_factory.mktemp("shown") / "output"
    users = "\n".join(user_line(f"the-{role}", role) for role in ROLES)
    variables = {"IOTASK_HANDLERS": "tasks_app.tests.sample_tasks,tasks_app.tests.shown_tasks", "IOTASK_GRACE_SECONDS": "0"}
    with started(output, "manage.py", "serve", "-p", "0", IOTASK_USERS=users, **variables) as process:
        yield process
        assert process.stop() == 0, process.said


def sign_in(context: BrowserContext, url: str, role: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/login")
    page.get_by_label("Name").fill(f"the-{role}")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    page.close()


@pytest.fixture
def people(chromium: Browser, shown: Started, complaints: Complaints) -> Iterator[dict[str, Page]]:
    """A page of each role's own, and one of nobody's."""
    complaints.expected = ("the server responded with a status of 40",)  # pages that are not there, or not for this role
    contexts = {role: chromium.new_context(reduced_motion="reduce", locale="en-GB", viewport=SIZES["wide"]) for role in (*ROLES, "")}
    for context in contexts.values():
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(PATIENT)
    for role in ROLES:
        sign_in(contexts[role], shown.url, role)
    pages = {role: context.new_page() for role, context in contexts.items()}
    for page in pages.values():
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
    yield pages
    for context in contexts.values():
        context.close()


@pytest.fixture
def call(shown: Started, people: dict[str, Page]) -> Iterator[Callable[..., dict[str, Any]]]:
    """The API, as the admin's browser asks it."""
    cookies = {one["name"]: one["value"] for one in people["admin"].context.cookies()}
    with httpx.Client(base_url=f"{shown.url}/api/v2", cookies=cookies) as client:
        people["admin"].goto(shown.url)
        token = people["admin"].locator("#act [name=csrfmiddlewaretoken]").get_attribute("value") or ""

        def ask(method: str, path: str, body: Any = None) -> dict[str, Any]:
            answer = client.request(method, path, json=body, headers={"X-CSRFToken": token, "Origin": shown.url})
            assert answer.status_code < 400, answer.text
            return answer.json() if answer.content else {}

        yield ask


def wrong(page: Page, scene: Scene, looks: Sequence[tuple[str, str]]) -> list[str]:
    """What axe finds in the page as it is."""
    found = []
    for size, theme in looks:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=THEMES[theme], reduced_motion="reduce")
        page.evaluate(SETTLED)
        said = page.evaluate(LOOK, [[place] for place in scene.elsewhere])
        found += [f"{scene.name} ({size}, {theme}) {one}" for one in said]
    return found


def looked_at(page: Page, url: str, scene: Scene, looks: Sequence[tuple[str, str]]) -> list[str]:
    page.set_viewport_size(SIZES["wide"])
    page.context.add_cookies([{"name": COOKIE, "value": scene.language, "url": url}])
    page.goto(url)
    scene.then(page)
    page.evaluate(SOURCE)
    return wrong(page, scene, looks)


@pytest.mark.timeout(900)
def test_axe_finds_nothing_on_any_page_in_either_theme_wide_or_on_a_phone(
    people: dict[str, Page], shown: Started, call: Callable[..., dict[str, Any]], pytestconfig: pytest.Config
) -> None:
    """In one look each, theme and size by turns; with --whole in all four."""
    whole = pytestconfig.getoption("--whole")
    found = looked_at(people["admin"], shown.url, EMPTY, LOOKS)
    ids = everything(call)
    for number, scene in enumerate(SCENES):
        looks = LOOKS if whole else LOOKS[number % 2 : number % 2 + 1]
        found += looked_at(people[scene.role], shown.url + scene.path.format(**ids), scene, looks)
    assert not found, "\n".join(found)


def test_each_page_is_looked_at() -> None:
    shown = {scene.route for scene in SCENES}
    pages = {route for route, methods in table._PAGES.items() if "GET" in methods}
    assert pages - shown - set(NO_PAGES) == set(), "a line for each in SCENES, or in NO_PAGES with the reason"
    assert set(NO_PAGES) <= pages


def test_axe_is_the_file_that_its_note_names() -> None:
    assert sha256((AXE / "axe.min.js").read_bytes()).hexdigest() in (AXE / "VENDORED.md").read_text("utf-8")


def test_axe_is_run_and_finds_what_is_wrong(page: Page, served: str) -> None:
    page.goto(served)
    page.evaluate(SOURCE)
    page.locator(".head").evaluate("head => head.append(document.createElement('button'), document.createElement('img'))")
    said = page.evaluate(LOOK, [])
    assert {one.split(":")[0] for one in said} >= {"button-name", "image-alt"}, json.dumps(said)
