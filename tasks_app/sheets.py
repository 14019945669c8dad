"""The style sheets of every page as one answer: a first paint waits for each that is asked for by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from msgspec import Struct

from tasks_app.packing import gzipped, takes_gzip

EVERY = "css/every.css"  # no file: those of SHEETS, one after the other
SHEETS = tuple(f"css/{name}.css" for name in ("tokens", "base", "shell", "controls", "measures", "overlays", "account"))


class Joined(Struct, frozen=True):
    """The bytes of several files, the same in fewer bytes, and a tag that another byte changes."""

    body: bytes
    packed: bytes
    tag: str


async def joined(paths: Iterable[str]) -> Joined:
    """The files, in this order."""
    body = b"\n".join(map(_read, paths))
    return Joined(body, await gzipped(body), hashlib.blake2b(body, digest_size=8).hexdigest())


def answer(request: HttpRequest, sheets: Joined) -> HttpResponse:
    """What a browser is given; nobody keeps it unless the caller says so."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(("GET", "HEAD"))
    packs = takes_gzip(request)
    headers = {"ETag": f'"{sheets.tag}{"-gzip" if packs else ""}"', "Vary": "Accept-Encoding", "Cache-Control": "max-age=0, public"}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    body = sheets.packed if packs else sheets.body
    more = {"Content-Length": str(len(body)), **({"Content-Encoding": "gzip"} if packs else {})}
    return HttpResponse(body, content_type='text/css; charset="utf-8"', headers={**headers, **more})


def _read(path: str) -> bytes:
    return Path(path).read_bytes()
