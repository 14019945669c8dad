"""Answers HTTP without ever leaving the event loop: Django's handler, without the thread it makes for each request."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote_from_bytes

from django.conf import settings  # noqa: TID251 - MIDDLEWARE is Django's own, read where Django's handler reads it
from django.core.exceptions import MiddlewareNotUsed
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix, set_urlconf
from django.utils.module_loading import import_string

from tasks_app import lane
from tasks_app.api import problems
from tasks_app.api.dialects._door import Dialect
from tasks_app.api.dialects._wire import text
from tasks_app.api.dialects.urls import dialect_of
from tasks_app.auth import access
from tasks_app.bodies import Gone, Receive, Scope, Send, Share, read_body, read_rest
from tasks_app.engine.sentences import say
from tasks_app.middleware import Refused, caught, inline
from tasks_app.presenters.sentences import translated
from tasks_app.readers import by_browser
from tasks_app.rendering import render
from tasks_app.web.login import login_first
from tasks_app.web.shell import by_htmx, toast

_NO_BODY = (204, 304)
_CLOSING = (408, 413, 503)  # what was not read cannot be told from a next request


ROOT = "iotask.root"  # in a scope: the prefix under which a project has mounted us, without its last slash; the path is what follows


class Handler(ASGIHandler):
    """Django's requests, middlewares, views and responses; every step is taken right here.

    There is no database, so the signals around a request have no work to do, and no step blocks. In another project `middleware` and
    `urlconf` are ours, whatever its settings say.
    """

    def __init__(self, middleware: Sequence[str] | None = None, urlconf: str | None = None) -> None:
        self._middleware = settings.MIDDLEWARE if middleware is None else middleware
        self._urlconf = urlconf
        super().__init__()

    def load_middleware(self, is_async: bool = True) -> None:
        """The chain of middlewares, each link called on the loop."""
        self.has_lane = lane.is_open(self._middleware)
        self._view_hooks: list[Callable[..., HttpResponseBase | None]] = []
        chain = caught(self._view_response, answer)
        for path in reversed(self._middleware):
            try:
                middleware = import_string(path)(chain)
            except MiddlewareNotUsed:
                continue
            if hasattr(middleware, "process_view"):
                self._view_hooks.insert(0, middleware.process_view)
            chain = inline(middleware, chain, answer)
        self._middleware_chain = chain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of an ASGI server."""
        if scope["type"] != "http":
            raise ValueError(f"This application answers HTTP, not {scope['type']}.")
        await self.handle(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, ask the chain, send what it says."""
        share = Share()
        try:
            await self._answer(scope, receive, send, share)
        finally:
            share.give_back()

    async def _answer(self, scope: Scope, receive: Receive, send: Send, share: Share) -> None:
        body: bytes | bytearray = b""
        refused: Exception | None = None
        try:
            body = await read_body(scope, receive, share)
        except Gone:
            return
        except Refused as error:
            refused = error
        unread = refused is not None
        try:
            goes = (self.has_lane or lane.TRIED in scope) and refused is None
            plain = await lane.answered(scope, body) if goes else None
        except Exception as error:  # the chain says what becomes of it, and the log hears
            plain, refused = None, error
        if plain is not None:
            await lane.send(plain, send)
            return
        request = _request(scope, body, refused)
        request.unread = unread
        request.gone = partial(_gone, receive)  # for views that take long
        if self._urlconf is not None:
            request.urlconf = self._urlconf
            set_urlconf(self._urlconf)
        set_script_prefix(f"{request.META['SCRIPT_NAME']}/")
        response = await self.get_response_async(request)
        if unread:
            response.headers["Connection"] = "close"
        try:
            await self._send(request, response, receive, send)
        finally:
            response.close()
            # Some of it knows the request, as django-htmx's details do, and a refusal by its traceback: no circle waits for the collector.
            vars(request).clear()
            refused = None

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """What the chain says to a request."""
        response: HttpResponseBase = await self._middleware_chain(request)
        response._resource_closers.append(request.close)  # type: ignore[attr-defined]
        return response

    async def _view_response(self, request: Any) -> HttpResponseBase:
        if request.refused is not None:
            raise request.refused
        match = self.resolve_request(request)
        view, args, kwargs = match
        for hook in self._view_hooks:
            response = hook(request, view, args, kwargs)
            if response is not None:
                return response
        answered: Any = view(request, *args, **kwargs)
        if inspect.isawaitable(answered):
            answered = await answered
        self.check_response(answered, view)
        found: HttpResponseBase = answered if getattr(answered, "is_rendered", True) else answered.render()
        return found

    async def _send(self, request: Any, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": response.status_code, "headers": _headers(response)})
        if request.scope["method"] == "HEAD" or response.status_code in _NO_BODY:
            await send({"type": "http.response.body"})
        elif isinstance(response, StreamingHttpResponse):
            await _stream(response, receive, send)
        else:
            assert isinstance(response, HttpResponse)
            await send({"type": "http.response.body", "body": response.content, "more_body": request.unread})
            if request.unread:
                await read_rest(request.scope, receive)
                await send({"type": "http.response.body"})


def answer(request: HttpRequest, error: Exception) -> HttpResponseBase:
    """The response to what a view or a middleware raised: problem+json from the API, a page from the dashboard."""
    if isinstance(error, MemoryError):
        error = Refused(503, "no_room", say("There is no memory left for this."), {"Retry-After": "5"})
    mounted = hasattr(request, "urlconf")
    dialect = None if mounted or by_browser(request) else dialect_of(request.path_info)
    if dialect is not None:
        return _foreign(error, dialect, request)
    if isinstance(error, Http404) and not by_browser(request) and not problems.speaks_json(request.path_info):
        return text(404, "404 page not found")  # a program's mistake: none of those it may have been written for sends a page
    if isinstance(error, Refused):
        return _refusal(request, error)
    lost = isinstance(error, Http404) and dialect_of(request.path_info) is not None  # and looks around: a client has its answer already
    if problems.speaks_json(request.path_info) and not lost:
        return problems.response_to(error, request)
    return response_for_exception(request, error)


def _foreign(error: Exception, dialect: Dialect, request: HttpRequest) -> HttpResponse:
    if not isinstance(error, Refused):
        problem = problems.response_to(error, request)  # the log hears of what nobody foresaw
        return dialect.error(problem.status_code, HTTPStatus(problem.status_code).phrase, {})
    closing = {"Connection": "close"} if error.status in _CLOSING else {}
    return dialect.error(error.status, error.message, {**error.headers, **closing})


def _refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    if problems.speaks_json(request.path_info):
        response = problems.Problem(refused.status, refused.code, refused.message, headers=refused.headers).response()
    elif refused.status == 401:
        response = login_first(request)
    else:
        response = _said(request, refused)
        for name, value in refused.headers.items():
            response.headers[name] = value
    if refused.status in _CLOSING:
        response.headers["Connection"] = "close"
    return response


def _said(request: HttpRequest, refused: Refused) -> HttpResponse:
    """As a message over the page that asked, which stays as it is; as a page where there was none."""
    if by_htmx(request):
        return toast(request, translated(refused.sentence), refused.status)
    return render(request, "refused.html", {"text": translated(refused.sentence)}, status=refused.status)


def _request(scope: Scope, body: bytes | bytearray, refused: Exception | None) -> Any:
    """A Django request whose body is here already.

    A root path is dropped, as Daphne takes it from whoever sends the header; so are headers with an underscore, which Django could not tell
    from those with a hyphen. A query string that is not ASCII is escaped.
    """
    query = scope.get("query_string", b"")
    scope = {
        **access.get().seen(scope),
        "root_path": "",
        "query_string": query if query.isascii() else quote_from_bytes(query, safe="%&=+/?:,;-._~").encode(),
        "headers": [header for header in scope["headers"] if b"_" not in header[0]],
    }
    request: Any = ASGIRequest(scope, BytesIO())  # what there is to read has been read
    root = scope.get(ROOT, "")
    request.script_name = request.META["SCRIPT_NAME"] = root
    request.path_info = request.META["PATH_INFO"] = scope["path"]
    request.path = f"{root}{scope['path']}"
    request._body = body
    request.refused = refused
    return request


def _headers(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    cookies = ((b"set-cookie", cookie.OutputString().encode("ascii")) for cookie in response.cookies.values())
    dropped = ("content-length", "content-type") if response.status_code in _NO_BODY else ()
    own = [(name.lower(), value) for name, value in response.items()]
    if isinstance(response, HttpResponse) and "Content-Length" not in response:  # made before the middleware that sets it was reached
        own.append(("content-length", str(len(response.content))))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in own if name not in dropped] + list(cookies)


async def _stream(response: StreamingHttpResponse, receive: Receive, send: Send) -> None:
    """Send part after part, each when the one before is taken; end when the client goes."""
    if not response.is_async:
        for part in response:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})
        return
    steps = [asyncio.ensure_future(_parts(response, send)), asyncio.ensure_future(_gone(receive))]
    try:
        await asyncio.wait(steps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for step in steps:
            step.cancel()
        ended = await asyncio.gather(*steps, return_exceptions=True)
    if isinstance(ended[0], Exception):
        raise ended[0]


async def _parts(response: StreamingHttpResponse, send: Send) -> None:
    async with aclosing(aiter(response)) as parts:  # type: ignore[type-var]
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
