"""The short way and Django's over real sockets: whatever a client sends, odd as it may be, both send the same bytes back."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tasks_app.auth.tokens import digest_of
from tasks_app.tests.auth.conftest import PASSWORD, token_of, user_line
from tasks_app.tests.auth.test_served import logged_in
from tasks_app.tests.processes import PATIENCE, Started, started
from tasks_app.tests.test_lane import NOBODY, VARIES

TOKENS = "\n".join(f"script-{role}:{role}:{digest_of(token_of(role))}" for role in ("viewer", "operator"))
PLAIN = {"Host": "localhost", "Authorization": f"Bearer {token_of('operator')}", "Content-Type": "application/json"}
LAUNCH = b'{"type": "count", "params": {"to": 1}, "run_at": "2999-01-01T00:00:00Z"}'
# Behind each request: whether the connection is still good, and when to stop reading.
AFTER = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
DJANGO = ("X-Unusual: 1",)  # a header that no library sends by itself
V2, V1 = "/api/v2/tasks", "/api/v1/tasks"


def request(
    method: str = "POST", path: str = V2, body: bytes = LAUNCH, lines: tuple[str, ...] = (), version: str = "1.1", **headers: str | None
) -> tuple[bytes, bytes]:
    """Head without its end, and body. `headers` stand instead of the plain ones, None: without it; `lines` are further ones."""
    given = {**PLAIN, **({"Content-Length": str(len(body))} if body else {}), **{k.replace("_", "-"): v for k, v in headers.items()}}
    own = [f"{name}: {value}" for name, value in given.items() if value is not None]
    return "\r\n".join([f"{method} {path} HTTP/{version}", *own, *lines]).encode("latin-1"), body


def chunked(body: bytes = LAUNCH) -> bytes:
    """In two chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:9], body[9:])) + b"0\r\n\r\n"


