"""A span around each attempt, where somebody traces: a room above says how. Without one it costs a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tasks_app.engine.context import Context
    from tasks_app.engine.task import Outcome


class Span(Protocol):
    """An attempt under way, as a tracer sees it; what the handler traces meanwhile nests in it."""

    def end(self, outcome: Outcome, error: BaseException | None) -> None:
        """The attempt has ended so, with an error if its handler raised. Called where it began."""


class Spans:
    """Who traces: `begin` is called in the coroutine, thread or process in which a handler is about to run, and must not raise."""

    begin: Callable[[Context], Span | None] | None = None


spans = Spans()
