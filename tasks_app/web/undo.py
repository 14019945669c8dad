"""Undo, wherever the reader goes: a cookie remembers what this browser deleted last, and each page offers what can still come back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from tasks_app import runtime
from tasks_app.auth.allow import Action, allow
from tasks_app.presenters.undo import Offer, offers

COOKIE = "iotask-undo"
MOST = 3  # deletes that are offered at once, the newest
KEPT = 600  # seconds of the cookie: a bulk delete may take its time; what is really left is asked of the engine
_LONGEST = 200


def add(request: Any, name: str) -> None:
    """This request has deleted something."""
    request.undo_names = [*(known for known in _names(request) if known != name), name][-MOST:]


def kept(request: Any, answer: HttpResponse) -> HttpResponse:
    """The answer, with what the browser is to remember."""
    answer.set_cookie(COOKIE, ".".join(_names(request)), max_age=KEPT, httponly=True, samesite="Lax")
    return answer


def offered(request: HttpRequest) -> list[Offer]:
    """What this browser deleted and whoever asks may still undo, the oldest first."""
    principal = getattr(request, "principal", None)  # a request that is refused early has not got that far
    return offers(runtime.get(), _names(request)) if allow(principal, Action.RESTORE) else []


def _names(request: Any) -> list[str]:
    found: list[str] | None = getattr(request, "undo_names", None)
    if found is None:
        found = request.undo_names = request.COOKIES.get(COOKIE, "")[:_LONGEST].split(".")[:MOST]
    return found
