"""A shop with IoTask below /ops/tasks/, from the wheel: its pages stay its own, and ours work as ever."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from html import unescape
from typing import Any

import django
import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tasks_app.auth import form_tokens
from tasks_app.tests.mounted.conftest import TOKEN, Place, opened
from tasks_app.tests.processes import Started, run

PREFIX = "/ops/tasks"
ELSEWHERE = """
import django, time
django.setup()
from django.tasks import task_backends
from shop.tasks import letter
result = letter.enqueue("ben")
print(result.id)
while not result.is_finished:
    time.sleep(0.05)
    result.refresh()
print(result.status, result.return_value, result.attempts)
def said(call):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, *([error.status] if hasattr(error, "status") else []))
said(lambda: letter.get_result("nothing/../like that"))
options = task_backends["default"].options
options["TOKEN"] = "wrong"
said(lambda: letter.enqueue("ben"))
options["URL"] = "http://127.0.0.1:9"
said(lambda: letter.enqueue("ben"))
"""
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
new_django = pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks came with Django 6.0")


@pytest.fixture
def visit(shop: Started, place: Place) -> Iterator[Any]:
    """A browser of one of the shop's users; of nobody, without a name."""
    with ExitStack() as opened:

        def browser(name: str = "") -> httpx.Client:
            cookies = {"sessionid": place.sessions[name]} if name else {}
            return opened.enter_context(httpx.Client(base_url=shop.url, headers=BROWSER, cookies=cookies, timeout=60))

        yield browser


