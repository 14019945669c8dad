"""`/tasks/{id}`: a browser gets the page, every other client the dialects' answer."""

from __future__ import annotations

import httpx
import pytest

from tasks_app.tests.dialects.talk import Talk

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
BROWSERS = [{"Accept": CHROME}, {"HX-Request": "true"}, {"Accept": "*/*", "HX-Request": "true"}]
CLIENTS = [{}, {"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": "text/html"}, {"Accept": "text/plain, */*"}]
NOBODY = "0b6f2f3e-5f0e-4f6b-9d5f-6f1f4b8d9a10"
PAGE, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"


@pytest.fixture
def talk(served: str) -> Talk:
    """A client of a real server."""
    return Talk(served)


@pytest.fixture
def ping(talk: Talk) -> str:
    """The id of a ping that came through a dialect."""
    return str(talk.ask("POST /tasks/ping", b'{"address":"127.0.0.1"}').json["task_id"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("headers", BROWSERS, ids=str)
def test_a_browser_gets_the_page_of_a_task(talk, ping, method, headers):
    answer = talk.ask(f"{method} /tasks/{ping}", headers=headers)
    assert (answer.status, answer.header("Content-Type")) == (200, PAGE)
    assert method == "HEAD" or ping.encode() in answer.body


@pytest.mark.parametrize("headers", CLIENTS, ids=str)
def test_a_client_gets_the_dialects_answer(talk, ping, headers):
    answer = talk.ask(f"GET /tasks/{ping}", headers=headers)
    assert (answer.status, answer.header("Content-Type")) == (200, JSON)
    assert answer.json["task_id"] == ping


def test_an_http_library_as_it_comes_is_a_client(served, ping):
    assert httpx.get(f"{served}/tasks/{ping}").json()["task_id"] == ping


@pytest.mark.parametrize("task_id", [NOBODY, NOBODY.upper(), "abc", "ping", "%3Cscript%3E"])
def test_a_browser_is_told_on_a_page_that_there_is_no_such_task(talk, task_id):
    answer = talk.ask(f"GET /tasks/{task_id}", headers={"Accept": CHROME})
    assert (answer.status, answer.header("Content-Type")) == (404, PAGE)
    assert b"<script>" not in answer.body


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/tasks", 405, b"Method Not Allowed\n"),
        ("/tasks/a/b", 404, b"404 page not found\n"),
        ("/create-task", 405, b'{"message":"Method Not Allowed"}\n'),
        ("/job", 405, None),
        ("/api/v1/tasks", 405, None),
        ("/compat/iotask", 404, b"404 page not found\n"),
        ("/compat/taskqueue/tasks", 405, None),
    ],
)
def test_where_no_dialect_has_anything_to_show_a_browser_gets_a_page_and_a_client_the_same_bytes_as_ever(talk, path, status, told):
    for method in ("GET", "HEAD"):
        answer = talk.ask(f"{method} {path}", headers={"Accept": CHROME})
        assert (answer.status, answer.header("Content-Type")) == (404, PAGE)
    assert b"Nothing is here" in talk.ask(f"GET {path}", headers={"Accept": CHROME}).body
    for headers in CLIENTS:
        answer = talk.ask(f"GET {path}", headers=headers)
        assert answer.status == status
        assert told in (None, answer.body)
    assert talk.ask(f"PUT {path}", headers={"Accept": CHROME}).header("Content-Type") != PAGE


def test_a_browser_that_asks_for_a_number_gets_what_clients_get(talk):
    serial = talk.ask("POST /tasks", b'{"result":21}').json["id"]
    for headers in ({"Accept": CHROME}, {}):
        answer = talk.ask(f"GET /tasks/{serial}", headers=headers)
        assert (answer.status, answer.header("Content-Type"), answer.json["id"]) == (200, JSON, serial)


@pytest.mark.parametrize("headers", [*BROWSERS, {}], ids=str)
def test_what_has_an_effect_is_the_dialects_whoever_asks(talk, ping, headers):
    assert talk.ask(f"POST /tasks/{ping}", b"", headers).status == 405
    assert talk.ask(f"DELETE /tasks/{ping}", headers=headers).status == 204
    gone = talk.ask(f"DELETE /tasks/{ping}", headers=headers)
    assert (gone.status, gone.header("Content-Type"), gone.body) == (404, TEXT, b"Task not found\n")


def test_a_task_of_the_dashboard_has_a_page_and_is_unknown_to_the_dialects(talk):
    task_id = talk.ask("POST /api/v2/tasks", b'{"type":"count","params":{"to":1}}', {"Content-Type": JSON}).json["id"]
    assert talk.ask(f"GET /tasks/{task_id}", headers={"Accept": CHROME}).status == 200
    assert talk.ask(f"GET /tasks/{task_id}").body == b"Task not found\n"


@pytest.mark.parametrize("headers", [*BROWSERS, *CLIENTS], ids=str)
@pytest.mark.parametrize("task_id", [NOBODY, "1", "abc"])
def test_a_cache_is_told_what_the_answer_depends_on(talk, task_id, headers):
    varies = talk.ask(f"GET /tasks/{task_id}", headers=headers).header("Vary") or ""
    assert {"Accept", "HX-Request"} <= {name.strip() for name in varies.split(",")}
