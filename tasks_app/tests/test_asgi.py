"""The request path never leaves the event loop, reads no more than it may, and answers in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from channels.exceptions import StopConsumer
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.context import BaseContext
from django.test import override_settings
from django.urls import path
from pydantic.json_schema import GenerateJsonSchema

from tasks_app import bodies, conf
from tasks_app.asgi import Handler
from tasks_app.auth import table
from tasks_app.auth.allow import Action
from tasks_app.live.consumers import ListConsumer
from tasks_app.runtime import Runtime
from tasks_app.tests.api.asgi import Exchange
from tasks_app.tests.api.conftest import application, config, now
from tasks_app.tests.garbage import left_as_garbage

__all__ = ["application", "config", "now"]  # fixtures
JSON = {"content-type": "application/json"}
BUNDLE = Path("static/vendor/swagger-ui/swagger-ui-bundle.js")
FILE = BUNDLE.read_bytes()
BODY = 65_536
MIB = 1024 * 1024


class LeftTheLoop(AssertionError):
    """Something wanted a thread."""


@pytest.fixture
def threadless(monkeypatch: pytest.MonkeyPatch, now: Runtime) -> Iterator[None]:
    """Every way into a thread is shut, and no thread may have come while the test ran."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise LeftTheLoop

    monkeypatch.setattr(SyncToAsync, "__call__", refuse)
    monkeypatch.setattr(ThreadSensitiveContext, "__aenter__", refuse)
    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", refuse)
    monkeypatch.setattr(asyncio, "to_thread", refuse)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


async def ask(application: Any, method: str, target: str, **more: Any) -> tuple[int, dict[str, str], bytes]:
    """A whole exchange."""
    async with Exchange(application, method, target, **more) as exchange:
        start = await exchange.start()
        await asyncio.wait_for(asyncio.shield(exchange.task), 60)
        body = b""
        while not exchange.from_server.empty():
            body += await exchange.piece()
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, body


ANSWERS = [
    ("GET", "/healthz", {}, 200),
    ("GET", "/metrics", {}, 200),
    ("GET", "/", {}, 200),
    ("GET", "/launch/count", {}, 200),
    ("GET", "/static/css/tokens.css", {}, 200),
    ("HEAD", "/static/css/tokens.css", {}, 200),
    ("GET", "/api/v2/tasks", {}, 200),
    ("GET", "/api/v2/docs", {}, 200),
    ("GET", "/api/v2/openapi.json", {}, 200),
    ("POST", "/api/v2/tasks", {"headers": JSON, "body": b'{"type":"count"}'}, 201),
    ("POST", "/api/v2/tasks", {"headers": JSON, "body": b"{"}, 400),
    ("POST", "/api/v2/tasks", {"headers": JSON, "body": b"{}"}, 422),
    ("POST", "/api/v2/tasks", {"headers": JSON, "body": b" " * (BODY + 1)}, 413),
    ("POST", "/api/v2/actions", {"headers": JSON, "body": b'{"action":"delete","filter":{}}'}, 202),
    ("PUT", "/api/v2/tasks", {}, 405),
    ("GET", "/api/nope", {}, 404),
    ("GET", "/nope", {}, 404),
    ("POST", "/launch/count", {}, 403),
    ("GET", "/", {"headers": {"host": "evil.example"}}, 400),
]


@pytest.mark.parametrize(("method", "target", "more", "status"), ANSWERS, ids=lambda part: str(part)[:40])
@pytest.mark.usefixtures("threadless")
async def test_no_answer_needs_a_thread(application: Handler, method: str, target: str, more: dict[str, Any], status: int) -> None:
    found, _, body = await ask(application, method, target, **more)
    assert found == status, body[:500]


