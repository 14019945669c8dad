"""Clients who do everything at once, and remember what they were told had been done."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from soak.client import GONE, Answer, Client

BULK = 20
DIALECTS: tuple[tuple[str, Any], ...] = (
    ("/tasks", {"result": 21}),
    ("/job", {"timeout": 10**9, "data": "hello"}),
    ("/api/v1/tasks", {"type": "long_computation", "params": {"duration": 0.1}}),
    ("/compat/iotask/tasks", {}),
)


class Book:
    """What was acknowledged, by all clients in all rounds; and what was asked for and may have been done."""

    def __init__(self) -> None:
        self.launched: set[str] = set()  # ids, of the native API
        self.elsewhere: list[tuple[str, str]] = []  # where a dialect shows a task, and its id there
        self.cancelled: set[str] = set()
        self.deleted: set[str] = set()
        self.retried: set[str] = set()
        self.asked: dict[str, set[str]] = {"cancel": set(), "delete": set(), "retry": set()}
        self.answers: Counter[int] = Counter()
        self.effects: list[tuple[str, str]] = []  # action and id, where the answer tells one; else the id is empty

    def acknowledged(self, action: str, *ids: str) -> None:
        """An answer said that this was done."""
        {"launch": self.launched, "cancel": self.cancelled, "delete": self.deleted, "retry": self.retried}[action].update(ids)
        self.effects += [(action, task) for task in ids]


class Caller:
    """One of the clients. It stops once `over` is set; a connection that ends before is made anew."""

    def __init__(self, port: int, book: Book, notes: Path, rate: float, over: asyncio.Event) -> None:
        self._over = over
        self._client = Client(port)
        self._book = book
        self._notes = str(notes)
        self._rate = rate
        self._own: list[str] = []
        self.launched: list[str] = []

    async def call(self) -> None:
        """Ask for one thing after another, so many a second."""
        following = time.monotonic()
        acts = (self._launch, self._bulk, self._dialect, self._cancel, self._delete, self._retry)
        try:
            while not self._over.is_set():
                (act,) = random.choices(acts, (50, 3, 22, 10, 10, 5))
                with suppress(*GONE):
                    await act()
                following = max(following + 1 / self._rate, time.monotonic() - 0.5)
                await asyncio.sleep(following - time.monotonic())
        finally:
            self._client.close()

    async def _ask(self, method: str, path: str, body: Any = None) -> Answer:
        answer = await self._client.ask(method, path, body)
        self._book.answers[answer.status] += 1
        return answer

    def _wanted(self) -> dict[str, Any]:
        type_name = random.choice(("noted", "noted", "noted_again"))
        return {"type": type_name, "params": {"file": self._notes, "seconds": round(random.uniform(0.01, 0.6), 3)}}

    async def _launch(self) -> None:
        answer = await self._ask("POST", "/api/v2/tasks", self._wanted())
        if answer.status == 201:
            self._took_in([answer.json["id"]])
            self._book.effects.append(("launch", answer.json["id"]))

    async def _bulk(self) -> None:
        answer = await self._ask("POST", "/api/v2/tasks/bulk", {"tasks": [self._wanted() for _ in range(BULK)]})
        if answer.status == 201:
            self._took_in(answer.json["ids"])
            self._book.effects.append(("launch", f"{BULK}, from {answer.json['ids'][0]} on"))

    def _took_in(self, ids: list[str]) -> None:
        self._book.launched.update(ids)
        self.launched += ids
        self._own += ids

    async def _dialect(self) -> None:
        path, body = random.choice(DIALECTS)
        answer = await self._ask("POST", path, body)
        if answer.good:
            self._book.elsewhere.append((path, _told(path, answer)))
            self._book.effects.append(("launch", ""))

    async def _cancel(self) -> None:
        if task := self._any():
            await self._act(task, "cancel", "POST", f"/api/v2/tasks/{task}/cancel")

    async def _delete(self) -> None:
        if task := self._any():
            self._own.remove(task)
            await self._act(task, "delete", "DELETE", f"/api/v2/tasks/{task}")

    async def _retry(self) -> None:
        if task := self._any():
            await self._act(task, "retry", "POST", f"/api/v2/tasks/{task}/retry")

    def _any(self) -> str:
        return random.choice(self._own[-50:]) if self._own else ""

    async def _act(self, task: str, action: str, method: str, path: str) -> None:
        self._book.asked[action].add(task)
        answer = await self._ask(method, path)
        if answer.good:
            self._book.acknowledged(action, task)


def _told(path: str, answer: Answer) -> str:
    """How a dialect names the task it made."""
    if path == "/job":
        return answer.headers["location"].split("/")[2]
    found = answer.json
    return str(next(found[name] for name in ("id", "task_id", "uuid") if name in found))
