"""The one error tree of the engine; no HTTP in it.

EngineError
├── Invalid              what was asked cannot be right
│   ├── UnknownType
│   ├── NotLaunchable
│   ├── InvalidParams
│   └── InvalidValue
├── NotFound
├── Conflict             right in itself, wrong for the present state
│   ├── IllegalTransition
│   └── IdempotencyConflict
├── Unavailable          right, but not now
│   ├── WaitingFull
│   ├── ShareFull
│   ├── Draining
│   ├── NoRoom
│   ├── JournalBehind
│   └── JournalFailed
│       └── NothingKept
└── SetupError           the program's own parts do not fit together
    └── DuplicateType

TaskFailure and TaskCancelled are not part of it: a handler raises the first, a synchronous handler is left through the second.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, ClassVar

from tasks_app.engine.sentences import joined, say


class EngineError(Exception):
    """Something the engine refuses."""

    # `message` is plain English for programs and logs, `sentence` the same for a page, which may say it in another language.

    code: ClassVar[str] = "engine_error"

    def __init__(self, message: str = "", *, field: str | None = None) -> None:
        self.sentence = message or say(inspect.cleandoc(type(self).__doc__ or ""))
        self.message = str(self.sentence)
        self.field = field
        super().__init__(self.message)


class Invalid(EngineError):
    """The request is not valid."""

    code = "invalid"


class UnknownType(Invalid):
    """There is no such task type."""

    code = "unknown_type"


class NotLaunchable(Invalid):
    """Tasks of this type are made by the server itself."""

    code = "not_launchable"


class InvalidValue(Invalid):
    """A value is not allowed."""

    code = "invalid_value"


class InvalidParams(Invalid):
    """The params do not fit the task type.

    `problems` holds one `(field, message)` pair for each thing that is wrong; field names are dotted paths below `params`.
    """

    code = "invalid_params"

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.sentences = list(problems)
        self.problems = [(name, str(text)) for name, text in self.sentences]
        field = self.problems[0][0] if self.problems else "params"
        super().__init__(joined("; ", (joined(": ", pair) for pair in self.sentences)), field=field)


class NotFound(EngineError):
    """There is no task with this id."""

    code = "not_found"


class Conflict(EngineError):
    """The task's present state does not allow this."""

    code = "conflict"


class IllegalTransition(Conflict):
    """A task cannot go from this status to that one."""

    code = "illegal_transition"


class IdempotencyConflict(Conflict):
    """This idempotency key was used before with another request."""

    code = "idempotency_conflict"


class Unavailable(EngineError):
    """Not possible at the moment. `retry_after` is in seconds."""

    code = "unavailable"
    retry_after: ClassVar[int] = 5


class WaitingFull(Unavailable):
    """As many tasks are waiting as this server accepts."""

    code = "waiting_full"


class ShareFull(Unavailable):
    """As many of this person's tasks are waiting as may."""

    code = "share_full"


class Draining(Unavailable):
    """The server is stopping and takes no new work."""

    code = "draining"
    retry_after = 10


class NoRoom(Unavailable):
    """There is no memory left for new tasks."""

    code = "no_room"


class JournalBehind(Unavailable):
    """The journal's disk does not keep up."""

    code = "journal_behind"


class JournalFailed(Unavailable):
    """The journal cannot be written, so nothing new is accepted."""

    code = "journal_failed"


class NotWritten(JournalFailed):
    """This was done, but it is not on disk yet: a crash before the journal can be written again would undo it."""

    code = "not_written"


class NothingKept(JournalFailed):
    """There is no memory left to keep what was done."""


class SetupError(EngineError):
    """The task types do not fit together."""

    code = "setup_error"


class DuplicateType(SetupError):
    """Two task types have the same name."""

    code = "duplicate_type"


class TaskFailure(Exception):  # a handler's word for a failure it expects, no error of ours
    """Raised by a handler to fail in its own words: no traceback is kept.

    `kind` is a short stable word shown as the error's type; `retry=False` ends the task even if attempts are left;
    `result` (JSON values) is kept beside the error.
    """

    def __init__(self, message: str, *, kind: str = "Failed", retry: bool = True, result: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.retry = retry
        self.result = result


class TaskCancelled(BaseException):
    """Leaves a synchronous handler when its task is cancelled. Like asyncio's: not an Exception, so that a broad except lets it pass."""
