"""HTTP checks against real web servers that answer, dawdle, redirect, break off and never end."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import tracemalloc
from pathlib import Path

import pytest
from aiohttp import web

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.task import OutcomeKind
from tasks_app.handlers import http_check as module
from tasks_app.handlers.http_check import http_check
from tasks_app.tests.handlers.conftest import Serve, Serving, Signed
from tasks_app.tests.handlers.running import Attempt, execute, sockets_to, until


class Site:
    """The routes of a web server with manners good and bad, and what it was asked."""

    def __init__(self) -> None:
        self.routes = web.RouteTableDef()
        self.requests: list[web.Request] = []
        self.sent = 0
        self.three = asyncio.Barrier(3)
        for path in ("ok", "status/{status}", "slow", "together", "redirect", "hops/{left}", "elsewhere", "endless"):
            self.routes.get(f"/{path}")(getattr(self, path.partition("/")[0]))

    async def ok(self, request: web.Request) -> web.Response:
        """A good answer."""
        self.requests.append(request)
        return web.Response(text="fine")

    async def status(self, request: web.Request) -> web.Response:
        """Any status."""
        return web.Response(status=int(request.match_info["status"]), text="secret banner")

    async def slow(self, request: web.Request) -> web.Response:
        """An answer after ages."""
        self.requests.append(request)
        await asyncio.sleep(60)
        return web.Response()

    async def together(self, request: web.Request) -> web.Response:
        """An answer once three have asked."""
        self.requests.append(request)
        await self.three.wait()
        return web.Response()

    async def redirect(self, request: web.Request) -> web.Response:
        """Points to the good answer."""
        raise web.HTTPFound("/ok")

    async def hops(self, request: web.Request) -> web.Response:
        """Redirects a number of times."""
        left = int(request.match_info["left"])
        raise web.HTTPFound(f"/hops/{left - 1}" if left > 1 else "/ok")

    async def elsewhere(self, request: web.Request) -> web.Response:
        """Points to what is no web address."""
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    async def endless(self, request: web.Request) -> web.StreamResponse:
        """A body without an end."""
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 16_384)
            self.sent += 16_384


@pytest.fixture
def pages() -> Site:
    return Site()


@pytest.fixture
async def root(site: Serving, pages: Site) -> str:
    return await site(pages.routes)


async def test_a_good_answer_completes_with_its_timings(root: str):
    ran = await execute(http_check, {"url": f"{root}/ok"})
    assert ran.completed, ran.outcome
    result = ran.result
    assert (result["checks"], result["ok"], result["statuses"], result["failures"]) == (1, 1, {"200": 1}, {})
    assert 0 < result["timings"]["connect_ms"] <= result["timings"]["first_byte_ms"] <= result["timings"]["total_ms"] == result["p50_ms"]
    assert ran.headline[0].startswith("Answered 200 in ")
    assert ran.trail.series["Response time"].count == 1


async def test_the_lookup_of_a_name_is_timed(root: str):
    ran = await execute(http_check, {"url": f"{root.replace('127.0.0.1', 'localhost')}/ok"})
    assert ran.completed
    assert ran.result["timings"]["dns_ms"] > 0


async def test_many_checks_are_summed_up(root: str):
    ran = await execute(http_check, {"url": f"{root}/ok", "count": 3, "interval": 0.1})
    assert ran.headline[0] == "3 of 3 answered 200"
    assert ran.headline[1].startswith("Half within ")
    assert [current for current, _, _ in ran.reports] == [0, 1, 2, 3]
    assert len(ran.log("info")) == 3


async def test_an_unexpected_status_fails_in_our_own_words(root: str):
    ran = await execute(http_check, {"url": f"{root}/status/503?token=hidden"})
    assert ran.kind == "UnexpectedStatus"
    assert ran.message == f"{root}/status/503: answered 503, not 200"
    assert ran.result["statuses"] == {"503": 1}
    assert "banner" not in str(ran.log()) + str(ran.result)
    assert "hidden" not in str(ran.log()) + ran.message + ran.params.summary()


async def test_any_status_may_be_the_expected_one(root: str):
    ran = await execute(http_check, {"url": f"{root}/status/404", "expected_status": 404})
    assert ran.completed


async def test_one_bad_check_among_many_fails_the_task(serve: Serve):
    answers = iter((b"200 OK", b"500 No", b"200 OK"))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + next(answers) + b"\r\nContent-Length: 0\r\n\r\n")

    port = await serve(handle)
    ran = await execute(http_check, {"url": f"http://127.0.0.1:{port}/", "count": 3, "interval": 0.1})
    assert ran.kind == "UnexpectedStatus"
    assert "1 of 3 checks failed; check " in ran.message
    assert ran.result["statuses"] == {"200": 2, "500": 1}
    assert ran.headline[0] == "2 of 3 answered 200"


async def test_a_redirect_is_not_followed(root: str, pages: Site):
    ran = await execute(http_check, {"url": f"{root}/redirect"})
    assert ran.message.endswith("answered 302, not 200")
    assert pages.requests == []


async def test_redirects_are_followed_where_the_params_say_so_but_not_for_ever(root: str):
    assert (await execute(http_check, {"url": f"{root}/hops/3", "follow_redirects": True})).completed
    ran = await execute(http_check, {"url": f"{root}/hops/4", "follow_redirects": True})
    assert (ran.kind, ran.message) == ("BadRedirect", f"{root}/hops/4: it redirects more than 3 times")


async def test_a_redirect_to_a_file_goes_nowhere(root: str):
    ran = await execute(http_check, {"url": f"{root}/elsewhere", "follow_redirects": True})
    assert ran.kind == "BadRedirect"


async def test_a_slow_answer_is_given_up(root: str):
    ran = await execute(http_check, {"url": f"{root}/slow", "timeout": 0.3})
    assert (ran.kind, ran.message) == ("Timeout", f"{root}/slow: no answer within 0.3 s")
    assert ran.result["failures"] == {"Timeout": 1}
    assert ran.result["p50_ms"] is None
    assert ran.trail.series["Response time"].lost == 1


async def test_a_slow_check_never_delays_the_next_one(root: str, pages: Site):
    ran = await execute(http_check, {"url": f"{root}/together", "timeout": 60, "count": 3, "interval": 0.1})
    assert ran.completed, "one waited in vain for the next"
    assert len(pages.requests) == 3


async def test_at_most_64_kib_of_a_body_are_read(root: str, pages: Site, monkeypatch: pytest.MonkeyPatch):
    read: list[int] = []
    original = module._read

    async def counted(response):
        await original(response)
        read.append(response.content.total_bytes)

    monkeypatch.setattr(module, "_read", counted)
    ran = await execute(http_check, {"url": f"{root}/endless"})
    assert ran.completed
    assert read[0] < 1_000_000, "what lay in the buffers at that time comes on top of 64 KiB"
    await until(lambda: sockets_to(int(root.rpartition(":")[2])) == 0)


async def test_headers_without_an_end_are_given_up(serve: Serve):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: yes\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    port = await serve(handle)
    ran = await execute(http_check, {"url": f"http://127.0.0.1:{port}/", "timeout": 0.5})
    assert ran.kind in ("Timeout", "BadAnswer")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "Unreachable"),
        (b"SSH-2.0-OpenSSH_9.9\r\n\r\n", "BadAnswer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "BadAnswer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", "Truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "Truncated"),
    ],
)
async def test_what_is_no_proper_answer_fails_in_our_own_words(serve: Serve, answer: bytes, kind: str):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    port = await serve(handle)
    ran = await execute(http_check, {"url": f"http://127.0.0.1:{port}/"})
    assert ran.kind == kind
    assert "SSH" not in ran.message


async def test_a_closed_port_is_unreachable(closed_port: int):
    ran = await execute(http_check, {"url": f"http://127.0.0.1:{closed_port}/"})
    assert (ran.kind, ran.message) == ("Unreachable", f"http://127.0.0.1:{closed_port}/: connection refused")


async def test_a_name_without_an_address_is_unreachable():
    ran = await execute(http_check, {"url": "http://nobody.onion/"})
    assert (ran.kind, ran.message) == ("Unreachable", "http://nobody.onion/: no address is known for this name")


async def test_certificates_are_checked(serve: Serve, self_signed: Signed):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = await serve(handle, self_signed.context)
    ran = await execute(http_check, {"url": f"https://localhost:{port}/"})
    assert ran.kind == "InvalidCertificate"


async def test_tls_to_a_plain_server_fails_in_our_own_words(root: str):
    ran = await execute(http_check, {"url": f"{root.replace('http:', 'https:')}/ok"})
    assert ran.kind == "TlsFailed"


async def test_the_environment_has_no_say(root: str, pages: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (await execute(http_check, {"url": f"{root}/ok"})).completed
    assert pages.requests[0].headers["User-Agent"] == "IoTask"
    assert pages.requests[0].headers["Accept-Encoding"] == "identity"


async def test_no_password_is_taken_from_a_file(root: str, pages: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".netrc").write_text("default login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (await execute(http_check, {"url": f"{root}/ok"})).completed
    assert "Authorization" not in pages.requests[0].headers


async def test_a_flood_of_headers_is_cut_off(serve: Serve):
    sent = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: yes\r\n" * 1000)
            await writer.drain()
            sent += 13_000

    port = await serve(handle)
    ran = await execute(http_check, {"url": f"http://127.0.0.1:{port}/", "timeout": 20})
    assert ran.kind == "BadAnswer"
    assert sent < 20_000_000, "what lay in the buffers at that time"


async def test_a_bomb_stays_packed(site: Serving):
    routes = web.RouteTableDef()
    bomb = gzip.compress(bytes(50_000_000))

    @routes.get("/")
    async def packed(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    tracemalloc.start()
    try:
        assert (await execute(http_check, {"url": await site(routes)})).completed
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


async def test_a_byte_now_and_then_does_not_keep_a_check_alive(serve: Serve):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    port = await serve(handle)
    ran = await execute(http_check, {"url": f"http://127.0.0.1:{port}/", "timeout": 0.5})
    assert (ran.kind, ran.message) == ("Timeout", f"http://127.0.0.1:{port}/: no answer within 0.5 s")


async def test_a_certificate_for_another_name_is_not_valid(serve: Serve, self_signed: Signed, monkeypatch: pytest.MonkeyPatch):
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    trusting = ssl.create_default_context(cafile=str(self_signed.file))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    port = await serve(handle, self_signed.context)
    assert (await execute(http_check, {"url": f"https://localhost:{port}/"})).completed, "else the next could not fail"
    assert (await execute(http_check, {"url": f"https://127.0.0.1:{port}/"})).kind == "InvalidCertificate"


async def test_a_cancelled_check_leaves_no_socket_behind(root: str, pages: Site):
    attempt = Attempt(http_check, {"url": f"{root}/slow", "count": 100, "interval": 0.1, "timeout": 60})
    attempt.start()
    await until(lambda: len(pages.requests) > 2)
    ran = await asyncio.wait_for(attempt.cancel(), 60)
    assert ran.outcome is not None
    assert ran.outcome.kind is OutcomeKind.CANCELLED
    await until(lambda: sockets_to(int(root.rpartition(":")[2])) == 0)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "params.url"),
        *(
            ({"url": url}, "params.url")
            for url in (
                "",
                "example.com",
                "//example.com",
                "ftp://example.com/",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "http://",
                "http:///path",
                "http://user@example.com/",
                "http://user:secret@example.com/",
                "http://:secret@example.com/",
                "http://@@/",
                "http://exa mple.com/",
                "http://example.com/a b",
                "http://example.com/\r\nHost: other",
                "http://example.com\\@other.example/",
                "http://example.com:0/",
                "http://example.com:99999/",
                "http://example.com:x/",
                "http://2130706433/",
                "http://0x7f.1/",
                "http://[::1/",
                "http://[fe80::1%25eth0]/",
                "http://a..b/",
                "http://example.com/" + "a" * 2048,
                7,
            )
        ),
        *(({"url": "http://a.example", "expected_status": status}, "params.expected_status") for status in (0, 99, 600, "200")),
        *(({"url": "http://a.example", "count": count}, "params.count") for count in (0, 100_001, True)),
        *(({"url": "http://a.example", "interval": value}, "params.interval") for value in (0, 0.05, 3601)),
        *(({"url": "http://a.example", "timeout": value}, "params.timeout") for value in (0, 61)),
        ({"url": "http://a.example", "follow_redirects": "yes"}, "params.follow_redirects"),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(given: dict[str, object], field: str):
    with pytest.raises(InvalidParams) as refused:
        http_check.encode(given)
    assert field in [name for name, _ in refused.value.problems]
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://example.com", "HTTP://EXAMPLE.com:8080/a?b=c#d", "http://[::1]:8080/", "http://10.0.0.1/", "https://münchen.example/ä"]
)
def test_urls_are_accepted(url: str):
    assert http_check.encode({"url": url})


def test_the_summary_reads_like_a_sentence():
    attempt = Attempt(http_check, {"url": "https://pay.example.org/health?key=1", "count": 12})
    assert attempt.params.summary() == "https://pay.example.org/health · expects 200 · 12 repeats"
    assert Attempt(http_check, {"url": "http://[::1]/"}).params.summary() == "http://[::1]/ · expects 200"
