"""What every request passes: headers, host and origin checks; and how Django's own middlewares run on the event loop."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from csp.constants import HEADER as CSP
from csp.utils import build_policy, default_config
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import async_only_middleware
from django.utils.deprecation import MiddlewareMixin

from tasks_app import runtime
from tasks_app.auth.allow import Action
from tasks_app.auth.asking import ask_of
from tasks_app.auth.table import asked
from tasks_app.conf import allowed_hosts
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.sentences import say
from tasks_app.policy import DIRECTIVES

Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
Answer = Callable[[HttpRequest, Exception], HttpResponseBase]

BAD = 400  # from here on a status says that nothing was done
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OF_THE_PROCESS = frozenset({Action.PUBLIC, Action.LEAVE, Action.SESSIONS, Action.LIMIT})
_HOST = re.compile(r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_NOT_CALLED = ("process_exception", "process_template_response")


class Refused(Exception):
    """A request that is turned away before a view sees it: `status`, `code` and `headers` for programs, the message for people."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.sentence = message
        self.message = str(message)
        self.headers = headers or {}


def inline(middleware: Any, inner: Handler, answer: Answer) -> Handler:
    """One link of the chain. Django's adapter calls each hook of a stock middleware in a thread; they do no I/O, so here they are
    called where we are. `answer` turns what they raise into a response, as Django does around each middleware."""
    if any(hasattr(middleware, hook) for hook in _NOT_CALLED):
        raise ImproperlyConfigured(f"{type(middleware).__name__} has a hook that is not called here.")
    if not isinstance(middleware, MiddlewareMixin):
        return caught(middleware, answer)
    before = getattr(middleware, "process_request", None)
    after = getattr(middleware, "process_response", None)

    async def link(request: HttpRequest) -> HttpResponseBase:
        try:
            response = before(request) if before else None
            if response is None:
                response = await inner(request)
            return after(request, response) if after else response
        except Exception as error:
            return answer(request, error)

    return link


def caught(handler: Handler, answer: Answer) -> Handler:
    """The same handler, whose exceptions become responses."""

    async def link(request: HttpRequest) -> HttpResponseBase:
        try:
            return await handler(request)
        except Exception as error:
            return answer(request, error)

    return link


def _policy() -> str:
    return build_policy(default_config(dict(DIRECTIVES)))


@async_only_middleware
def headers(get_response: Handler) -> Handler:
    """Headers that no stock middleware sets. What may be stored says so itself; everything else is the present, and passes.

    The content security policy is django-csp's; its middleware would write the same text anew, twice, for every response.
    """
    policy = _policy()

    async def with_headers(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        response.headers.setdefault(CSP, policy)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return with_headers


@cache
def bare_headers() -> Mapping[str, str]:
    """The headers of answers that no middleware sees: to what is no request, or no handshake."""
    return {
        CSP: _policy(),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@async_only_middleware
def guard(get_response: Handler) -> Handler:
    """Answers to its own names alone, lets no other site's page have an effect, and says that something is done once it is safe."""
    django = CsrfViewMiddleware(get_response)

    async def guarded(request: HttpRequest) -> HttpResponseBase:
        _check_host(request)
        if request.method in SAFE:
            return await get_response(request)
        _check_source(request, django)
        response = await get_response(request)
        if response.status_code < BAD and not _is_of_the_process(request):
            await _safe(request)
        return response

    return guarded


def _is_of_the_process(request: HttpRequest) -> bool:
    """Sessions, the choice of a language, slots and pauses are in no journal: whoever comes to see what is wrong with it has to get in."""
    match = request.resolver_match
    return match is not None and asked(match.route, request.method or "") in OF_THE_PROCESS


async def _safe(request: HttpRequest) -> None:
    """What the journal could not keep may be undone by a crash: that is told, and no 2xx."""
    try:
        await runtime.get().engine.safe()
    except JournalFailed as error:
        ask_of(request).unwritten = True
        raise Refused(507, error.code, error.sentence) from None


def is_our_name(host: str) -> bool:
    """Whether a Host header has one of the names that this server is told it has."""
    return _is_ours(host, tuple(allowed_hosts()))


@lru_cache(maxsize=256)
def _is_ours(host: str, allowed: tuple[str, ...]) -> bool:
    return _is_name(host) and validate_host(split_domain_port(host)[0], allowed)


def _is_name(host: str) -> bool:
    """Stricter than Django: one Host header, no trailing dot, a port that exists. Against names that were rebound to this address."""
    given = _HOST.fullmatch(host)
    return given is not None and int(given[1] or 0) <= 65_535


def _check_host(request: HttpRequest) -> None:
    try:
        if not _is_name(request.META.get("HTTP_HOST", "")):
            raise DisallowedHost
        request.get_host()
    except DisallowedHost:
        raise Refused(400, "bad_host", say("This server does not answer to that Host; ALLOWED_HOSTS lists the names it has.")) from None


def _check_source(request: HttpRequest, django: CsrfViewMiddleware) -> None:
    """Browsers say where a request comes from; programs say nothing. Sites named in CSRF_TRUSTED_ORIGINS are let in."""
    origin = request.META.get("HTTP_ORIGIN")
    own = origin in (None, f"{request.scheme}://{request.get_host()}")
    if not own and django._origin_verified(request):  # type: ignore[attr-defined] # Django's own rule, which has no public name
        return
    if not own or request.META.get("HTTP_SEC_FETCH_SITE") not in (None, "same-origin"):
        raise Refused(403, "cross_site", say("Another site's page may not do this."))
