"""Errors of the API as RFC 9457 problem+json: one table from what went wrong to a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse

from tasks_app.auth.errors import Denied
from tasks_app.engine.errors import Conflict, EngineError, Invalid, InvalidParams, JournalFailed, NotFound, ShareFull, Unavailable
from tasks_app.logs import server_lines

CONTENT_TYPE = "application/problem+json"
JSON_PATHS = ("/api", "/healthz", "/readyz", "/metrics")
STATUSES: tuple[tuple[type[EngineError], int], ...] = (
    (JournalFailed, 507),
    (Invalid, 422),
    (NotFound, 404),
    (Conflict, 409),
    (ShareFull, 429),
    (Unavailable, 503),
)


class Problem(Exception):
    """What is sent when something is refused. `errors` are (field, message) pairs when several fields are wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        """As an HTTP response."""
        content = msgspec.json.encode(self.document())
        return HttpResponse(content, status=self.status, content_type=CONTENT_TYPE, headers=self.headers)

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        found: dict[str, Any] = {
            "type": f"urn:iotask:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.field is not None:
            found["field"] = self.field
        if self.errors:
            found["errors"] = [{"field": field, "message": message} for field, message in self.errors]
        return found


def speaks_json(path: str) -> bool:
    """Whether what lies at this path answers in JSON, errors included."""
    return path.startswith(JSON_PATHS)


def response_to(error: Exception, request: HttpRequest) -> HttpResponse:
    """The response to any exception. What we did not foresee is told to the log, not to the client."""
    problem = problem_of(error)
    if problem is None:
        server_lines.request_failed(request.method or "", request.path, error)
        problem = Problem(500, "internal_error", "The server met a fault of its own; its log says which.")
    return problem.response()


def problem_of(error: Exception) -> Problem | None:
    """What an exception means to a client; None for one that should not have happened."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, EngineError):
        return _of_engine(error)
    if isinstance(error, Denied):
        headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return Problem(error.status, error.code, error.message, headers=headers)
    if isinstance(error, MemoryError):
        return Problem(503, "no_room", "There is no memory left for this.", headers={"Retry-After": "5"})
    if isinstance(error, Http404):
        return Problem(404, "not_found", "There is nothing here.")
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", "This is not allowed.")
    if isinstance(error, BadRequest | SuspiciousOperation):
        return Problem(400, "bad_request", "The request cannot be read.")
    return None


def _of_engine(error: EngineError) -> Problem | None:
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), None)
    if status is None:
        return None
    errors = error.problems if isinstance(error, InvalidParams) else ()
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Unavailable) else {}
    return Problem(status, error.code, error.message, field=error.field, errors=errors, headers=headers)
