"""What is found after a crash, held against what was acknowledged before it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from soak.client import Client, every
from soak.handlers import noted_lines
from soak.load import Book

STOPPED = frozenset({"cancelled", "cancelling", "interrupted"})


async def lost(client: Client, book: Book, launched: list[str], elsewhere: list[tuple[str, str]]) -> list[str]:
    """Which of these are gone, of those that nobody asked to delete. Looks at the newest pages, and for the others one by one."""
    wanted = set(launched) - book.asked["delete"]
    seen = {task["id"] for task in await every(client, "/api/v2/tasks", len(launched) * 2 + 1_000)} if wanted else set()
    found = [task for task in wanted - seen if not (await client.ask("GET", f"/api/v2/tasks/{task}")).good]
    return found + [f"{path}/{task}" for path, task in elsewhere if not await _shown(client, path, task)]


async def _shown(client: Client, path: str, task: str) -> bool:
    answer = await client.ask("GET", f"/job/{task}/status" if path == "/job" else f"{path}/{task}")
    return answer.good and b"not in list" not in answer.body


async def back_again(client: Client, book: Book) -> list[str]:
    """Tasks whose delete was acknowledged and that are there."""
    return [task for task in book.deleted if (await client.ask("GET", f"/api/v2/tasks/{task}")).status != 404]


def went_on(tasks: list[Any], book: Book) -> list[str]:
    """Tasks whose cancel was acknowledged, that nobody wanted to retry, and that were not stopped."""
    stopped = book.cancelled - book.asked["retry"]
    return [task["id"] for task in tasks if task["id"] in stopped and task["status"] not in STOPPED]


class Runs:
    """What the handlers noted: which attempts began."""

    def __init__(self, notes: Path) -> None:
        self.began = Counter((task, attempt) for _, task, attempt, _ in noted_lines(notes, "began"))

    def twice(self, tasks: list[Any], book: Book) -> list[str]:
        """Attempts that began twice, and second attempts of what may run once only and nobody wanted to retry."""
        once = {task["id"] for task in tasks if task["type"] == "noted"} - book.asked["retry"]
        return [task for (task, attempt), count in self.began.items() if count > 1 or (task in once and attempt != "1")]

    def second(self, tasks: list[Any], book: Book) -> int:
        """How many tasks that may run again did, without being asked."""
        again = {task["id"] for task in tasks if task["type"] == "noted_again"} - book.asked["retry"]
        return sum(attempt != "1" and task in again for task, attempt in self.began)


def unwritten(logs: Path, book: Book) -> tuple[int, int]:
    """How many acknowledged effects have no line in the audit log, and how many of its lines are no JSON."""
    lines, bad = Counter[tuple[str, str]](), 0
    for line in _lines(logs):
        try:
            entry = json.loads(line)
        except ValueError:
            bad += 1
        else:
            lines[entry["action"], entry["object"]] += entry["outcome"] == "done"
    named = Counter(effect for effect in book.effects if effect[1])
    missing = sum(max(0, count - lines[effect]) for effect, count in named.items())
    unnamed = sum(not task for _, task in book.effects)
    more = sum(lines.values()) - sum(lines[effect] for effect in named)
    return missing + max(0, unnamed - more), bad


def _lines(logs: Path) -> Iterator[str]:
    for path in sorted(logs.glob("audit.log*")):
        with path.open(encoding="utf-8") as file:
            yield from file
