"""What is known of a request while it is answered: who asks, for what, and what it was about."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from msgspec import Struct

from tasks_app.auth.allow import Action, allow
from tasks_app.auth.errors import Denied
from tasks_app.auth.principal import Principal


class Ask(Struct):
    """One request. `objects` are the ids of what it acted on, None until somebody says; `refused` is the code of a refusal;
    `too_much` is one that the view tells itself, as it keeps what was filled in; `unwritten`: it was done, and is not on disk."""

    address: str
    principal: Principal | None = None
    action: Action | None = None
    objects: tuple[str, ...] | None = None
    refused: str = ""
    too_much: Denied | None = None
    unwritten: bool = False


def ask_of(request: HttpRequest) -> Ask:
    """What is known of a request that came through the gate."""
    return cast(Any, request).ask  # type: ignore[no-any-return]


def principal_of(request: HttpRequest) -> Principal | None:
    """Who asks; None on a public page that nobody known asks for."""
    return cast(Any, request).principal  # type: ignore[no-any-return]


def name_of(request: HttpRequest) -> str:
    """The name that tasks and cancels keep."""
    principal = principal_of(request)
    return principal.name if principal else ""


def may(request: HttpRequest, action: Action) -> bool:
    """Whether whoever asks may do this too."""
    return allow(principal_of(request), action)


def acted_on(request: HttpRequest, *ids: str) -> None:
    """Say what was made or changed, for the audit. No ids: nothing was."""
    ask_of(request).objects = ids
