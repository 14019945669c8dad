"""What every dialect's endpoints do alike: methods, HEAD, and errors in the dialect's own shape."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from msgspec import Struct

from tasks_app.engine.errors import Invalid, NoRoom, NotFound, ShareFull, Unavailable
from tasks_app.logs import server_lines
from tasks_app.readers import looks_around

View = Callable[..., Coroutine[Any, Any, HttpResponse]]


class Dialect(Struct, frozen=True):
    """How a service speaks when something is refused.

    `name` marks its tasks; `error` makes a response of a status, one line of words and headers; `wrong_method` one of the method that
    was tried and the text of the Allow header.
    """

    name: str
    error: Callable[[int, str, Mapping[str, str]], HttpResponse]
    wrong_method: Callable[[str, str], HttpResponse]


class Refusal(Exception):
    """An answer that ends a view early."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


def endpoint(dialect: Dialect, *, allow: str = "", **views: View) -> View:
    """One path: a view for each method, by its name in small letters. HEAD is answered like GET where `head` is not given otherwise.

    `allow` is the text of the Allow header; without it the methods in the order given. Free of CSRF tokens: no browser's form speaks
    these APIs, and the origin of every request is checked before it gets here.
    """
    by_method = {name.upper(): view for name, view in views.items()}
    allowed = allow or ", ".join(by_method)

    @csrf_exempt
    async def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        method = request.method or ""
        view = by_method.get("GET" if method == "HEAD" and "HEAD" in allowed else method)
        if view is None and looks_around(request):
            raise Http404  # no client of this dialect: a page says that nothing is here
        if view is None:
            return dialect.wrong_method(method, allowed)
        try:
            return await view(request, *args, **kwargs)
        except Refusal as refusal:
            return refusal.response
        except Exception as error:
            return _of(error, dialect, request)

    return answered


def nowhere(dialect: Dialect, words: str) -> View:
    """A path that leads nowhere, whatever the method. A person is told so on a page."""

    @csrf_exempt
    async def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if looks_around(request):
            raise Http404
        return dialect.error(404, words, {})

    return answered


def _of(error: Exception, dialect: Dialect, request: HttpRequest) -> HttpResponse:
    """What a service of this kind would say to an error of the engine. What nobody foresaw is told to the log, not to the client."""
    if isinstance(error, MemoryError):
        error = NoRoom()
    if isinstance(error, Unavailable):
        return dialect.error(429 if isinstance(error, ShareFull) else 503, error.message, {"Retry-After": str(error.retry_after)})
    if isinstance(error, NotFound):
        return dialect.error(404, error.message, {})
    if isinstance(error, Invalid):
        return dialect.error(400, error.message, {})
    server_lines.request_failed(request.method or "", request.path, error)
    return dialect.error(500, "Internal Server Error", {})
