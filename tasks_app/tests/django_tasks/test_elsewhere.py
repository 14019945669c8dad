"""A process that has no engine asks a server: what goes there goes nowhere else, and whatever comes back is a result or one error."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

pytest.importorskip("django.tasks", reason="django.tasks came with Django 6.0")

from tasks_app.django_tasks import elsewhere
from tasks_app.django_tasks.elsewhere import Server, ServerRefused


class Answering(BaseHTTPRequestHandler):
    """Says to everything what its server was told."""

    def _say(self) -> None:
        server: Any = self.server
        server.heard.append((self.command, self.path, self.headers.get("Authorization")))
        server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        if len(server.bodies) <= server.silent:
            return  # the connection is closed instead
        status, headers, body = server.answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _say  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def servers() -> Iterator[tuple[Any, Any]]:
    """Two that answer as a test says."""
    made: list[Any] = [HTTPServer(("127.0.0.1", 0), Answering) for _ in range(2)]
    threads = [threading.Thread(target=one.serve_forever, args=(0.01,)) for one in made]
    for one, thread in zip(made, threads, strict=True):
        one.heard, one.bodies, one.silent, one.answer = [], [], 0, (200, {}, b"{}")
        thread.start()
    yield made[0], made[1]
    for one, thread in zip(made, threads, strict=True):
        one.shutdown()
        thread.join()
        one.server_close()


def url_of(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_token_does_not_follow_a_redirect_to_another_server(servers: tuple[Any, Any], status: int):
    named, other = servers
    named.answer = (status, {"Location": f"{url_of(other)}/api/v2/tasks"}, b"")
    server = Server(url_of(named), "a secret token")
    for ask in (lambda: server.launch({"type": "a.b"}), lambda: server.find("an-id")):
        with pytest.raises(ServerRefused, match=str(status)):
            ask()
    assert other.heard == []
    assert {token for _, _, token in named.heard} == {"Bearer a secret token"}


def test_a_server_on_this_machine_is_not_asked_by_way_of_a_proxy(servers: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch):
    named, proxy = servers
    monkeypatch.setenv("http_proxy", url_of(proxy))
    elsewhere._opener.cache_clear()
    named.answer = (404, {}, b"{}")
    assert Server(url_of(named), "a secret token").find("an-id") is None
    assert proxy.heard == []


@pytest.mark.parametrize("answer", [[], "text", 1, {}, {"type": "a.b"}, {"type": "a.b", "attempts": [{}]}, {"attempts": None}], ids=str)
def test_what_is_no_task_is_one_kind_of_error(servers: tuple[Any, Any], answer: Any):
    servers[0].answer = (200, {}, json.dumps(answer).encode())
    server = Server(url_of(servers[0]))
    for ask in (lambda: server.launch({"type": "a.b"}), lambda: server.find("an-id")):
        with pytest.raises(ServerRefused, match="does not answer as an IoTask server does"):
            ask()


TASK = {"id": "an-id", "status": "pending", "params": {}, "priority": 0, "created_at": "2026-01-01T00:00:00Z", "ended_at": None}


def test_a_launch_whose_answer_is_lost_is_asked_for_again_under_the_same_key(servers: tuple[Any, Any]):
    server, asked = servers[0], Server(url_of(servers[0]))
    server.answer = (201, {}, json.dumps({**TASK, "attempts": [], "result": None}).encode())
    server.silent = 1
    assert asked.launch({"type": "a.b"}).id == "an-id"
    assert asked.launch({"type": "a.b"}).id == "an-id"
    first, again, other = [json.loads(body) for body in server.bodies]
    assert first == again
    assert first["type"] == "a.b"
    assert len({first["idempotency_key"], other["idempotency_key"]}) == 2


def test_a_server_that_never_answers_is_asked_twice_and_one_that_refuses_once(servers: tuple[Any, Any]):
    server, asked = servers[0], Server(url_of(servers[0]))
    server.answer = (422, {}, b'{"detail": "no"}')
    with pytest.raises(ServerRefused, match="no"):
        asked.launch({"type": "a.b"})
    assert len(server.bodies) == 1
    server.silent = 10
    with pytest.raises(ServerRefused, match="does not answer"):
        asked.launch({"type": "a.b"})
    assert len(server.bodies) == 3
