"""Signing in and out, in a real browser: what is shown, what is not, and the way back after a session has ended."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tasks_app.tests.auth.conftest import PASSWORD, user_line
from tasks_app.tests.processes import Started, started

USERS = "\n".join(user_line(f"the-{role}", role) for role in ("viewer", "operator", "admin"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server that knows three users."""
    output = tmp_path_factory.mktemp("guarded") / "output"
    with started(output, "manage.py", "serve", "-p", "0", IOTASK_USERS=USERS) as process:
        yield process
        assert process.stop() == 0, process.said


# What a page of another origin tries with the cookies of whoever looks at it.
TRIES = """async (url) => {
  const tried = (path, options) => fetch(url + path, { credentials: "include", ...options }).then((answer) => answer.type, () => "refused");
  const socket = await new Promise((told) => {
    const opened = new WebSocket(`${url.replace("http", "ws")}/live/tasks`);
    opened.onmessage = () => told("heard");
    opened.onclose = () => told("refused");
  });
  const read = await tried("/api/v2/tasks", {});
  const form = await tried("/launch/count", { method: "POST", mode: "no-cors", body: new URLSearchParams({ do: "launch" }) });
  const text = await tried("/api/v2/tasks", { method: "POST", mode: "no-cors", body: '{"type": "count"}' });
  return { socket, read, form, text };
}"""


