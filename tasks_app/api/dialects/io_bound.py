"""Dialect 001, IO Bound Task API: two-step reports by `/create-task`, `/poll-task/{uuid}` and `/files/…`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path

from tasks_app import runtime
from tasks_app.api.dialects._door import Dialect, Refusal, endpoint, nowhere
from tasks_app.api.dialects._wire import Unreadable, decode, document, fields
from tasks_app.auth.asking import acted_on, name_of
from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.task import Status, Task

EMPTY = "Invalid input. Task name cannot be empty"
NOT_A_STRING = "Invalid input. Task name must be a string"
NO_JSON = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "text/xml"})
FAILED = frozenset({Status.FAILED, Status.CANCELLED, Status.INTERRUPTED})
MAX_FILE = 65_536  # bytes; a report has about 200
_DASHED = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SPELLINGS = re.compile(rb"[0-9a-f]{32}|%b|\{%b\}|urn:uuid:%b" % (_DASHED, _DASHED, _DASHED), re.IGNORECASE)
_LENGTHS = (32, 36, 38, 45)
_REPORT = re.compile(rf"task_{_DASHED.decode()}\.json")


def _error(status: int, words: str, headers: Mapping[str, str]) -> HttpResponse:
    return document({"message": words}, status, headers=headers)


def _wrong_method(method: str, allow: str) -> HttpResponse:
    if method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": allow})
    return document({"message": "Method Not Allowed"}, 405, headers={"Allow": allow})


dialect = Dialect("io_bound", _error, _wrong_method)


async def create(request: HttpRequest) -> HttpResponse:
    """Accept a report; where all slots are taken it waits, and the client does not."""
    current = runtime.get()
    params = {"name": _name(request), "pause": current.config.report_pause}
    try:
        task = current.engine.submit(LaunchRequest(type="two_step_report", params=params), by=name_of(request), via=dialect.name)
    except InvalidParams:  # longer than the type allows
        return _error(413, "Request Entity Too Large", {})
    acted_on(request, task.id)
    return document(_shown(task), 201)


async def poll(request: HttpRequest, task_id: str) -> HttpResponse:
    """One report, by any spelling of its id."""
    wanted = _uuid(_id_as_sent(request))
    task = runtime.get().store.find(wanted)
    if task is None or task.via != dialect.name:
        return document({"error": f"Task GET request error: Task with id {wanted} not found"}, 404)
    return document(_shown(task))


async def file(request: HttpRequest, name: str = "") -> HttpResponse:
    """A report's file, as far as it is written."""
    folder = runtime.get().config.files_dir
    content = await asyncio.to_thread(_content, folder / name) if _REPORT.fullmatch(name) else None
    if content is None:
        return _error(404, "Not Found", {})
    return HttpResponse(content, content_type="application/json")


def _name(request: HttpRequest) -> str:
    """The name a report is to have. Forms and XML are read as well, and never hold one. Raises Refusal."""
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if not request.body or kind in NO_JSON:
        raise _refusal(EMPTY)
    if kind != "application/json":
        raise _refusal(NOT_A_STRING)
    try:
        value = decode(request.body)
        name = fields({} if value is None else value, "name").get("name", "")
    except Unreadable:
        raise _refusal(NOT_A_STRING) from None
    if not isinstance(name, str):
        raise _refusal(NOT_A_STRING)
    if not name:
        raise _refusal(EMPTY)
    return name


def _refusal(words: str) -> Refusal:
    return Refusal(document({"error": words}, 400))


def _shown(task: Task) -> dict[str, str]:
    done = task.status is Status.COMPLETED
    return {
        "id": task.id,
        "name": json.loads(task.params)["name"],
        "status": "completed" if done else "failed" if task.status in FAILED else "pending",
        "file_path": f"files/task_{task.id}.json" if done else "",
    }


def _id_as_sent(request: Any) -> bytes:
    """All that stands behind /poll-task/, as bytes: in the path that Django shows, what is no UTF-8 is replaced, and has another length."""
    sent: bytes = unquote_to_bytes(request.scope.get("raw_path") or request.path)
    return sent.split(b"/", 2)[2]


def _uuid(given: bytes) -> str:
    """The plain form of an id. Raises Refusal."""
    if len(given) not in _LENGTHS:
        raise _refusal(f"Invalid UUID format: invalid UUID length: {len(given)}")
    if not _SPELLINGS.fullmatch(given):
        raise _refusal("Invalid UUID format: invalid UUID format")
    return str(UUID(given.decode().lower()))


def _content(path: Path) -> bytes | None:
    """The bytes of a small regular file; None for whatever else is there. Blocks."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(opened)
        return os.read(opened, MAX_FILE) if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_FILE else None
    finally:
        os.close(opened)


urlpatterns: list[URLPattern] = [
    path("create-task", endpoint(dialect, allow="OPTIONS, POST", post=create)),
    re_path(r"^poll-task/(?P<task_id>(?s:.+))$", endpoint(dialect, allow="OPTIONS, GET", get=poll)),
    path("files", endpoint(dialect, allow="OPTIONS, GET", get=file)),
    re_path(r"^files/(?P<name>(?s:.*))$", endpoint(dialect, allow="OPTIONS, GET", get=file)),
    re_path(r"^(?:create-task|poll-task)(?:/|$)", nowhere(dialect, "Not Found")),
]
