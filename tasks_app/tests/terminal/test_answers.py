"""Every way a server, or what is in its place, can answer is a sentence and an exit code."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tasks_app.terminal.exits import Exit
from tasks_app.terminal.main import main
from tasks_app.tests.processes import ROOT

PROBLEM = "application/problem+json"


class Answering(BaseHTTPRequestHandler):
    """Says to everything what the server was told."""

    def _say(self) -> None:
        server: Any = self.server
        server.heard.append((self.command, self.path, dict(self.headers)))
        server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        status, kind, body, headers = server.answer
        if status == 0:  # nothing at all
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PATCH = _say  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stranger() -> Iterator[Any]:
    """A server whose answer a test sets."""
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        server.heard, server.bodies = [], []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def problem(code: str, detail: str = "A sentence.", **more: Any) -> bytes:
    return json.dumps({"code": code, "detail": detail, **more}).encode()


@pytest.mark.parametrize(
    ("status", "kind", "body", "headers", "code", "said"),
    [
        (401, PROBLEM, problem("no_login", "Log in."), {}, Exit.REFUSED, "IOTASK_TOKEN"),
        (403, PROBLEM, problem("role_too_low"), {}, Exit.REFUSED, "A sentence."),
        (409, PROBLEM, problem("conflict"), {}, Exit.REFUSED, "A sentence."),
        (413, PROBLEM, problem("too_large"), {}, Exit.REFUSED, "A sentence."),
        (429, PROBLEM, problem("too_many_requests"), {"Retry-After": "7"}, Exit.REFUSED, "Try again in 7 s."),
        (503, PROBLEM, problem("draining"), {"Retry-After": "5"}, Exit.REFUSED, "Try again in 5 s."),
        (507, PROBLEM, problem("journal_failed"), {}, Exit.REFUSED, "A sentence."),
        (404, PROBLEM, problem("not_found"), {}, Exit.NOT_FOUND, "A sentence."),
        (422, PROBLEM, problem("wrong", field="name"), {}, Exit.USAGE, "name: A sentence."),
        (422, PROBLEM, problem("wrong", errors=[{"field": "a", "message": "x"}, {"field": "b", "message": "y"}]), {}, Exit.USAGE, "b: y"),
        (500, PROBLEM, problem("internal_error"), {}, Exit.UNREACHABLE, "A sentence."),
        (502, "text/html", b"<h1>Bad Gateway</h1>", {}, Exit.UNREACHABLE, "is not the API of IoTask (status 502)"),
        (404, "text/html", b"nginx", {}, Exit.UNREACHABLE, "is not the API of IoTask"),
        (200, "text/html", b"<h1>It works!</h1>", {}, Exit.UNREACHABLE, "is not the API of IoTask (no JSON)"),
        (302, "text/html", b"", {"Location": "https://elsewhere/login"}, Exit.UNREACHABLE, "https://elsewhere/login"),
        (200, "application/json", b"\xff\xfe", {}, Exit.UNREACHABLE, "no JSON"),
        (200, "application/json", b"{}", {"Content-Encoding": "gzip"}, Exit.UNREACHABLE, "no whole answer"),
        (0, "", b"", {}, Exit.UNREACHABLE, "no whole answer"),
        (200, "application/json", b"{}", {"Content-Length": "50"}, Exit.UNREACHABLE, "no whole answer"),
        (403, PROBLEM, problem("x", "\x1b[2J\u202e"), {}, Exit.REFUSED, r"\x1b[2J\u202e"),
        (200, "application/json", b'{"items": 3}', {}, Exit.UNREACHABLE, "what it should not"),
        (200, "application/json", b"[]", {}, Exit.UNREACHABLE, "what it should not"),
    ],
)  # fmt: skip
def test_an_answer_of_any_kind(stranger: Any, capsys: pytest.CaptureFixture[str], status, kind, body, headers, code, said):
    stranger.answer = (status, kind, body, headers)
    assert main(["list", "--url", address(stranger)]) == code
    out, err = capsys.readouterr()
    assert (out, said in err, "Traceback" in err) == ("", True, False), err


def test_a_launch_whose_answer_was_lost_is_sent_once_more_under_the_same_key(stranger: Any, capsys: pytest.CaptureFixture[str]):
    stranger.answer = (0, "", b"", {})
    assert main(["launch", "count", "--url", address(stranger)]) == Exit.UNREACHABLE
    keys = [json.loads(body)["idempotency_key"] for body in stranger.bodies]
    assert (len(keys), len(set(keys))) == (2, 1)
    assert "may have been done" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["ключ", "a\nb", "🔑"])
def test_a_key_may_be_any_text(stranger: Any, key: str):
    stranger.answer = (201, "application/json", b'{"id": "x", "number": 1, "name": "", "type": "count", "status": "pending"}', {})
    assert main(["launch", "count", "--key", key, "--url", address(stranger)]) == 0
    assert json.loads(stranger.bodies[0])["idempotency_key"] == key


@pytest.mark.parametrize("token", ["a\nb", "a\0", "токен"])
def test_a_token_that_cannot_be_one_is_a_sentence_and_goes_nowhere(stranger: Any, capsys: pytest.CaptureFixture[str], token: str):
    assert main(["list", "--token", token, "--url", address(stranger)]) == Exit.USAGE
    assert capsys.readouterr().err == "The token has characters that no token has.\n"
    assert stranger.heard == []


@pytest.mark.parametrize("words", [["types"], ["types", "--json"]])
def test_a_disk_that_is_full_is_a_sentence(stranger: Any, words: list[str]):
    stranger.answer = (200, "application/json", b'{"items": [{"name": "a", "title": "b", "params": {}, "launchable": true}]}', {})
    command = [sys.executable, "manage.py", "tasks", *words, "--url", address(stranger)]
    with open("/dev/full", "w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (Exit.UNWRITTEN, "The output could not be written: No space left on device.\n")


def test_a_token_travels_as_bearer_from_any_of_three_places(stranger: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    stranger.answer = (200, "application/json", b'{"items": [], "next": null}', {})
    (tmp_path / "token").write_text("from-file\n")
    monkeypatch.setenv("IOTASK_TOKEN", "from-environment")
    for words in ([], ["--token-file", str(tmp_path / "token")], ["--token", "from-flag"]):
        assert main(["list", "--url", address(stranger) + "/", *words]) == 0
    sent = [headers["Authorization"] for _, _, headers in stranger.heard]
    assert sent == ["Bearer from-environment", "Bearer from-file", "Bearer from-flag"]
    assert {path for _, path, _ in stranger.heard} == {"/api/v2/tasks?limit=20"}


def test_a_prefix_in_the_address_is_kept(stranger: Any):
    stranger.answer = (200, "application/json", b'{"items": [], "next": null}', {})
    assert main(["list", "--url", address(stranger) + "/iotask"]) == 0
    assert stranger.heard[0][1].startswith("/iotask/api/v2/tasks")


@pytest.mark.parametrize("content", ["", "\n", None])
def test_a_token_file_without_a_token_is_a_sentence(tmp_path: Any, capsys: pytest.CaptureFixture[str], content: str | None):
    if content is not None:
        (tmp_path / "token").write_text(content)
    assert main(["list", "--token-file", str(tmp_path / "token")]) == Exit.USAGE
    assert "token" in capsys.readouterr().err


def test_where_nobody_listens_it_says_how_to_start_a_server(capsys: pytest.CaptureFixture[str]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert main(["list", "--url", f"http://127.0.0.1:{taken.getsockname()[1]}"]) == Exit.UNREACHABLE
    assert "`manage.py serve` starts one" in capsys.readouterr().err
