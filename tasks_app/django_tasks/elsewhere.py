"""A server that runs the project's tasks, for processes that do not: it is asked through its API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from msgspec import Struct

from tasks_app.auth.forwarded import is_loopback
from tasks_app.django_tasks.results import Ended, Told
from tasks_app.engine.task import OutcomeKind, Status, TaskError

SECONDS = 10.0  # until a server that does not answer is given up
MOST = 64 * 2**20  # bytes of an answer
WORKER = "iotask-server"
Read = TypeVar("Read")


class NoEngine(ImproperlyConfigured):
    """No engine runs in this process, and nobody has said which server has one."""


class ServerRefused(Exception):
    """The server did not take the task, or did not answer; the message says why. `status` is that of its answer, 0 where there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Server(Struct, frozen=True):
    """Where it is, without a slash at the end, and the token that it wants; empty for one without a login."""

    url: str
    token: str = ""

    def launch(self, wanted: Mapping[str, Any]) -> Told:
        """Have it accept a task, once however often it is asked: where no answer comes it is asked again. Raises ServerRefused."""
        keyed = {**wanted, "idempotency_key": uuid4().hex}
        try:
            found = self._ask("POST", "tasks", keyed)
        except ServerRefused as error:
            if error.status:
                raise
            found = self._ask("POST", "tasks", keyed)
        return self._read(_told, found)

    def find(self, task_id: str) -> tuple[str, Told] | None:
        """The type of a task and what is known of it; None where it knows none. Raises ServerRefused."""
        try:
            found = self._ask("GET", f"tasks/{quote(task_id, safe='')}")
        except ServerRefused as error:
            if error.status == 404:
                return None
            raise
        return self._read(lambda given: (str(given["type"]), _told(given)), found)

    def _read(self, read: Callable[[Mapping[str, Any]], Read], found: Mapping[str, Any]) -> Read:
        try:
            return read(found)
        except (LookupError, TypeError, ValueError, AttributeError) as error:  # an answer of another version, or of another server
            raise ServerRefused(f"{self.url} does not answer as an IoTask server does: {error!r}") from None

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        asked = Request(f"{self.url}/api/v2/{path}", data, headers, method=method)  # noqa: S310 - server_of has looked at the scheme
        try:
            with _opener(urlsplit(self.url).hostname or "").open(asked, timeout=SECONDS) as answer:
                found: dict[str, Any] = json.loads(answer.read(MOST))
        except HTTPError as error:
            with error:
                raise ServerRefused(f"{self.url} refused the task: {_reason(error)}", error.code) from None
        except (URLError, OSError, HTTPException, ValueError) as error:
            raise ServerRefused(f"{self.url} does not answer as an IoTask server does: {error}") from None
        return found


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like any other: the token is for the server that was named, and for no other."""

    def redirect_request(self, *given: Any) -> None:
        """Nowhere."""


@cache
def _opener(host: str) -> OpenerDirector:
    """This machine is reached without the proxies of the environment."""
    return build_opener(_NoRedirect, *([ProxyHandler({})] if host == "localhost" or is_loopback(host) else []))


def server_of(options: Mapping[str, Any]) -> Server:
    """The server that the options of a backend name. Raises NoEngine."""
    url = str(options.get("URL") or "").rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise NoEngine(
            "IoTask's engine runs in the server process, and this is another one, such as a shell or a command. Name the server: "
            'OPTIONS = {"URL": "http://localhost:8080", "TOKEN": "…"} in TASKS; '
            'or have this process run tasks itself for as long as it lives: OPTIONS = {"ENGINE": "here"}.'
        )
    return Server(url, str(options.get("TOKEN") or ""))


def _reason(error: HTTPError) -> str:
    try:
        problem = json.loads(error.read(MOST))
        return str(problem.get("detail") or problem.get("title") or error)
    except (ValueError, AttributeError, OSError):
        return str(error)


def _told(found: Mapping[str, Any]) -> Told:
    attempts = [
        Ended(
            _seconds(attempt["started_at"]) or 0.0,
            WORKER,
            OutcomeKind(attempt["outcome"]) if attempt["outcome"] else None,
            _error(attempt["error"]),
        )
        for attempt in found["attempts"]
    ]
    return Told(
        id=found["id"],
        status=Status(found["status"]),
        params=found["params"],
        priority=found["priority"],
        created_at=_seconds(found["created_at"]) or 0.0,
        ended_at=_seconds(found["ended_at"]),
        attempts=attempts,
        attempt_number=max([attempt["number"] for attempt in found["attempts"]], default=0),
        result=found["result"],
    )


def _error(given: Mapping[str, Any] | None) -> TaskError | None:
    return None if given is None else TaskError(given["type"], given["message"], given.get("traceback") or "")


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
