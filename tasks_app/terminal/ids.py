"""Which task somebody means: its id, the beginning of its id, or its number."""

from __future__ import annotations

import re
from typing import Any

from tasks_app.terminal.exits import Ends, Exit
from tasks_app.terminal.server import Server

SHORTEST = 4  # characters of an id
_WHOLE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PAGES = 500  # of up to 20,000 tasks that the server looks at for one question


def id_of(server: Server, text: str) -> str:
    """The id of the task that is meant. Raises Ends where there is none, or more than one."""
    word = text.strip().lower()
    if _WHOLE.fullmatch(word):
        return word
    number = word.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) <= 15:
        found = _numbered(server, int(number))
        if found or word.startswith("#") or len(number) < SHORTEST:
            return _only(text, found)
    if not re.fullmatch(rf"[0-9a-f-]{{{SHORTEST},36}}", word):
        raise Ends(Exit.USAGE, f"{text[:80]!r} names no task: give a number as 12, an id, or at least {SHORTEST} characters of one.")
    return _only(text, _beginning(server, word))


def _numbered(server: Server, number: int) -> list[dict[str, Any]]:
    return list(server.get("tasks", q=f"number:{number}", limit=1)["items"])


def _beginning(server: Server, word: str) -> list[dict[str, Any]]:
    """Tasks whose id begins so: two are enough to know that it is not one."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    for _ in range(_PAGES):
        page = server.get("tasks", q=f"id:{word}", limit=100, **cursor)
        found += [task for task in page["items"] if task["id"].startswith(word)]
        if len(found) > 1 or page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    return found


def _only(text: str, found: list[dict[str, Any]]) -> str:
    if not found:
        raise Ends(Exit.NOT_FOUND, f"There is no task {text}.")
    if len(found) > 1:
        raise Ends(Exit.USAGE, f"More than one task begins with {text}: {found[0]['id']} and {found[1]['id']} do.")
    return str(found[0]["id"])
