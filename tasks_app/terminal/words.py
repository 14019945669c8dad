"""Values as a terminal shows them. What came from elsewhere is made harmless: no control character reaches the terminal."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
STYLES = {
    "completed": "green",
    "failed": "red",
    "interrupted": "red",
    "cancelled": "yellow",
    "cancelling": "yellow",
    "retrying": "yellow",
    "processing": "cyan",
    "scheduled": "blue",
    "pending": "blue",
}


def plain(text: object, most: int = 2000) -> str:
    """One line without control characters, nor such as turn the direction of writing; those are shown as escapes."""
    found = str(text)
    cut = found if len(found) <= most else found[: most - 1] + "…"
    return "".join(_harmless(c) if unicodedata.category(c) in _HIDDEN else c for c in cut)


def lines_of(text: object, most: int = 16_000) -> list[str]:
    """The same of a text of several lines, such as a traceback."""
    return [plain(line) for line in str(text)[:most].split("\n")]


def duration(seconds: float | None) -> str:
    """A length of time in at most two units: 0.35 s, 12 s, 3 m 20 s, 2 d 4 h; empty for None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = int(seconds)
    for unit, size, small, part in (("d", 86_400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // part} {small}"
    return f"{whole} s"


def moment(text: str | None) -> str:
    """A time of the API in this machine's zone, to the second; empty for None."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def clock(text: str) -> str:
    """The same without its day."""
    return moment(text)[11:]


def ago(text: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """How long ago that was."""
    return duration(max(0.0, (now() - datetime.fromisoformat(text)).total_seconds()))


def share(progress: dict[str, Any] | None) -> float | None:
    """How much of it is done, from 0 to 1; None where nobody knows how much there is."""
    if not progress or not progress["total"] or progress["total"] < 0:
        return None
    return float(min(1.0, max(0.0, progress["current"] / progress["total"])))


def far(task: dict[str, Any]) -> str:
    """How far a task is, in a few words: 35 %, or 120 where there is no total."""
    progress = task["progress"]
    if not progress or task["status"] == "completed":
        return ""
    done = share(progress)
    return f"{progress['current']:g}" if done is None else f"{100 * done:.0f} %"


def label(task: dict[str, Any]) -> str:
    """What a task is called: its name, or its type."""
    return plain(task["name"] or task["type"], 60)


def told(task: dict[str, Any]) -> str:
    """The newest word on a task: its error, why it waits, or its progress."""
    if task["error"]:
        return plain(f"{task['error']['type']}: {task['error']['message']}", 200)
    if task["waiting"]:
        return plain(task["waiting"]["reason"], 200)
    return plain((task["progress"] or {}).get("message", ""), 200)


def compact(value: Any, most: int = 2000) -> str:
    """A value as JSON on one line."""
    return plain(json.dumps(value, ensure_ascii=False), most)


def _harmless(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
