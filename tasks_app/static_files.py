"""Static files: an address of its own for each version of them, so that browsers keep them for good, and fewer bytes on the way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from tasks_app.packing import gzipped, takes_gzip
from tasks_app.sheets import EVERY, SHEETS, Joined, answer, joined

FOR_GOOD = "max-age=31536000, public, immutable"
PACKED = frozenset({".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt"})
_VERSIONED = re.compile(r"v[0-9a-f]{12}/")


@cache
def version() -> str:
    """A name for all static files as they are now: `v` and 12 hex digits. Another byte in one of them is another name."""
    return digest((name, Path(storage.path(name))) for finder in get_finders() for name, storage in finder.list(None))


def digest(files: Iterable[tuple[str, Path]]) -> str:
    """The version of files with these names."""
    found = hashlib.blake2b(digest_size=6)
    for name, path in sorted(files):
        found.update(name.encode() + b"\0" + path.read_bytes())
    return f"v{found.hexdigest()}"


class Storage(StaticFilesStorage):
    """Puts the version before the name: modules and sheets that name one another by relative paths stay within it."""

    def __init__(self, *args: Any, versioned: bool = True, **more: Any) -> None:
        super().__init__(*args, **more)
        self._versioned = versioned

    def url(self, name: str | None) -> str:
        """The address a page names."""
        return super().url(f"{version()}/{name}" if self._versioned and name else name)


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc] # WhiteNoise tells no types
    """WhiteNoise, awaited: a file is found in a dictionary, opened, and read in pieces as fast as its reader takes them. What is text
    is packed when it is first asked for, and kept so in memory."""

    sync_capable = False
    async_capable = True

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._packed: dict[str, bytes] = {}
        self._sheets: Joined | None = None

    def add_files(self, root: str | Path, prefix: str | None = None) -> None:
        """A folder that nobody has collected files into is no trouble: the finders know them all."""
        if Path(root).is_dir():
            super().add_files(root, prefix)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The file of this path, or what comes next. A page of an older version gets the present file, which nobody keeps."""
        path, asked = self._plain(request.path_info)
        response: HttpResponseBase
        if path == self.static_prefix + EVERY:
            response = answer(request, await self._every())
        elif file := self._file(path):
            response = await self._answer(path, file, request)
        else:
            return await self.get_response(request)  # type: ignore[no-any-return]
        if asked and asked == self.version() and response.status_code < 400:
            response.headers["Cache-Control"] = FOR_GOOD
        return response

    def version(self) -> str:
        """The version of the files that are served."""
        return version()

    def _file(self, path: str) -> StaticFile | None:
        return self.find_file(path) if self.autorefresh else self.files.get(path)

    async def _every(self) -> Joined:
        """The sheets of every page; read anew each time where files are being written."""
        if self._sheets is None or self.autorefresh:
            files = (self._file(self.static_prefix + name) for name in SHEETS)
            self._sheets = await joined(file.alternatives[-1][1] for file in files if file)
        return self._sheets

    def _plain(self, path: str) -> tuple[str, str]:
        """The path without its version, and the version."""
        prefix = self.static_prefix
        found = _VERSIONED.match(path, len(prefix)) if path.startswith(prefix) else None
        return (prefix + path[found.end() :], found[0][:-1]) if found else (path, "")

    async def _answer(self, path: str, file: StaticFile, request: HttpRequest) -> HttpResponseBase:
        if Path(path).suffix not in PACKED:
            return self.serve(file, request)  # type: ignore[no-any-return]
        if self.autorefresh or request.method not in ("GET", "HEAD") or "Range" in request.headers or not takes_gzip(request):
            answer = self.serve(file, request)
        else:
            answer = await self._pack(path, file, request)
        answer.headers["Vary"] = "Accept-Encoding"
        return answer  # type: ignore[no-any-return]

    async def _pack(self, path: str, file: StaticFile, request: HttpRequest) -> HttpResponse:
        """The file in fewer bytes. Its tag is another, since its bytes are."""
        _, source, headers = file.alternatives[-1]
        if path not in self._packed:
            self._packed[path] = await gzipped(_read(source))
        body, tag = self._packed[path], f'{file.etag[:-1]}-gzip"'
        if request.headers.get("If-None-Match") == tag:
            return HttpResponse(status=304, headers={**dict(file.not_modified_response.headers), "ETag": tag})
        more = {"ETag": tag, "Content-Encoding": "gzip", "Content-Length": str(len(body))}
        return HttpResponse(body, headers={**dict(headers), **more})


def _read(path: str) -> bytes:
    return Path(path).read_bytes()