LARGE = [  # bodies that are read in a thread
    ("POST", "/api/v2/tasks/bulk", {"headers": JSON, "body": b'{"tasks":[' + b'{"a":[0]},' * 20_000 + b"{}]}"}, 422),
    ("POST", "/api/v2/tasks/bulk", {"headers": JSON, "body": b'{"tasks":[' + b"0," * 200_000 + b"0]}"}, 413),
    ("POST", "/api/v2/tasks/bulk", {"headers": JSON, "body": b'{"tasks":[' + b'{"type":"nope"},' * 5_000 + b"{}]}"}, 422),
    ("POST", "/api/v2/tasks/bulk", {"headers": JSON, "body": b'{"tasks":[' + b"[" * 100_000}, 400),
    ("POST", "/api/v2/actions", {"headers": JSON, "body": b'{"a":[' + b"0," * 100_000 + b"0]}"}, 422),
    ("POST", "/api/v2/actions", {"headers": JSON, "body": b"[" * 100_000}, 400),
]


@pytest.mark.parametrize(
    ("method", "target", "more", "status"),
    [*(case for case in ANSWERS if case[-1] != 403), *LARGE],  # Django's own view of a missing token leaves some
    ids=lambda part: str(part)[:40],
)
async def test_no_answer_leaves_its_request_or_its_page_to_the_garbage_collector(
    application: Handler, now: Runtime, method: str, target: str, more: dict[str, Any], status: int
) -> None:
    """Hundreds of pages were held until it came by, with all that their rows are made of."""
    found, _, body = await ask(application, method, target, **more)  # what is made once is no garbage
    assert found == status, body[:500]
    with left_as_garbage(HttpRequest, BaseContext, GenerateJsonSchema) as left:
        await ask(application, method, target, **more)
    assert left == []


@pytest.mark.usefixtures("threadless")
async def test_a_socket_that_closes_needs_no_thread(now: Runtime) -> None:
    with pytest.raises(StopConsumer):
        await ListConsumer().websocket_disconnect({"type": "websocket.disconnect", "code": 1001, "reason": None})


async def _broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret inside")


async def _missing(request: HttpRequest) -> HttpResponse:
    raise Http404


def _plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse(threading.current_thread().name + request.POST.get("a", ""))


CLOSED: list[str] = []


async def _slow_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> Any:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.001)
        finally:
            CLOSED.append("iterator")

    response = StreamingHttpResponse(parts())
    response._resource_closers.append(lambda: CLOSED.append("response"))  # type: ignore[attr-defined]
    return response


urlpatterns = [
    path("broken", _broken),
    path("api/broken", _broken),
    path("missing", _missing),
    path("plain", _plain),
    path("stream", _slow_stream),
]


