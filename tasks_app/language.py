"""The language of a page: what its reader chose, else what the browser asks for, else English. Programs are always answered in English."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, parse_cookie
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.decorators import async_only_middleware
from django.utils.translation.trans_real import parse_accept_lang_header

from tasks_app.conf import languages

COOKIE = "iotask-language"
KEPT_FOR = 365 * 86_400  # seconds
ENGLISH = "en"
LONGEST = 200  # characters of a header that are looked at
Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
FOR_PROGRAMS = ("/api", "/healthz", "/readyz", "/metrics", "/static/")


@async_only_middleware
def in_language(get_response: Handler) -> Handler:
    """A middleware: whatever is said to a browser while it is answered is said in its language."""

    async def spoken(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(FOR_PROGRAMS):
            return await get_response(request)
        language = chosen(request.COOKIES, request.META.get("HTTP_ACCEPT_LANGUAGE", ""))
        with translation.override(language):
            response = await get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers["Content-Language"] = language
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    return spoken


def is_known(language: str) -> bool:
    """Whether pages can be had in it."""
    return language in languages()


def keep(response: HttpResponse, language: str) -> None:
    """Have a browser bring this choice along from now on, also when it comes from a link elsewhere."""
    response.set_cookie(COOKIE, language, max_age=KEPT_FOR, httponly=True, samesite="Lax")


def chosen(cookies: Mapping[str, str], accepted: str) -> str:
    """The language of a request with these cookies and this Accept-Language header."""
    wanted = cookies.get(COOKIE, "")
    return wanted if is_known(wanted) else _best(accepted[:LONGEST])


def of_socket(scope: Mapping[str, Any]) -> str:
    """The language of the page that opened a socket: as the page says itself, else as a page with the same headers would get it."""
    asked = str(dict(parse_qsl(scope["query_string"].decode("utf-8", "replace"))).get("language", ""))
    if is_known(asked):
        return asked
    found = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"cookie", b"accept-language")}
    return chosen(parse_cookie(found.get(b"cookie", "")), found.get(b"accept-language", ""))


@lru_cache(maxsize=256)
def _best(accepted: str) -> str:
    for tag, quality in parse_accept_lang_header(accepted):
        language = str(tag).partition("-")[0]
        if quality > 0 and is_known(language):
            return language
    return ENGLISH
