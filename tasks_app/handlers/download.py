"""Task type `download`: streams a URL to a file below the configured folder."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

from aiohttp import ClientError, ClientResponse, ClientTimeout
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from yarl import URL

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import joined, kept, say
from tasks_app.handlers._hosts import Url, bare
from tasks_app.handlers._http import MAX_REDIRECTS, failure, session
from tasks_app.handlers._part import MAX_NAME, Part, clean_name, in_thread
from tasks_app.handlers._words import BECAUSE, STARTING, seconds, size, size_of, speed

CHUNK = 1 << 18
SLOWEST = 1000  # bytes a second, on average over WATCHED seconds: what is slower may never end
WATCHED = 60.0
LONGEST = 86_400.0  # seconds, unless the launch says otherwise
_NO_FOLDER = kept("No folder for downloads is set on this server")
_NOT_SAVED = kept("The file could not be saved: {why}")
_KEPT = kept("Kept as {name}: {size} in {time}")
_TOO_SLOW = kept("{url} sends less than {speed}")
_ANSWERED = kept("{url} answered {status:d}")
_REDIRECTED = kept("{url} answered {status:d}, a redirect, and redirects are not followed")
_OTHER_SUM = kept("The file has the SHA-256 {found}, not {expected}")
_TOO_LARGE = kept("The file has more than the {size} allowed")
_BROKE_OFF = kept("{url} broke off after {size}")
_SILENT = kept("{url} sent nothing for {time}")
_CAME = kept("{size}, {speed}")
_RETRY_STATUSES = frozenset({408, 425, 429})  # and all from 500 on


class Folder:
    """Where downloads go."""

    path: Path | None = None


def configure(folder: Path) -> None:
    """Say where downloads go, once, at start. The folder is made when the first one comes."""
    Folder.path = folder


def _plain_name(text: str) -> str:
    if text != clean_name(text):
        raise PydanticCustomError("file_name", "Not a plain file name: no slashes, no dot in front, no .part at the end, 200 bytes at most")
    return text


class DownloadParams(Params):
    """What to fetch, what it must be, and how it is kept."""

    url: Url = Field(title="URL", description="Address of the file, beginning with http:// or https://")
    sha256: str | None = Field(
        None, title="SHA-256", pattern="^[0-9A-Fa-f]{64}$", description="Checksum the file must have, 64 hexadecimal digits"
    )
    filename: Annotated[str, AfterValidator(_plain_name)] | None = Field(
        None, max_length=MAX_NAME, description="Name of the file; left out: the last part of the address. A taken name gets a number"
    )
    max_bytes: int = Field(10 * 2**30, ge=1, le=2**40, description="Bytes above which the download is given up")
    timeout: float = Field(
        30.0, ge=0.1, le=60, description="Seconds until the answer must begin, and then without a byte after which it is given up"
    )
    follow_redirects: bool = Field(False, description="Whether redirects are followed, 3 at most")

    def summary(self) -> str:
        """Where from, and the name if one was given."""
        return joined(" · ", (bare(self.url).partition("://")[2], *((say("as {name}", name=self.filename),) if self.filename else ())))

    def name(self) -> str:
        """The name the file gets if it is free."""
        return self.filename or clean_name(URL(self.url).name)


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    file = f"{result['file']} · sha256 {result['sha256'][:12]}…"
    if not result["seconds"]:
        return size(result["bytes"]), file
    return say("{size}, {speed} on average", size=size(result["bytes"]), speed=speed(result["bytes"] / result["seconds"])), file


@task_type("download", params=DownloadParams, title="Download", concurrency=16, timeout=LONGEST, idempotent=True, headline=headline)
async def download(params: DownloadParams, context: Context) -> dict[str, Any]:
    """Fetches a file over HTTP, computes its SHA-256 and keeps it only when it came whole. Never overwrites a file."""
    if Folder.path is None:
        raise TaskFailure(_NO_FOLDER(), kind="NotConfigured", retry=False)
    part, name = Part(Folder.path, context.task_id), ""
    meter = Meter(context)
    try:
        await _fetch(params, part, meter, context.by)
        _compare(part.sha256, params.sha256)
        name = await in_thread(part.keep, params.name())
    except OSError as error:  # the network's are in words by now: this is the disk
        raise TaskFailure(_NOT_SAVED(why=os.strerror(error.errno or 0).lower()), kind="NotSaved") from None
    finally:
        if not name:
            await asyncio.shield(in_thread(part.drop))
    took = round(context.seconds, 3)
    context.log(_KEPT(name=name, size=size(meter.done), time=seconds(took)))
    return {"file": name, "bytes": meter.done, "sha256": part.sha256, "seconds": took}


async def _fetch(params: DownloadParams, part: Part, meter: Meter, by: str) -> None:
    timeout = ClientTimeout(total=None, connect=params.timeout, sock_read=params.timeout)
    try:
        async with session(timeout, by=by, read_bufsize=CHUNK) as asking:
            async with asyncio.timeout(params.timeout):  # a byte now and then would keep the session's own patience up
                response = await asking.get(params.url, allow_redirects=params.follow_redirects, max_redirects=MAX_REDIRECTS + 1)
            async with response:
                meter.expect(_announced(response, params))
                await in_thread(part.open)
                await _store(response, params, part, meter)
    except (ClientError, TimeoutError) as error:
        raise _in_words(error, params, meter) from None


async def _store(response: ClientResponse, params: DownloadParams, part: Part, meter: Meter) -> None:
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(params.timeout) as patience:  # the session's own is kept up by bytes that are none of the body's
        async for piece in response.content.iter_chunked(CHUNK):
            patience.reschedule(None)
            if meter.done + len(piece) > params.max_bytes:
                raise _too_large(params)
            await in_thread(part.write, piece)
            meter.add(len(piece))
            if meter.crawls():
                raise TaskFailure(_TOO_SLOW(url=bare(params.url), speed=speed(SLOWEST)), kind="TooSlow")
            patience.reschedule(clock() + params.timeout)
    if meter.total is not None and meter.done != meter.total:
        raise _truncated(params, meter)


def _announced(response: ClientResponse, params: DownloadParams) -> int | None:
    """The number of bytes the answer says it has, None when it does not. Raises TaskFailure when it is not to be fetched."""
    if response.status != 200:
        retry = response.status >= 500 or response.status in _RETRY_STATUSES
        said = _REDIRECTED if 300 <= response.status < 400 else _ANSWERED
        raise TaskFailure(said(url=bare(params.url), status=response.status), kind="UnexpectedStatus", retry=retry)
    if (response.content_length or 0) > params.max_bytes:
        raise _too_large(params)
    return response.content_length


def _compare(found: str, expected: str | None) -> None:
    if expected and found != expected.lower():
        raise TaskFailure(_OTHER_SUM(found=found, expected=expected.lower()), kind="ChecksumMismatch", retry=False)


def _too_large(params: DownloadParams) -> TaskFailure:
    return TaskFailure(_TOO_LARGE(size=size(params.max_bytes)), kind="TooLarge", retry=False)


def _truncated(params: DownloadParams, meter: Meter) -> TaskFailure:
    came = size(meter.done) if meter.total is None else size_of(meter.done, meter.total)
    return TaskFailure(_BROKE_OFF(url=bare(params.url), size=came), kind="Truncated")


def _in_words(error: Exception, params: DownloadParams, meter: Meter) -> TaskFailure:
    problem = failure(error, seconds(params.timeout))
    if problem.kind == "Truncated":
        return _truncated(params, meter)
    if meter.started and problem.kind == "Timeout":
        return TaskFailure(_SILENT(url=bare(params.url), time=seconds(params.timeout)), kind="Timeout")
    return TaskFailure(BECAUSE(said=bare(params.url), why=problem.message), kind=problem.kind, retry=problem.retry)


class Meter:
    """Counts the bytes of one download and tells of them; its speed is that of the last seconds."""

    def __init__(self, context: Context) -> None:
        self.done = 0
        self.total: int | None = None
        self.started = False
        self._context = context
        self._marks: deque[tuple[float, int]] = deque(maxlen=6)
        self._watched = (monotonic(), 0)
        context.progress(0, message=STARTING)

    def expect(self, total: int | None) -> None:
        """The answer begins; so many bytes should come."""
        self.started = True
        self.total = total
        self._watched = (monotonic(), 0)
        self._marks.append(self._watched)

    def add(self, count: int) -> None:
        """So many bytes more have come."""
        self.done += count
        now = monotonic()
        began, before = self._marks[0]
        rate = (self.done - before) / (now - began) if now > began else 0.0
        came = size(self.done) if self.total is None else size_of(self.done, self.total)
        self._context.progress(self.done, self.total, _CAME(size=came, speed=speed(rate)))
        if now - self._marks[-1][0] >= 1:
            self._marks.append((now, self.done))
            self._context.measure("Speed", rate / 1e6, "MB/s")

    def crawls(self) -> bool:
        """Whether hardly anything came since this was last looked at, which is once in WATCHED seconds."""
        began, before = self._watched
        passed = monotonic() - began
        if passed < WATCHED:
            return False
        self._watched = (began + passed, self.done)
        return self.done - before < SLOWEST * passed
