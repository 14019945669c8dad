"""How the record of a schedule comes to be: of what somebody asks for, and of what the journal has."""

from __future__ import annotations

import contextlib

import msgspec

from tasks_app.engine.registry import Registry
from tasks_app.engine.schedule import Schedule, ScheduleRequest
from tasks_app.engine.webhook import signed_hook

CONTENT = ("cron", "timezone", "missed", "type", "params", "secrets", "name", "tags", "priority", "timeout", "max_attempts", "webhook")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Schedule).decode


def described(request: ScheduleRequest, registry: Registry, *, signs: bool) -> Schedule:
    """The content that is asked for, without an id or a time; `signs`: the server has a secret for webhooks. Raises UnknownType,
    NotLaunchable, InvalidParams, InvalidValue."""
    asked = request.task
    task_type = registry.launchable(asked.type)
    params, secrets = task_type.encode(asked.params)
    return Schedule(
        id="",
        cron=request.cron,
        timezone=request.timezone,
        missed=request.missed,
        type=asked.type,
        params=params,
        secrets=secrets,
        name=asked.name,
        tags=tuple(dict.fromkeys(asked.tags)),
        priority=asked.priority,
        timeout=asked.timeout,
        max_attempts=asked.max_attempts,
        webhook=signed_hook(asked.webhook, signs=signs, field="task.webhook.secret"),
    )


def written(schedule: Schedule) -> bytes:
    """As the journal keeps it."""
    return _encode(schedule)


def read(record: bytes) -> Schedule | None:
    """As the journal has it; None for a record that another version wrote, or that is broken."""
    with contextlib.suppress(msgspec.MsgspecError):
        return _decode(record)
    return None