@pytest.fixture
def script(shop: Started) -> Iterator[httpx.Client]:
    """A program with a token."""
    with httpx.Client(base_url=f"{shop.url}{PREFIX}/api/v2", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        yield client


def completed(script: httpx.Client, task_id: str) -> dict[str, Any]:
    """The task once it has ended."""
    end = time.monotonic() + 60
    while (found := script.get(f"/tasks/{task_id}").json())["status"] not in ("completed", "failed"):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return dict(found)


def test_the_pages_of_the_project_are_its_own(visit: Any) -> None:
    page = visit("root").get("/")
    assert page.text.strip() == f'<title>The shop</title><a href="{PREFIX}/">Tasks</a>'
    assert page.headers["X-Shop"] == "open"
    assert "Content-Security-Policy" not in page.headers
    assert "IoTask" not in visit().get("/nowhere").text
    assert visit().get("/admin/login/").status_code == 200
    for path in ("/tasks", "/job", "/api/v2/tasks", "/healthz", "/static/css/base.css", "/ops/tasksx"):
        assert (answer := visit().get(path)).status_code == 404, path
        assert answer.headers["X-Shop"] == "open"


def test_ours_know_nothing_of_the_middlewares_of_the_project(visit: Any) -> None:
    page = visit("staff").get(f"{PREFIX}/")
    assert page.status_code == 200
    assert "X-Shop" not in page.headers
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<title>Tasks · IoTask</title>" in page.text


def test_whoever_is_not_logged_in_is_sent_to_the_login_of_the_project(visit: Any) -> None:
    answer = visit().get(f"{PREFIX}/types?q=a")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin/login/?next=%2Fops%2Ftasks%2Ftypes%3Fq%3Da"
    assert visit().get(f"{PREFIX}/login?next={PREFIX}/pulse").headers["Location"] == "/admin/login/?next=%2Fops%2Ftasks%2Fpulse"
    assert visit("root").get(f"{PREFIX}").headers["Location"] == f"{PREFIX}/"


def test_the_users_of_the_project_have_the_roles_that_they_have_there(visit: Any) -> None:
    statuses = {name: visit(name).get(f"{PREFIX}/").status_code for name in ("root", "staff", "customer")}
    assert statuses == {"root": 200, "staff": 200, "customer": 403}
    assert visit("root").get(f"{PREFIX}/settings").status_code == 200
    assert visit("staff").get(f"{PREFIX}/settings").status_code == 403
    assert "<bdi>staff</bdi>" in visit("staff").get(f"{PREFIX}/").text


def test_a_cookie_of_no_session_is_nobodys(shop: Started) -> None:
    for wrong in ("x" * 32, "", "ж", "x" * 5000):
        headers = {b"Accept": BROWSER["Accept"].encode(), b"Cookie": f"sessionid={wrong}".encode()}
        assert httpx.get(f"{shop.url}{PREFIX}/", headers=headers).status_code == 303


@pytest.mark.parametrize(
    "path",
    ["", "/types", "/pulse", "/schedules", "/activity", "/launch", "/launch/count", "/settings", "/sessions", "/keys", "/api/v2/docs"],
)
def test_every_address_of_a_page_stands_below_the_prefix(visit: Any, path: str) -> None:
    page = visit("root").get(f"{PREFIX}{path or '/'}")
    assert page.status_code == 200
    found = re.findall(r'(?:href|src|action|formaction|hx-\w+|data-live|data-document)="(/[^"]*)"', page.text)
    assert len(found) > 5
    assert [address for address in found if not address.startswith(f"{PREFIX}/")] == []


def test_what_a_page_names_is_there(visit: Any) -> None:
    browser = visit("root")
    page = browser.get(f"{PREFIX}/").text
    files = re.findall(rf'(?:href|src)="({PREFIX}/static/[^"]*)"', page)
    assert len(files) > 15
    for file in files:
        answer = visit().get(file)
        assert (answer.status_code, "immutable" in answer.headers["Cache-Control"]) == (200, True), file
    for link in set(re.findall(rf'<a [^>]*href="({PREFIX}/[^"#]*)', page)):
        answer = browser.get(unescape(link))
        assert (answer.status_code < 500, "X-Shop" in answer.headers) == (True, False), link


def test_a_task_is_launched_and_read_back_over_http(script: httpx.Client, visit: Any) -> None:
    answer = script.post("/tasks", json={"type": "count", "params": {"to": 3, "interval": 0.01}, "name": "From a script"})
    assert answer.status_code == 201
    task_id = answer.json()["id"]
    assert answer.headers["Location"] == f"{PREFIX}/api/v2/tasks/{task_id}"
    assert completed(script, task_id)["status"] == "completed"
    page = visit("staff").get(f"{PREFIX}/tasks/{task_id}")
    assert "From a script" in page.text
    document = script.get("/openapi.json").json()
    assert document["servers"] == [{"url": PREFIX}]


def test_what_is_not_there_is_said_to_programs_in_json_and_to_people_on_a_page(script: httpx.Client, visit: Any, shop: Started) -> None:
    missing = script.get("/tasks/00000000-0000-4000-8000-000000000000")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")
    page = visit("staff").get(f"{PREFIX}/nowhere")
    assert (page.status_code, f'href="{PREFIX}/"' in page.text) == (404, True)
    for dialect in ("job", "create-task", "compat/iotask/tasks", "tasks/ping"):
        assert httpx.post(f"{shop.url}{PREFIX}/{dialect}", headers={"Authorization": f"Bearer {TOKEN}"}).status_code in (403, 404, 405)


def test_a_form_needs_the_token_of_our_page(visit: Any, script: httpx.Client) -> None:
    browser = visit("staff")
    page = browser.get(f"{PREFIX}/launch/count").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"params.to": "2", "params.interval": "0.01"}
    assert browser.post(f"{PREFIX}/launch/count", data=form).status_code == 403
    answer = browser.post(f"{PREFIX}/launch/count", data=form | {"csrfmiddlewaretoken": token[1]})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{PREFIX}/tasks/")
    task_id = answer.headers["Location"].rpartition("/")[2].partition("?")[0]
    assert completed(script, task_id)["status"] == "completed"
    assert visit("customer").post(f"{PREFIX}/launch/count", data=form).status_code == 403


def test_the_projects_own_form_cookie_stays_as_it_is_and_ours_is_for_whoever_is_logged_in(visit: Any) -> None:
    browser = visit("staff")
    browser.cookies.set("csrftoken", "p" * 32)
    page = browser.get(f"{PREFIX}/launch/count")
    assert [cookie.partition("=")[0] for cookie in page.headers.get_list("set-cookie")] == [form_tokens.COOKIE]
    made_up = {"params.to": "2", "csrfmiddlewaretoken": "p" * 32}
    assert browser.post(f"{PREFIX}/launch/count", data=made_up).status_code == 403
    browser.cookies.set(form_tokens.COOKIE, "p" * 32)
    assert browser.post(f"{PREFIX}/launch/count", data=made_up).status_code == 403


def test_the_language_can_be_switched_and_the_same_page_comes_again(visit: Any) -> None:
    browser = visit("staff")
    page = browser.get(f"{PREFIX}/types").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    said = {"Referer": f"{browser.base_url}{PREFIX}/types".replace(f"/{PREFIX}", PREFIX)}
    answer = browser.post(f"{PREFIX}/language", data={"language": "ru", "csrfmiddlewaretoken": token[1]}, headers=said)
    assert answer.headers["Location"] == f"{PREFIX}/types"
    assert 'lang="ru"' in browser.get(f"{PREFIX}/types").text
    assert re.findall(r'<button name="language" value="(\w+)"', page) == ["en", "ru"]


