"""What comes over the broker, as far as it can be kept, shown and counted with: nobody there need be trusted. Pure."""

from __future__ import annotations

import json
from typing import Any

from tasks_app.engine.context import LARGEST, writable
from tasks_app.engine.run import encode_result

LONGEST = 1e9  # seconds that an attempt may take: some thirty years


def text(given: str, most: int) -> str:
    """At most so many characters that can be written."""
    return writable(given[:most])


def number(given: float | None) -> float | None:
    """A number that every reader can count with; None for what is none."""
    return given if given is not None and abs(given) <= LARGEST else None


def amount(given: float | None) -> float | None:
    """The same, where less than nothing makes no sense."""
    found = number(given)
    return found if found is not None and found >= 0 else None


def seconds(given: float) -> float:
    """A time since an attempt began, or that it took; 0 for what cannot be one."""
    return given if 0 <= given <= LONGEST else 0.0


def is_result(given: str) -> bool:
    """Whether it is JSON text that a handler here could have returned."""
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        return False
    return encode_result(value)[1] is None


def params(given: str, most: int) -> bytes:
    """JSON text of an object, of at most so many characters; an empty object where it is none."""
    try:
        value: Any = json.loads(given) if len(given) <= most else None
        fits = isinstance(value, dict)
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode() if fits else b"{}"
    except (ValueError, RecursionError):
        return b"{}"