@pytest.fixture
def own_views(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """The handler over the views above, which everybody may see."""
    monkeypatch.setattr(table, "TABLE", {str(found.pattern): {"GET": Action.PUBLIC} for found in urlpatterns})
    with override_settings(ROOT_URLCONF=__name__):
        yield Handler()


@pytest.mark.usefixtures("threadless")
async def test_a_fault_of_a_view_is_a_500_without_its_reason_and_without_a_thread(
    own_views: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    for target, kind in (("/broken", "text/html"), ("/api/broken", "application/problem+json")):
        status, headers, body = await ask(own_views, "GET", target)
        assert (status, headers["content-type"].split(";")[0]) == (500, kind)
        assert b"secret" not in body
        assert "content-security-policy" in headers
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR", "ERROR"]
    assert (await ask(own_views, "GET", "/missing"))[0] == 404


@pytest.mark.usefixtures("threadless")
async def test_a_view_written_with_def_runs_on_the_loop(own_views: Handler) -> None:
    assert (await ask(own_views, "GET", "/plain"))[2] == threading.current_thread().name.encode()


@pytest.mark.usefixtures("threadless")
async def test_a_stream_needs_no_thread_and_ends_with_its_reader(own_views: Handler) -> None:
    CLOSED.clear()
    async with Exchange(own_views, "GET", "/stream") as exchange:
        await exchange.start()
        assert await exchange.piece() == b"x" * 1000
        exchange.leave()
        await asyncio.wait_for(asyncio.shield(exchange.task), 60)
    assert CLOSED == ["iterator", "response"]


@pytest.mark.usefixtures("threadless")
async def test_a_stream_waits_for_its_reader(own_views: Handler) -> None:
    async with Exchange(own_views, "GET", "/stream") as exchange:
        await exchange.start()
        await exchange.piece()
        exchange.room.clear()
        await asyncio.sleep(0.05)
        waiting = exchange.from_server.qsize()
        await asyncio.sleep(0.05)
        assert exchange.from_server.qsize() == waiting


@pytest.mark.parametrize(("target", "limit"), [("/api/v2/tasks", BODY), ("/api/v2/tasks/bulk", 16 * MIB), ("/launch/count", BODY)])
async def test_a_body_over_the_limit_is_refused_before_its_first_byte(application: Handler, now: Runtime, target: str, limit: int) -> None:
    headers = {**JSON, "content-length": str(limit + 1)}
    async with Exchange(application, "POST", target, headers=headers, body=None) as exchange:
        start = await exchange.start()
        assert exchange.reads == 0
        assert start["status"] == 413
        assert (b"connection", b"close") in start["headers"]
        exchange.give(b"", more=False)


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "POST", "/api/v2/tasks", headers=JSON, body=None) as exchange:
        for _ in range(200):
            exchange.give(b" " * 65_536, more=True)
        start = await exchange.start()
        assert start["status"] == 413
        assert exchange.reads <= 18
        exchange.leave()


@pytest.mark.parametrize("length", ["-1", "+5", "5, 5", "1e3", "", "x", "9" * 40])
async def test_a_length_that_is_no_number_is_refused(application: Handler, now: Runtime, length: str) -> None:
    status, _, _ = await ask(application, "POST", "/api/v2/tasks", headers={**JSON, "content-length": length}, body=b"{}")
    assert status == 413


async def test_a_body_of_exactly_the_limit_is_read(application: Handler, now: Runtime) -> None:
    body = b'{"type":"count"' + b" " * (BODY - 16) + b"}"
    assert (await ask(application, "POST", "/api/v2/tasks", headers=JSON, body=body))[0] == 201


async def test_a_body_may_come_in_pieces(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "POST", "/api/v2/tasks", headers=JSON, body=None) as exchange:
        for piece in (b'{"ty', b"", b'pe":"cou', b'nt"}'):
            exchange.give(piece, more=True)
        exchange.give(b"", more=False)
        assert (await exchange.start())["status"] == 201


async def test_large_bodies_share_the_room_that_one_of_the_largest_has(application: Handler, now: Runtime) -> None:
    half = b'{"tasks":[' + b" " * (9 * MIB)
    async with (
        Exchange(application, "POST", "/api/v2/tasks/bulk", headers=JSON, body=None) as first,
        Exchange(application, "POST", "/api/v2/tasks/bulk", headers=JSON, body=None) as second,
    ):
        first.give(half, more=True)
        while first.reads < 2:  # noqa: ASYNC110 - the server does the reading
            await asyncio.sleep(0)
        second.give(half, more=True)
        refused = await second.start()
        assert (refused["status"], dict(refused["headers"])[b"retry-after"]) == (503, b"1")
        second.leave()
        first.give(b'{"type":"count"}]}', more=False)
        assert (await first.start())["status"] == 201
    status, _, _ = await ask(application, "POST", "/api/v2/tasks/bulk", headers=JSON, body=half + b"]}")
    assert status == 422, "the room is given back"


async def test_a_body_that_drips_in_is_given_up(application: Handler, now: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.05)
    async with Exchange(application, "POST", "/api/v2/tasks", headers=JSON, body=None) as exchange:
        exchange.give(b"{", more=True)
        assert (await exchange.start())["status"] == 408


async def test_a_client_that_leaves_before_its_body_is_here_has_no_effect(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "POST", "/api/v2/tasks", headers=JSON, body=None) as exchange:
        exchange.give(b'{"type":"count"}', more=True)
    assert exchange.from_server.empty()
    assert len(now.store) == 0


async def test_a_client_that_leaves_while_its_many_launches_are_read_has_no_effect(application: Handler, now: Runtime) -> None:
    body = b'{"tasks":[' + b",".join([b'{"type":"count"}'] * 10_000) + b"]}"
    async with Exchange(application, "POST", "/api/v2/tasks/bulk", headers=JSON, body=body) as exchange:
        exchange.leave()
        await asyncio.wait_for(asyncio.shield(exchange.task), 60)
    assert len(now.store) == 0
    assert (await exchange.start())["status"] == 400, "nobody hears it; it is told apart from a fault"


async def test_the_loop_goes_on_while_ten_thousand_launches_are_read_and_taken_in(application: Handler, now: Runtime) -> None:
    now.engine.pause("count")
    body = b'{"tasks":[' + b",".join([b'{"type":"count","tags":["a","b"]}'] * 10_000) + b"]}"
    turns = 0
    async with Exchange(application, "POST", "/api/v2/tasks/bulk", headers=JSON, body=body) as exchange:
        while not exchange.task.done():
            await asyncio.sleep(0)
            turns += 1
    assert (await exchange.start())["status"] == 201
    assert len(now.store) == 10_000
    assert turns > 3 * 10_000 / 50, "each of the three steps lets others in after every 50"


async def test_a_form_is_read_by_django(own_views: Handler) -> None:
    with override_settings(MIDDLEWARE=[]):
        handler = Handler()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await ask(handler, "POST", "/plain", headers=headers, body=b"a=1"))[2].endswith(b"1")
    multipart = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n2\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert (await ask(handler, "POST", "/plain", headers=headers, body=multipart))[2].endswith(b"2")


