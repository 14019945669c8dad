"""Dialect 002, Flussonic jobs: `/job`, `/job/all`, `/job/{id}/status`, `/job/{id}/cancel`, and the messages that become jobs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from tasks_app import runtime
from tasks_app.api.dialects._door import Dialect, Refusal, endpoint, nowhere
from tasks_app.api.dialects._wire import Unreadable, decode, document, encode, fields, text, wrong_method
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import Draining, IllegalTransition, Invalid, NotFound
from tasks_app.engine.launch import MAX_TIMEOUT, LaunchRequest
from tasks_app.engine.series import Series
from tasks_app.engine.task import STOPPING, WAITING, Status, Task
from tasks_app.handlers.message import LONGEST_DATA
from tasks_app.kafka.reader import BadMessage
from tasks_app.kafka.writer import NotTaken

SERIES = Series("jobs", 0)
TIMEOUT = 3_000_000_000  # ns, and the next: what a job has whose message says nothing
DATA = "hello"
LONGEST_TIMEOUT = 2**63 - 1  # ns
LONGEST_MESSAGE = 65_536  # bytes, enough for the longest data however it is escaped
LARGEST_ID = 2**64 - 1
LAST_AHEAD = 65_535  # ids of the service have 16 bits; that bounds what is remembered
TURN = 1_000  # jobs of a list that are written before others get their turn
_WORDS = {
    **dict.fromkeys(WAITING, "waiting"),
    **dict.fromkeys(STOPPING, "canceled"),
    Status.PROCESSING: "executing",
    Status.COMPLETED: "done",
    Status.FAILED: "failed",
    Status.INTERRUPTED: "failed",
    Status.CANCELLED: "canceled",
}
_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", '"': r"\"", "\\": r"\\"}


class Message(NamedTuple):
    """What a job is made of: its timeout in nanoseconds and its text."""

    timeout: int = TIMEOUT
    data: str = DATA


def _envelope(status: int, data: Any, headers: Mapping[str, str] | None = None) -> HttpResponse:
    return document({"Status": status, "Data": data}, status, end="", headers=headers)


def _error(status: int, words: str, headers: Mapping[str, str]) -> HttpResponse:
    return _envelope(status, {"errors": words}, headers)


dialect = Dialect("jobs", _error, wrong_method)
router = Dialect("jobs", text, wrong_method)  # what the service's router says itself is plain text


# -- messages


def accept(message: bytes) -> Task:
    """Make a job of a message of the topic. Raises BadMessage, WaitingFull, Draining, JournalFailed."""
    try:
        return _launched(_read(message))
    except Invalid as error:  # what this reads more generously than the task type: never a message that holds up all others
        raise BadMessage(error.message) from None


def stored() -> None:
    """Return when every job accepted until now will outlive the process, where a journal is kept. Blocks. Raises JournalFailed."""
    engine = runtime.get().engine
    if engine.journal.durable:
        asyncio.run(engine.safe())


def _launched(message: Message, by: str = "") -> Task:
    now = runtime.get()
    request = LaunchRequest(
        type="message",
        params={"data": message.data, "longest": now.config.job_seconds},
        timeout=min(message.timeout / 1e9, now.config.job_timeout, MAX_TIMEOUT),
    )
    return now.engine.submit_numbered(request, SERIES, by=by, via=dialect.name)


def _read(message: bytes) -> Message:
    """Every field must be there and right."""
    if len(message) > LONGEST_MESSAGE:
        raise BadMessage(f"it has {len(message):,} bytes, and at most {LONGEST_MESSAGE:,} are accepted")
    try:
        message.decode()
        found = fields(decode(message), "timeout", "data")
    except UnicodeError:
        raise BadMessage("it is not UTF-8") from None
    except Unreadable as error:
        raise BadMessage(f"it is not a JSON object: {error}") from None
    timeout, data = found.get("timeout"), found.get("data")
    if not _is_timeout(timeout):
        raise BadMessage("its timeout is not an integer of nanoseconds above 0")
    if not _is_data(data):
        raise BadMessage(f"its data is not a text of at most {LONGEST_DATA:,} characters")
    return Message(timeout, data)


def _asked_for(body: bytes) -> Message:
    """What is right in a body counts, and nothing is an error."""
    try:
        found = fields(decode(body), "timeout", "data")
    except Unreadable:
        return Message()
    timeout, data = found.get("timeout"), found.get("data")
    return Message(timeout if _is_timeout(timeout) else TIMEOUT, data if _is_data(data) else DATA)


def _is_timeout(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 < value <= LONGEST_TIMEOUT


def _is_data(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= LONGEST_DATA


# -- views


async def create(request: HttpRequest) -> HttpResponse:
    """A job, or, where a topic is read, a message there that becomes one."""
    now, message = runtime.get(), _asked_for(request.body)
    if now.topic is None:
        job = _launched(message, name_of(request))
        acted_on(request, job.id)
        return _envelope(200, None, {"Location": f"/job/{job.serial}/status"})
    if now.engine.draining:
        raise Draining
    try:
        await now.topic.send(encode(message._asdict()).encode())
    except NotTaken as error:
        return _error(500, str(error), {})
    return _envelope(200, None)


async def everything(request: HttpRequest) -> HttpResponse:
    """All jobs in the order of their ids, and after them the ids that are cancelled before there is a job."""
    store = runtime.get().store
    ahead = store.series.ahead(SERIES.name)  # before the jobs: an id that becomes one meanwhile is found there
    numbers = store.series.numbers(SERIES.name)
    parts: list[str] = []
    last = -1
    for start in range(0, len(numbers), TURN):
        jobs = store.many(numbers[start : start + TURN])
        last = max((job.serial for job in jobs if job.serial is not None), default=last)
        parts.append(_listed([(job.serial, _WORDS[job.status]) for job in jobs]))
        await asyncio.sleep(0)
    for start in range(0, len(ahead), TURN):
        parts.append(_listed([(serial, "canceled") for serial in ahead[start : start + TURN] if serial > last]))
        await asyncio.sleep(0)
    listed = ",".join(filter(None, parts))
    return HttpResponse(f'{{"Status":200,"Data":{{"tasks":[{listed}]}}}}', content_type="application/json")


async def status(request: HttpRequest, job_id: str) -> HttpResponse:
    """How a job is."""
    serial = _id_of(job_id)
    series = runtime.get().store.series
    ahead = series.is_ahead(SERIES.name, serial)  # before the job, as above
    job = _job(serial)
    word = _WORDS[job.status] if job else "canceled" if ahead else "not in list"
    return _envelope(200, {"id": serial, "status": word})


async def cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    """Cancel a job for good. A cancel of one that is not there yet is remembered; one that has ended stays as it is."""
    serial = _id_of(job_id)
    now = runtime.get()
    if serial > LAST_AHEAD or not now.engine.cancel_ahead(SERIES, serial):
        _cancel_now(serial, name_of(request))
    return _envelope(200, None)


def _cancel_now(serial: int, by: str) -> None:
    job = _job(serial)
    try:
        if job is not None:
            runtime.get().engine.cancel(job.id, by=by)
    except (IllegalTransition, NotFound):  # it has ended, or was deleted a moment ago
        return


def _job(serial: int) -> Task | None:
    store = runtime.get().store
    number = store.series.number(SERIES.name, serial)
    return None if number is None else store.by_number(number)


def _listed(jobs: list[tuple[int | None, str]]) -> str:
    return encode([{"id": serial, "status": word} for serial, word in jobs])[1:-1]


# -- ids


def _id_of(given: str) -> int:
    """The id that a text is, read as Go's strconv.ParseUint reads it: digit by digit, so that the first fault counts. Raises Refusal."""
    digits = re.match("[0-9]*", given)
    assert digits is not None
    significant = digits[0].lstrip("0")
    value = int(significant[:21] or "0")
    if value > LARGEST_ID:
        raise _refused(given, "value out of range")
    if not digits[0] or digits[0] != given:
        raise _refused(given, "invalid syntax")
    return value


def _refused(given: str, why: str) -> Refusal:
    return Refusal(_error(400, f"strconv.ParseUint: parsing {_quoted(given)}: {why}", {}))


def _quoted(given: str) -> str:
    """A text as Go's strconv.Quote writes it."""
    return f'"{"".join(map(_written, given))}"'


def _written(character: str) -> str:
    if character in _ESCAPES or character.isprintable():
        return _ESCAPES.get(character, character)
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"


urlpatterns: list[URLPattern] = [
    path("job", endpoint(dialect, post=create)),
    path("job/all", endpoint(dialect, allow="GET, HEAD", get=everything)),
    path("job/<str:job_id>/status", endpoint(dialect, allow="GET, HEAD", get=status)),
    path("job/<str:job_id>/cancel", endpoint(dialect, post=cancel)),
    re_path("^job/", nowhere(router, "404 page not found")),
]
