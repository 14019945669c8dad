"""Where the ends of tasks are told whatever their launch says: by task type, as IOTASK_WEBHOOKS says it, and what signs them."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from tasks_app.engine.registry import Registry
from tasks_app.engine.task import Task
from tasks_app.engine.webhook import Webhook, secret_of, url_of

EVERY = "*"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Hooks(Struct, frozen=True):
    """By task type, or EVERY; `secret` signs them, and those of launches that bring none."""

    by_type: dict[str, Webhook] = {}
    secret: str = ""

    def of(self, task: Task, registry: Registry) -> list[Webhook]:
        """Where the end of a task is told: each address once. The server's own tasks are nobody's affair."""
        found = {} if task.webhook is None else {task.webhook.url: task.webhook}
        kind = registry.find(task.type)
        if task.foreign is None and (kind is None or kind.launchable):
            declared = Webhook(kind.webhook) if kind is not None and kind.webhook else None
            for hook in (self.by_type.get(task.type, declared), self.by_type.get(EVERY)):
                if hook is not None:
                    found.setdefault(hook.url, hook)
        return list(found.values())


def hooks_of(text: str, secret: str) -> Hooks:
    """What IOTASK_WEBHOOKS and IOTASK_WEBHOOK_SECRET say: `ping=https://a.example/hook,*=https://b.example/hook`. Raises ValueError with a
    sentence that shows neither addresses nor secrets."""
    by_type: dict[str, Webhook] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, url = item.partition("=")
        if (name != EVERY and not _NAME.fullmatch(name)) or name in by_type:
            raise ValueError(f"IOTASK_WEBHOOKS names {name[:64]!r}: it is a list of type=address, each task type once, * for all.")
        try:
            by_type[name] = Webhook(url_of(url))
        except ValueError as error:
            raise ValueError(f"IOTASK_WEBHOOKS, for {name}: {error}.") from None
    try:
        if secret:
            secret_of(secret)
    except ValueError as error:
        raise ValueError(f"IOTASK_WEBHOOK_SECRET {error}.") from None
    if by_type and not secret:
        raise ValueError("IOTASK_WEBHOOKS is set and IOTASK_WEBHOOK_SECRET is not: nothing could be signed.")
    return Hooks(by_type, secret)


def secret_in(text: str, file: Path | None) -> str:
    """The secret as it is set, or as it stands in a file. Raises ValueError."""
    try:
        return text or (file.read_text(encoding="utf-8").strip() if file else "")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"IOTASK_WEBHOOK_SECRET_FILE cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
