"""Headers, hosts and origins hold for every answer, although no middleware runs in a thread."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.utils.deprecation import MiddlewareMixin

from tasks_app.asgi import Handler
from tasks_app.runtime import Runtime
from tasks_app.tests.api.conftest import application, config, now
from tasks_app.tests.protection import protected

__all__ = ["application", "config", "now"]  # fixtures
LOCAL = "http://localhost:8080"


@pytest.fixture
async def browser(application: Any, now: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, as a browser does."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=LOCAL) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/api/v2/tasks", 200),
        ("GET", "/api/v2/docs", 200),
        ("OPTIONS", "/api/v2/tasks", 204),
        ("POST", "/api/v2/tasks", 415),
        ("PUT", "/api/v2/tasks", 405),
        ("GET", "/api/nope", 404),
        ("GET", "/nope", 404),
        ("POST", "/launch/count", 403),
    ],
)
async def test_every_answer_carries_the_security_headers(browser: httpx.AsyncClient, method: str, target: str, status: int) -> None:
    answer = await browser.request(method, target, headers={"origin": LOCAL})
    assert answer.status_code == status
    protected(answer.headers)


async def test_a_static_file_carries_them_too_and_may_be_kept(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/static/css/tokens.css")
    protected(answer.headers, kept=True)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "localhost.evil.example", "localhost.", "127.0.0.1.", "127.0.0.1:99999", "127.0.0.1:x",
        "localhost:8080, evil.example", "localhost@evil.example", "", "[::1", "localhost/", "локалхост", "127.0.0.2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["/", "/api/v2/tasks", "/static/css/tokens.css", "/healthz"])
async def test_a_foreign_host_is_refused(browser: httpx.AsyncClient, host: str, target: str) -> None:
    answer = await browser.get(target, headers=[(b"host", host.encode())])
    assert answer.status_code == 400
    protected(answer.headers)
    assert answer.headers["content-type"].startswith("application/problem+json" if target[:2] in ("/a", "/h") else "text/html")


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:65535", "[::1]:8080", "LOCALHOST:8080"])
async def test_loopback_names_are_welcome(browser: httpx.AsyncClient, host: str) -> None:
    assert (await browser.get("/healthz", headers={"host": host})).status_code == 200


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "http://localhost:8081"},
    {"origin": "https://localhost:8080"},
    {"origin": "http://localhost"},
    {"origin": "http://127.0.0.1:8080"},
    {"origin": "null"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": LOCAL},
    {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(
    ("method", "target"),
    [("POST", "/api/v2/tasks"), ("DELETE", "/api/v2/tasks/x"), ("PATCH", "/api/v2/queues/count"), ("POST", "/launch/count")],
)
async def test_another_sites_page_has_no_effect(
    browser: httpx.AsyncClient, now: Runtime, headers: dict[str, str], method: str, target: str
) -> None:
    answer = await browser.request(method, target, headers=headers, json={"type": "count"})
    assert answer.status_code == 403
    assert len(now.store) == 0


@pytest.mark.parametrize(
    "headers", [{}, {"origin": LOCAL}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "same-origin", "origin": LOCAL}], ids=str
)
async def test_programs_and_our_own_pages_have_an_effect(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await browser.post("/api/v2/tasks", headers=headers, json={"type": "count"})).status_code == 201


@override_settings(CSRF_TRUSTED_ORIGINS=["https://tasks.example.org"])
async def test_a_trusted_origin_is_let_in(now: Runtime) -> None:
    handler: Any = Handler()
    transport = httpx.ASGITransport(handler)
    async with httpx.AsyncClient(transport=transport, base_url=LOCAL) as client:
        headers = {"origin": "https://tasks.example.org", "sec-fetch-site": "cross-site"}
        assert (await client.post("/api/v2/tasks", headers=headers, json={"type": "count"})).status_code == 201


async def test_a_form_needs_its_token(browser: httpx.AsyncClient, now: Runtime) -> None:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', (await browser.get("/launch/count")).text)
    assert token is not None
    form = {"to": "5", "interval": "0"}
    assert (await browser.post("/launch/count", data=form)).status_code == 403
    assert (await browser.post("/launch/count", data={**form, "csrfmiddlewaretoken": "x" * 64})).status_code == 403
    assert len(now.store) == 0
    answer = await browser.post("/launch/count", data={**form, "csrfmiddlewaretoken": token[1]})
    assert answer.status_code < 400
    assert len(now.store) == 1


class Meddler(MiddlewareMixin):
    """Answers itself, and puts its mark on what passes."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path == "/mine":
            return HttpResponse("mine")
        if request.path == "/api/raise":
            raise ValueError("inside a middleware")
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.headers["X-Mark"] = "passed"
        return response


class Watcher(MiddlewareMixin):
    """Has a hook that is not called."""

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Never."""


async def test_the_hooks_of_a_stock_middleware_are_called_in_order(now: Runtime) -> None:
    with override_settings(MIDDLEWARE=["tasks_app.middleware.headers", f"{__name__}.Meddler"]):
        handler: Any = Handler()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(handler), base_url=LOCAL) as client:
        answer = await client.get("/mine")
        assert (answer.text, answer.headers["x-mark"], answer.headers["cache-control"]) == ("mine", "passed", "no-store")
        assert (await client.get("/healthz")).headers["x-mark"] == "passed"
        broken = await client.get("/api/raise")
        assert (broken.status_code, broken.headers["content-type"]) == (500, "application/problem+json")
        assert "cache-control" in broken.headers


def test_a_middleware_with_a_hook_that_would_be_left_out_stops_the_start() -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.Watcher"]), pytest.raises(ImproperlyConfigured, match="Watcher"):
        Handler()
