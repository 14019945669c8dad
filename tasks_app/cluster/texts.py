"""Texts that come from a cluster: nobody there need be trusted, so they are cut, and what cannot be written anywhere is replaced."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from tasks_app.engine.context import LARGEST

TYPE, TEXT, RESULT, TRACEBACK, NAME = 200, 2_000, 10_000, 20_000, 200  # characters
MOST_PARTS = 500  # of a list or an object that is kept
LATEST = 1e11  # seconds since 1970: no moment is later
_IDS = UUID("6f0b6c2e-6a3c-4f0e-9d0a-2f5d1c7e4b11")  # the space of ids that are made of names which are no UUID


def clean(value: Any, most: int) -> str:
    """A value as text of at most so many characters; empty for None."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else str(value)[: most + 1]
    text = text[: most + 1].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return text if len(text) <= most else text[: most - 1] + "…"


def json_of(value: Any) -> bytes:
    """A value that holds clean texts, as JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def params_of(args: Any, kwargs: Any) -> bytes:
    """The arguments of a Celery task, as it writes them, as the params of a task; nothing where there are none."""
    written = {name: _written(value) for name, value in (("args", args), ("kwargs", kwargs))}
    given = {name: text for name, text in written.items() if text not in ("", "()", "[]", "{}")}
    return json_of(given) if given else b""


def _written(value: Any) -> str:
    return clean(value if isinstance(value, str) or value is None else repr(value), TEXT)


def moment_of(value: Any) -> float | None:
    """A moment as Celery tells it, ISO 8601 or a number, in seconds since 1970; None where it tells none."""
    try:
        found = datetime.fromisoformat(value).timestamp() if isinstance(value, str) else number_of(value)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and 0 <= found < LATEST else None


def number_of(value: Any) -> float | None:
    """A number that every reader can count with, or None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST else None


def whole_of(value: Any) -> int | None:
    """A whole number, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def task_id_of(name: str) -> str:
    """The id here of a task that has this name in its cluster: the same where that is a UUID, else one made of it."""
    try:
        return str(UUID(name)) if len(name) == 36 else str(uuid5(_IDS, name))
    except ValueError:
        return str(uuid5(_IDS, name))


def bounded(value: Any, depth: int = 5) -> Any:
    """A JSON value of a size that can be kept: texts, lists and what is nested in them are cut, and numbers that nobody
    can count with are texts."""
    if isinstance(value, str):
        return clean(value, NAME)
    if isinstance(value, dict):
        return {clean(name, NAME): bounded(part, depth - 1) for name, part in list(value.items())[:MOST_PARTS]} if depth else {}
    if isinstance(value, list | tuple):
        return [bounded(part, depth - 1) for part in value[:MOST_PARTS]] if depth else []
    return value if value is None or isinstance(value, bool) or number_of(value) is not None else clean(value, NAME)