IN_CHUNKS: dict[str, Any] = {"Content_Length": None, "Transfer_Encoding": "chunked"}
REQUESTS = {
    "a launch": request(),
    "a launch of a dialect": request(path=V1, body=b'{"type": "long_computation", "params": {"duration": 5}}'),
    "a launch of HTTP/1.0": request(version="1.0"),
    "a launch that closes": request(Connection="close"),
    "names of headers in small letters": request(Host=None, host="localhost", lines=("accept: */*",)),
    "a look at nothing": request("GET", f"{V2}/{NOBODY}", b""),
    "a look of a dialect at nothing": request("GET", f"{V1}/{NOBODY}", b""),
    "a look with a body": request("GET", f"{V2}/{NOBODY}", b"{}"),
    "a look for HEAD": request("HEAD", f"{V2}/{NOBODY}", b""),
    "what may be done": request("OPTIONS", V2, b""),
    "a range": request("GET", f"{V2}/{NOBODY}", b"", Range="bytes=0-1"),
    "a method that is not there": request("PUT"),
    "a slash behind": request(path=f"{V2}/"),
    "a query": request(path=f"{V2}?a=b"),
    "an address with its host": request(path=f"http://localhost{V2}"),
    "a path in capitals": request(path="/API/V2/TASKS"),
    "no JSON": request(body=b"{"),
    "a list": request(body=b"[]"),
    "bytes that are no text": request(body=b'{"type": "\xff"}'),
    "a field too many": request(body=b'{"type": "count", "id": 1}'),
    "a type that is not there": request(body=b'{"type": "nope"}'),
    "no body": request(body=b""),
    "a body of no bytes": request(body=b"", Content_Length="0"),
    "chunks": (request(**IN_CHUNKS)[0], chunked()),
    "chunks of a dialect": (request(path=V1, **IN_CHUNKS)[0], chunked(b"{}")),
    "two lengths": (request(lines=(f"Content-Length: {len(LAUNCH)}",))[0], LAUNCH),
    "two lengths that differ": (request(lines=("Content-Length: 1",))[0], LAUNCH),
    "a length and chunks": (request(Transfer_Encoding="chunked")[0], chunked()),
    "who waits to be told to go on": request(Expect="100-continue"),
    "who expects something else": request(Expect="200-ok"),
    "as much as there may be": request(body=LAUNCH.ljust(65_536)),
    "a byte more": request(body=LAUNCH.ljust(65_537)),
    "a byte more in chunks": (request(**IN_CHUNKS)[0], chunked(LAUNCH.ljust(65_537))),
    "text": request(Content_Type="text/plain"),
    "no type": request(Content_Type=None),
    "another encoding": request(Content_Type="application/json; charset=latin-1"),
    "a type in capitals": request(Content_Type="APPLICATION/JSON"),
    "two types": request(lines=("Content-Type: text/plain",)),
    "packed": request(Content_Encoding="gzip"),
    "many cookies": request(Cookie="; ".join(f"c{number}=v" for number in range(200))),
    "another host": request(Host="evil.example"),
    "no host": request(Host=None),
    "a port that no host has": request(Host="localhost:99999"),
    "another site's page": request(Origin="http://evil.example"),
    "who wants a page": request(Accept="text/html"),
    "who wants nothing": request(Accept="*/*;q=0"),
    "behind a proxy": request(X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https"),
    "nobody": request(Authorization=None),
    "a token that is none": request(Authorization="Bearer nope"),
    "a password": request(Authorization="Basic YTpi"),
    "two tokens": request(lines=("Authorization: Bearer nope",)),
    "who may only look": request(Authorization=f"Bearer {token_of('viewer')}"),
    "nobody's look": request("GET", f"{V2}/{NOBODY}", b"", Authorization=None),
    "a key": request(Idempotency_Key="k" * 201),
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server with tokens and a user: where nobody logs in there is no short way."""
    folder = tmp_path_factory.mktemp("lane")
    (folder / "users").write_text(user_line("the-operator", "operator"))
    (folder / "users").chmod(0o600)
    variables = {"IOTASK_TOKENS": TOKENS, "IOTASK_USERS_FILE": str(folder / "users")}
    with started(folder / "output", "manage.py", "serve", "-p", "0", **variables) as process:
        yield process
        assert process.stop() == 0, process.said


def sent(server: Started, head: bytes, body: bytes, more: tuple[str, ...] = ()) -> bytes:
    """All that comes back, and whether a further request on the same connection is answered."""
    whole = b"\r\n".join([head, *(line.encode() for line in more)]) + b"\r\n\r\n" + body + AFTER
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=PATIENCE) as talk:
        with suppress(ConnectionError):  # it may be cut off before all is sent
            talk.sendall(whole)
        found = b""
        while part := _read(talk):
            found += part
        return found


def _read(talk: socket.socket) -> bytes:
    try:
        return talk.recv(65_536)
    except ConnectionResetError:  # as it was closed with something unread
        return b""


def answers(raw: bytes) -> list[tuple[str, list[str], str]]:
    """Line, headers in alphabetical order and body of each answer, without what says when, which and how much of that."""
    found = []
    for part in re.split(rb"(?=HTTP/1\.[01] \d{3} )", raw)[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        kept = [VARIES.sub("-", header) for header in headers if not header.lower().startswith(("date:", "content-length:"))]
        found.append((line, sorted(kept), VARIES.sub("-", body.decode())))
    return found


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_send_the_same_bytes(guarded: Started, name: str):
    head, body = REQUESTS[name]
    short = sent(guarded, head, body)
    assert short.startswith(b"HTTP/1.")
    assert answers(short) == answers(sent(guarded, head, body, DJANGO))


def test_a_task_that_is_there_looks_the_same(guarded: Started):
    made = sent(guarded, *request())
    task_id = json.loads(re.findall(rb"\r\n\r\n(\{.*?\})HTTP", made, re.S)[0])["id"]
    for path in (V2, V1):
        for method in ("GET", "HEAD"):
            asked = request(method, f"{path}/{task_id}", b"")
            assert answers(sent(guarded, *asked)) == answers(sent(guarded, *asked, DJANGO))


def test_who_logged_in_with_a_password_is_answered_the_same(guarded: Started):
    with httpx.Client(base_url=guarded.url) as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in logged_in(browser, "the-operator").cookies.items())
    origins: list[dict[str, Any]] = [{}, {"Origin": "http://localhost"}]
    for more in origins:
        asked = request(Authorization=None, Cookie=cookie, **more)
        assert answers(sent(guarded, *asked)) == answers(sent(guarded, *asked, DJANGO))
    assert PASSWORD.encode() not in sent(guarded, *asked)
