"""Who may do what. Pages, API, dialects, streams and sockets ask this one function."""

from __future__ import annotations

from enum import StrEnum

from tasks_app.auth.principal import Principal, Role
from tasks_app.conf import get_config
from tasks_app.engine.task import Task


class Action(StrEnum):
    """What somebody wants to do."""

    PUBLIC = "public"  # for everybody, known or not
    READ = "read"
    LEAVE = "leave"  # log out, end a session of one's own
    PREPARE = "prepare"  # see and fill a launch form
    LAUNCH = "launch"
    START = "start"  # at once what waits for a time
    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    RESTORE = "restore"  # what was deleted a moment ago
    BULK = "bulk"  # cancel, retry or delete many
    SCHEDULE = "schedule"  # make, change, pause and delete what comes again by itself
    LIMIT = "limit"  # slots and pauses of a task type
    SESSIONS = "sessions"  # everybody's sessions
    AUDIT = "audit"  # who was refused what, who signed in, and from which address
    SETTINGS = "settings"  # what this server is told


EFFECTS = frozenset(
    {Action.LAUNCH, Action.START, Action.CANCEL, Action.RETRY, Action.DELETE, Action.RESTORE, Action.BULK, Action.SCHEDULE, Action.LIMIT}
)
_NOT_WHEN_READ_ONLY = EFFECTS | {Action.PREPARE}
_LEAST = {
    Action.READ: Role.VIEWER,
    Action.LEAVE: Role.VIEWER,
    Action.PREPARE: Role.OPERATOR,
    Action.LAUNCH: Role.OPERATOR,
    Action.START: Role.OPERATOR,
    Action.CANCEL: Role.OPERATOR,
    Action.RETRY: Role.OPERATOR,
    Action.DELETE: Role.OPERATOR,
    Action.RESTORE: Role.OPERATOR,
    Action.BULK: Role.OPERATOR,
    Action.SCHEDULE: Role.OPERATOR,
    Action.LIMIT: Role.ADMIN,
    Action.SESSIONS: Role.ADMIN,
    Action.AUDIT: Role.ADMIN,
    Action.SETTINGS: Role.ADMIN,
}


def allow(principal: Principal | None, action: Action, task: Task | None = None) -> bool:
    """Whether `principal` (None: somebody unknown) may do this.

    A task belongs to nobody: whichever `task` it is about, the role decides. On a read-only server nothing that has an effect on tasks
    is allowed to anybody.
    """
    if action is Action.PUBLIC:
        return True
    return principal is not None and suffices(principal.role, action) and not (action in _NOT_WHEN_READ_ONLY and get_config().read_only)


def suffices(role: Role, action: Action) -> bool:
    """Whether a role is enough for that, if nothing else is in the way."""
    return role.rank >= _LEAST[action].rank
