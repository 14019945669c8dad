"""Requests for views that are called without the gate in front of them."""

from __future__ import annotations

from typing import Any

from tasks_app.auth.asking import Ask
from tasks_app.auth.principal import NOBODY_ASKED, Principal


def let_in(request: Any, principal: Principal | None = NOBODY_ASKED) -> Any:
    """The same request, as if the gate had let it pass."""
    request.principal = principal
    request.ask = Ask("127.0.0.1", principal)
    return request
