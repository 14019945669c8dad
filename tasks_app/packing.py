"""Pages in fewer bytes: a list of fifty rows says the same words fifty times."""

from __future__ import annotations

import asyncio
import gzip
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable
from io import BytesIO

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.decorators import async_only_middleware

SMALL = 1000  # bytes: below that it is not worth while
LEVEL = 3  # half a millisecond for a full page; more effort saves a tenth and takes three times as long
MOST_PADDING = 100  # bytes
PIECE = 65_536  # bytes packed before the loop gets a turn
_GZIP_HEADER = 31  # zlib's word for it
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)")
Handler = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def takes_gzip(request: HttpRequest) -> bool:
    """Whether whoever asks can unpack it."""
    return _GZIP.search(request.headers.get("Accept-Encoding", "")) is not None


async def gzipped(data: bytes) -> bytes:
    """As gzip, in as few bytes as may be. Others have their turn in between: the largest file takes a tenth of a second."""
    pack = zlib.compressobj(9, zlib.DEFLATED, _GZIP_HEADER)
    pieces = []
    for start in range(0, len(data), PIECE):
        pieces.append(pack.compress(data[start : start + PIECE]))
        await asyncio.sleep(0)
    return b"".join([*pieces, pack.flush()])


@async_only_middleware
def pages(get_response: Handler) -> Handler:
    """Packs pages, and nothing else: what the API answers keeps its bytes, and streams flow."""

    async def packed(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        if isinstance(response, HttpResponse) and response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["Accept-Encoding"])
            if len(response.content) >= SMALL and takes_gzip(request):
                _pack(response)
        return response

    return packed


def _pack(response: HttpResponse) -> None:
    """The length varies by chance: nobody learns from it what stands beside words of his own."""
    packed = BytesIO()
    padding = "-" * (1 + secrets.randbelow(MOST_PADDING))
    with gzip.GzipFile(padding, "wb", LEVEL, packed, mtime=0) as file:
        file.write(response.content)
    response.content = packed.getvalue()
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["Content-Encoding"] = "gzip"