def test_a_page_is_live_for_whoever_is_logged_in(shop: Started, place: Place) -> None:
    address = f"{shop.url.replace('http', 'ws')}{PREFIX}/live/tasks"
    cookie = {"Cookie": f"sessionid={place.sessions['staff']}"}
    with connect(address, origin=Origin(shop.url), additional_headers=cookie) as socket:
        frame = json.loads(socket.recv(60))
        assert frame
        assert "/ops/tasks/" in json.dumps(frame) or not frame.get("rows")
    with connect(address, origin=Origin(shop.url)) as socket, pytest.raises(ConnectionClosed, match="4401"):
        socket.recv(60)


@new_django
def test_a_function_of_the_project_runs_and_is_seen(visit: Any, script: httpx.Client) -> None:
    task_id = visit("customer").get("/order").text
    task = completed(script, task_id)
    assert (task["type"], task["result"], task["tags"]) == ("shop.tasks.letter", {"to": "anna", "users": 3}, ["queue:default"])
    assert "Sends a letter" in visit("staff").get(f"{PREFIX}/types/shop.tasks.letter").text


@new_django
def test_another_process_asks_the_server_or_says_that_it_cannot(place: Place, shop: Started, script: httpx.Client) -> None:
    alone = place.run("import django; django.setup()\nfrom shop.tasks import letter\nletter.enqueue('ben')")
    assert alone.returncode == 1
    assert "runs in the server process, and this is another one" in alone.stderr
    asked = place.run(ELSEWHERE, IOTASK_URL=f"{shop.url}{PREFIX}", IOTASK_TOKEN=TOKEN)
    assert asked.returncode == 0, asked.stderr
    task_id, *said = asked.stdout.splitlines()
    assert said == ["SUCCESSFUL {'to': 'ben', 'users': 3} 1", "TaskResultDoesNotExist", "ServerRefused 401", "ServerRefused 0"]
    assert completed(script, task_id)["result"]["to"] == "ben"


def test_the_checks_of_the_project_find_nothing_wrong(place: Place) -> None:
    said = place.run("import django; django.setup()\nfrom django.core.management import call_command; call_command('check')")
    assert said.returncode == 0, said.stderr


def test_daphne_serves_both_as_well(place: Place) -> None:
    with opened(place, "daphne", "-p", "0", "shop.asgi:application", said="Listening on TCP address ") as server:
        page = httpx.get(f"{server.url}{PREFIX}/", headers={**BROWSER, "Cookie": f"sessionid={place.sessions['staff']}"}, timeout=60)
        assert (page.status_code, "X-Shop" in page.headers) == (200, False)
        assert httpx.get(f"{server.url}/", timeout=60).headers["X-Shop"] == "open"
        spoofed = httpx.get(f"{server.url}{PREFIX}/", headers={**BROWSER, "Daphne-Root-Path": "/evil"}, timeout=60)
        assert "evil" not in spoofed.headers["Location"]
        assert server.stop() == 0
        assert "Traceback" not in server.said


def test_the_command_of_the_package_serves_by_itself(place: Place) -> None:
    variables = {"SECRET_KEY": "s" * 50, "LOG_DIR": str(place.folder / "logs"), "PATH": ""}
    output = place.folder / "iotask.txt"
    with run(output, [str(place.programs / "iotask"), "serve", "-p", "0"], place.folder, variables) as server:
        page = httpx.get(f"{server.url}/", headers=BROWSER).text
        for file in re.findall(r'(?:href|src)="(/static/[^"]*)"', page):
            assert httpx.get(f"{server.url}{file}").status_code == 200, file
        assert server.stop() == 0


def test_the_server_ends_in_order(place: Place) -> None:
    with opened(place, "uvicorn", "shop.asgi:application", "--port", "0", said="Uvicorn running on ") as server:
        with httpx.Client(base_url=f"{server.url}{PREFIX}/api/v2", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
            assert client.post("/tasks", json={"type": "count", "params": {"to": 1000, "interval": 1}}).status_code == 201
        assert server.stop() in (0, -15)  # uvicorn ends by the signal it was sent
        assert "Application shutdown complete" in server.said
        assert "Traceback" not in server.said
