"""Every route, every method, whoever asks: the same headers, no body for HEAD and OPTIONS, and no fault of the server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import websockets
from websockets.typing import Origin

from tasks_app.tests.auth.routes import routes
from tasks_app.tests.auth.test_table import path_of
from tasks_app.tests.processes import PATIENCE
from tasks_app.tests.protection import protected

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
STREAMS = "/api/v2/events"
BROWSER = {"accept": "text/html,application/xhtml+xml"}
ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/nothing/here", {}),
    ("GET", "/nothing/here", {"headers": BROWSER}),
    ("GET", "/", {"headers": {"host": "evil.example"}}),
    ("POST", "/api/v2/tasks", {"headers": {"origin": "http://evil.example"}, "json": {"type": "count"}}),
    ("POST", "/api/v2/tasks", {"content": b"{", "headers": {"content-type": "application/json"}}),
    ("POST", "/api/v2/tasks", {"content": b"x", "headers": {"content-type": "text/plain"}}),
    ("POST", "/api/v2/tasks", {"content": b" " * 70_000, "headers": {"content-type": "application/json"}}),
    ("POST", "/launch/count", {"data": {"to": "1"}, "headers": BROWSER}),
    ("GET", "/static/nothing.css", {}),
]


@pytest.fixture
async def asker(served: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served, timeout=PATIENCE) as found:
        yield found


async def test_every_route_answers_every_method_with_the_same_headers(asker: httpx.AsyncClient):
    for path in sorted({path_of(route) for route, _ in routes()} - {STREAMS}):
        for method in METHODS:
            for headers in ({}, BROWSER):
                answer = await asker.request(method, path, headers=headers)
                assert answer.status_code < 500, (method, path, answer.text[:300])
                protected(answer.headers)
                if method == "HEAD" or (method == "OPTIONS" and answer.status_code == 204):
                    assert answer.content == b"", (method, path)
                if answer.status_code == 405:
                    assert answer.headers["allow"], (method, path)


@pytest.mark.parametrize("path", ["/", "/launch", "/settings", "/login", "/tasks/00000000-0000-4000-8000-000000000000"])
async def test_head_is_get_without_its_body_and_options_says_what_there_is(asker: httpx.AsyncClient, path: str):
    got, head = await asker.get(path, headers=BROWSER), await asker.head(path, headers=BROWSER)
    assert (head.status_code, head.headers["content-type"]) == (got.status_code, got.headers["content-type"])
    assert (await asker.options(path, headers=BROWSER)).status_code in (204, 404, 405)


@pytest.mark.parametrize(("method", "path", "more"), ANSWERS, ids=lambda part: str(part)[:40])
async def test_answers_of_every_other_kind_have_them_too(asker: httpx.AsyncClient, method: str, path: str, more: dict[str, Any]):
    answer = await asker.request(method, path, **more)
    assert 400 <= answer.status_code < 500
    protected(answer.headers)


@pytest.mark.parametrize("path", ["/static/css/base.css", "/static/vendor/swagger-ui/swagger-ui-bundle.js", "/static/icon.svg"])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"range": "bytes=0-3"},
        {"range": "bytes=5-1"},
        {"range": "bytes=9999999999-"},
        {"range": "bytes=" + ",".join(["0-1"] * 2000)},
        {"range": "lines=1"},
        {"if-none-match": "*"},
        {"if-none-match": ",".join(f'"{number}"' for number in range(5000))},
        {"if-modified-since": "never"},
        {"accept-encoding": "gzip;q=x," * 500},
    ],
    ids=lambda asked: str(asked)[:40],
)
async def test_a_static_file_may_be_kept_whatever_part_of_it_is_asked_for(asker: httpx.AsyncClient, path: str, asked: dict[str, str]):
    answer = await asker.get(path, headers=asked)
    assert answer.status_code in (200, 206, 304, 416)
    assert len(answer.content) <= 2_000_000
    protected(answer.headers, kept=answer.status_code != 416)


@pytest.mark.parametrize("path", ["/", "/api/v2/tasks", "/api/v2/docs", "/metrics", "/healthz", "/compat/iotask/tasks/x"])
@pytest.mark.parametrize(
    "asked", [{"range": "bytes=0-3"}, {"if-none-match": "*"}, {"accept": "*/*;q=0"}, {"accept": "a/b," * 2000}], ids=str
)
async def test_what_is_made_anew_is_sent_whole(asker: httpx.AsyncClient, path: str, asked: dict[str, str]):
    plain, answer = await asker.get(path), await asker.get(path, headers=asked)
    assert answer.status_code == plain.status_code


async def test_a_stream_has_them(asker: httpx.AsyncClient):
    async with asker.stream("GET", STREAMS) as answer:
        protected(answer.headers)


@pytest.mark.parametrize("path", ["/live/tasks", "/live/nothing"])
async def test_a_handshake_that_is_refused_has_them(served: str, path: str):
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(served.replace("http", "ws") + path, origin=Origin("http://evil.example"))
    protected({name.lower(): value for name, value in refused.value.response.headers.items()})


async def test_a_handshake_that_is_none_has_them(served: str):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(served.rpartition(":")[2]))
    writer.write(b"GET /live/tasks HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    assert re.match(r"HTTP/1.1 4\d\d ", head)
    protected(dict(re.findall(r"^([\w-]+): (.*?)\r$", head.lower(), re.MULTILINE)) | {"x-frame-options": "DENY"})