@pytest.fixture
def elsewhere() -> Iterator[int]:
    """The port of another server on this machine, with a page of its own."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>Elsewhere</title>")

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def row(page: Page, name: str):
    return page.get_by_role("row").filter(has_text=name)


def test_somebody_signs_in_launches_a_task_and_signs_out(guarded: Started, page: Page, complaints: list[str]):
    page.goto(f"{guarded.url}/?status=processing")
    expect(page).to_have_title("Sign in · IoTask")
    sign_in(page, "the-operator", "not the password")
    expect(page.get_by_role("alert")).to_contain_text("That name and password do not belong together.")
    expect(page.get_by_label("Name")).to_have_value("the-operator")
    expect(page.get_by_label("Password")).to_be_focused()
    sign_in(page, "the-operator")
    expect(page).to_have_url(f"{guarded.url}/?status=processing")
    page.goto(f"{guarded.url}/launch/count")
    page.get_by_label("To", exact=True).fill("1000")
    page.get_by_role("button", name=re.compile("^Launch")).last.click()
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("main")).to_have_attribute("data-status", "cancelled")
    expect(page.locator("main")).to_contain_text("the-operator")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{guarded.url}/login")
    page.goto(f"{guarded.url}/")
    expect(page).to_have_title("Sign in · IoTask")
    assert [text for text in complaints if "401" not in text] == []
    complaints.clear()


def test_a_session_that_is_ended_elsewhere_shows_the_way_back_to_the_same_view(
    guarded: Started, open_page: Callable[..., Page], complaints: list[str]
):
    here, elsewhere = open_page(), open_page()
    here.goto(f"{guarded.url}/?status=failed")
    sign_in(here, "the-operator")
    expect(here.get_by_role("status").filter(has_text="Live")).to_be_visible()
    elsewhere.goto(f"{guarded.url}/sessions")
    sign_in(elsewhere, "the-admin")
    row(elsewhere, "the-operator").first.get_by_role("button", name=re.compile("End the session of the-operator")).click()
    expect(here.get_by_role("alert").filter(has_text="You are signed out")).to_be_visible()
    expect(here.get_by_role("status").filter(has_text="Signed out")).to_be_visible()
    here.get_by_role("alert").get_by_role("link", name="Sign in").click()
    sign_in(here, "the-operator")
    expect(here).to_have_url(f"{guarded.url}/?status=failed")
    expect(here.get_by_role("status").filter(has_text="Live")).to_be_visible()


def test_a_button_of_a_page_whose_session_has_ended_leads_to_the_login_and_not_into_a_row(
    guarded: Started, page: Page, complaints: list[str]
):
    page.goto(f"{guarded.url}/launch/count")
    sign_in(page, "the-operator")
    page.get_by_label("To", exact=True).fill("1000")
    page.get_by_role("button", name=re.compile("^Launch")).last.click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    task = urlsplit(page.url).path
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    token = page.locator("#act [name=csrfmiddlewaretoken]").get_attribute("value") or ""
    page.context.set_offline(True)  # the socket hears of nothing: the button is what finds out
    assert httpx.post(f"{guarded.url}/logout", cookies=cookies, headers={"X-CSRFToken": token}).status_code == 303
    page.context.set_offline(False)
    page.get_by_role("button", name="Cancel").click()
    expect(page).to_have_title("Sign in · IoTask")
    sign_in(page, "the-operator")
    expect(page).to_have_url(f"{guarded.url}{task}")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("main")).to_have_attribute("data-status", "cancelled")
    complaints.clear()  # of the network


def test_a_form_that_was_filled_while_the_session_ended_is_filled_after_the_login(
    guarded: Started, page: Page, complaints: list[str]
) -> None:
    page.route_web_socket("**/live/**", lambda socket: None)  # the page would hear that its session has ended, and go to the login itself
    page.goto(f"{guarded.url}/launch/count?as=form")
    sign_in(page, "the-operator")
    page.get_by_label("To", exact=True).fill("4321")
    page.evaluate(
        """async () => {
            const token = document.querySelector("#launch [name=csrfmiddlewaretoken]").value;
            await fetch("/logout", {method: "POST", headers: {"X-CSRFToken": token}, redirect: "manual"});
            [...document.querySelectorAll("button")].find((one) => one.textContent.includes("Launch count")).click();
        }"""
    )
    expect(page).to_have_title("Sign in · IoTask")
    sign_in(page, "the-operator")
    expect(page).to_have_url(re.compile(f"^{re.escape(guarded.url)}/launch/count"))
    expect(page.get_by_label("To", exact=True)).to_have_value("4321")
    page.get_by_role("button", name="Launch count").click()
    expect(page).to_have_url(re.compile("/tasks/"))
    page.get_by_role("button", name="Cancel").first.click()
    complaints.clear()  # of the 401


def test_whoever_may_only_look_sees_nothing_to_press(guarded: Started, open_page: Callable[..., Page]):
    operator, viewer = open_page(), open_page()
    operator.goto(f"{guarded.url}/launch/count?name=looked-at")
    sign_in(operator, "the-operator")
    operator.get_by_label("To", exact=True).fill("1000")
    operator.get_by_role("button", name=re.compile("^Launch")).last.click()
    expect(operator.get_by_role("button", name="Cancel")).to_be_visible()
    viewer.goto(f"{guarded.url}/?q=looked-at")
    sign_in(viewer, "the-viewer")
    expect(viewer.get_by_role("status").filter(has_text="Live")).to_be_visible()
    expect(row(viewer, "looked-at")).to_be_visible()
    for name in ("Launch", "Cancel", "More"):
        expect(viewer.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
        expect(viewer.get_by_role("link", name=re.compile(f"^{name}"))).to_have_count(0)
    row(viewer, "looked-at").get_by_role("link").click()
    expect(viewer.get_by_role("button", name="Copy link")).to_be_visible()
    expect(viewer.get_by_text("Say why")).to_be_hidden()
    for name in ("Cancel", "Rerun", "Delete"):
        expect(viewer.get_by_role("button", name=re.compile(f"^{name}"))).to_have_count(0)
        expect(viewer.get_by_role("link", name=re.compile(f"^{name}"))).to_have_count(0)
    expect(row(operator, "nothing")).to_have_count(0)
    operator.get_by_role("button", name="Cancel").click()
    expect(viewer.locator("main")).to_have_attribute("data-status", "cancelled")


@pytest.mark.parametrize("width", [390, 1280])
def test_whoever_may_only_look_sees_schedules_without_their_buttons(guarded: Started, open_page: Callable[..., Page], width: int):
    operator, viewer = open_page(), open_page(viewport={"width": width, "height": 800})
    operator.goto(f"{guarded.url}/schedules/new/count")
    sign_in(operator, "the-operator")
    operator.locator("#name").fill(f"to be looked at {width}")
    operator.get_by_role("button", name="Add schedule").click()
    expect(operator.get_by_role("button", name="Run now")).to_be_visible()
    viewer.goto(f"{guarded.url}/schedules")
    sign_in(viewer, "the-viewer")
    expect(row(viewer, f"to be looked at {width}").first).to_be_visible()
    expect(viewer.locator("main").get_by_role("button")).to_have_count(0)
    expect(viewer.locator("main").get_by_role("switch")).to_have_count(0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_another_origin_hears_nothing_and_does_nothing(
    guarded: Started, page: Page, complaints: list[str], elsewhere: int, host: str
):
    page.goto(guarded.url)
    sign_in(page, "the-admin")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    counted = page.locator("[data-count-of=all]").inner_text()
    page.goto(f"http://{host}:{elsewhere}/")
    assert page.evaluate(TRIES, guarded.url) == {"socket": "refused", "read": "refused", "form": "refused", "text": "refused"}
    page.set_content(f'<a href="{guarded.url}/sessions">A link is a link</a>')
    page.get_by_role("link").click()
    expect(page).to_have_title("Sessions · IoTask")
    page.goto(guarded.url)
    expect(page.locator("[data-count-of=all]")).to_have_text(counted)
    complaints.clear()  # all of the other page