@pytest.mark.parametrize("target", ["/", "/healthz", "/api/v2/tasks", "/api/v2/docs", "/metrics", "/nope", "/api/nope", "/static/icon.svg"])
async def test_head_has_the_headers_of_get_and_no_body(application: Handler, now: Runtime, target: str) -> None:
    got, head = await ask(application, "GET", target), await ask(application, "HEAD", target)
    assert (head[0], head[2]) == (got[0], b"")
    assert head[1]["content-type"] == got[1]["content-type"]


async def test_a_root_path_from_the_client_changes_no_link(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", "/") as exchange:
        exchange.scope["root_path"] = "//evil.example"
        await exchange.start()
        assert b"evil.example" not in await exchange.piece()


async def test_a_query_string_that_is_not_text_is_no_fault(application: Handler, now: Runtime) -> None:
    async with Exchange(application, "GET", "/api/v2/tasks") as exchange:
        exchange.scope["query_string"] = b"q=\xff\xfe"
        assert (await exchange.start())["status"] == 200


async def test_static_files_are_served_whole_in_part_and_not_twice(application: Handler, now: Runtime) -> None:
    target = f"/{BUNDLE}"
    status, headers, body = await ask(application, "GET", target)
    assert (status, body) == (200, FILE)
    assert headers["content-length"] == str(len(FILE))
    assert "access-control-allow-origin" not in headers
    assert "no-store" not in headers["cache-control"]
    assert (await ask(application, "GET", target, headers={"if-none-match": headers["etag"]}))[::2] == (304, b"")
    assert (await ask(application, "GET", target, headers={"range": "bytes=5-9"}))[::2] == (206, FILE[5:10])
    for bad in ("/static/../manage.py", "/static/%2e%2e/manage.py", "/static//etc/passwd", "/static/", "/static/css"):
        assert (await ask(application, "GET", bad))[0] == 404


async def test_only_http_is_answered(application: Handler) -> None:
    with pytest.raises(ValueError, match="websocket"):
        await application({"type": "websocket"}, None, None)  # type: ignore[arg-type]


def test_the_limits_are_those_of_the_configuration() -> None:
    assert (conf.get_config().max_body, conf.get_config().max_bulk_body) == (BODY, 16 * MIB)
