"""Requests in and answers out, the same for every JSON API of this server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from traceback import clear_frames
from typing import Any, TypeVar

import msgspec
from django.http import HttpRequest, HttpResponse
from msgspec import Struct

from tasks_app.api import strict_json
from tasks_app.api.problems import Problem

AT_ONCE = 65_536  # bytes of a body that are read on the event loop, in some milliseconds
Read = TypeVar("Read")
_encode = msgspec.json.Encoder().encode
_JSON_TYPE = re.compile(r'application/json[ \t]*(;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?', re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"[0-9]{1,15}")


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object a request carries. Raises Problem: 415, 400, 422."""
    return strict_json.decode(json_of(request))


def json_of(request: HttpRequest) -> bytes | bytearray:
    """The body of a request that says it is JSON. Raises Problem: 415."""
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Problem(
            415, "unsupported_encoding", "Send the body as it is: without Content-Encoding.", headers={"Accept-Encoding": "identity"}
        )
    if not is_json(request.META.get("CONTENT_TYPE", "")):
        raise Problem(415, "unsupported_media_type", "Send JSON in UTF-8, with Content-Type: application/json.")
    return request.body


async def large_body_of(request: HttpRequest) -> dict[str, Any]:
    """The same as `body_of` for calls whose bodies may be large."""
    return await read_large(request, body_of)


async def read_large(request: HttpRequest, read: Callable[[HttpRequest], Read]) -> Read:
    """What `read` makes of a request: of a large one in a thread, one at a time. Others are served meanwhile."""
    if len(request.body) <= AT_ONCE:
        return read(request)
    return await asyncio.get_running_loop().run_in_executor(_reader(), read, request)


async def unless_gone(request: Any, work: Coroutine[Any, Any, Read]) -> Read:
    """What `work` finds, which must have no effect: it is cancelled when the client leaves. Raises Problem, which nobody hears, then."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.gone())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return _found(working)
        raise Problem(400, "client_gone", "The client left before its request was read: nothing was done.")
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
        del (
            working,
            leaving,
        )  # what was raised refers to this frame: a circle that would hold the request for long


def _found(working: asyncio.Future[Read]) -> Read:
    """What was found, or raise why not: an error remembers where it was raised, and would hold all that was read for long."""
    try:
        return working.result()
    except Exception as error:
        clear_frames(error.__traceback__)
        raise
    finally:
        del working


def no_body(request: HttpRequest) -> None:
    """For calls that take none: nothing, or an empty JSON object. A form in a page always names its own content type."""
    if request.body or request.META.get("CONTENT_TYPE"):
        if not request.body and is_json(request.META["CONTENT_TYPE"]):
            return
        if body_of(request):
            raise Problem(422, "unexpected_body", "This call takes no body.")


def query_of(request: HttpRequest, *, one: Collection[str] = (), many: Collection[str] = ()) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Query parameters: those that may stand once, and those that may be repeated. Others are refused by name."""
    given = request.GET
    for name in given:
        if name not in one and name not in many:
            raise _wrong(name, "is not a parameter of this call" + (f"; these are: {', '.join([*one, *many])}" if one or many else ""))
        if name in one and len(given.getlist(name)) > 1:
            raise _wrong(name, "must be given once")
        if any("\0" in value for value in given.getlist(name)):
            raise _wrong(name, "must not contain the character U+0000")
    return {name: given[name] for name in one if name in given}, {name: given.getlist(name) for name in many}


def whole_number(given: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    """A whole number of a query string. Raises Problem."""
    text = given.get(name)
    if text is None:
        return default
    if not _WHOLE_NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise _wrong(name, f"must be a whole number from {low} to {high}")
    return int(text)


def one_of(given: Mapping[str, str], name: str, default: str, allowed: Collection[str]) -> str:
    """One of the words `allowed`. Raises Problem."""
    text = given.get(name, default)
    if text not in allowed:
        raise _wrong(name, f"must be one of: {', '.join(allowed)}")
    return text


def is_json(content_type: str) -> bool:
    """Whether a Content-Type header says JSON in UTF-8."""
    return _JSON_TYPE.fullmatch(content_type) is not None


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """JSON out."""
    return Said(status, _encode(value), headers=headers or {}).response()


class Said(Struct, frozen=True):
    """An answer in JSON before it has the form of a response, and the ids of what was made for it."""

    status: int
    content: bytes
    ids: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}

    def response(self) -> HttpResponse:
        """As Django's."""
        return HttpResponse(self.content, status=self.status, content_type="application/json", headers=self.headers)


def said(value: Any, status: int = 200, *, ids: tuple[str, ...] = (), headers: Mapping[str, str] | None = None) -> Said:
    """JSON on its way out."""
    return Said(status, _encode(value), ids, headers or {})


@cache
def _reader() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="json")


def _wrong(field: str, message: str) -> Problem:
    return Problem(422, "invalid_parameter", f"{field}: {message}", field=field)
