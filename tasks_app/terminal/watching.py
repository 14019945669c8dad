"""Watching tasks until they have ended, over lost connections and restarts of the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from tasks_app.terminal.exits import ENDED, Ends, Exit
from tasks_app.terminal.screens import Screen
from tasks_app.terminal.server import Server
from tasks_app.terminal.stream import Event, follow

PAUSE = 0.5  # seconds before a question is asked again that found nobody


class Watch:
    """Some tasks as they were seen last; None for one that was deleted."""

    def __init__(self, server: Server, screen: Screen, ids: Iterable[str], sleep: Callable[[float], None] = time.sleep) -> None:
        self._server = server
        self.screen = screen
        self.tasks: dict[str, dict[str, Any] | None] = {one: server.get(f"tasks/{one}") for one in ids}
        self._away = False
        self._sleep = sleep

    @property
    def open(self) -> list[str]:
        """Ids of those that have not ended."""
        return [one for one, task in self.tasks.items() if task is not None and task["status"] not in ENDED]

    def to_the_end(self, patience: float) -> None:
        """Return once all have ended or are gone. Raises Ends where the server is away for longer than `patience` seconds."""
        for task in self.tasks.values():
            self.screen.show(task or {})
        tries = 0.0
        while self.open:
            try:
                self._listen(patience)
            except Ends as error:  # one question failed while the stream went on
                if not error.again or tries * PAUSE >= patience:
                    raise
                tries += 1
                self._sleep(PAUSE)

    def _listen(self, patience: float) -> None:
        types = {task["type"] for task in self.tasks.values() if task}
        with closing(follow(self._server, patience, types=types, sleep=self._sleep)) as events:
            for event in events:
                self._heard(event)
                if not self.open:
                    return

    def _heard(self, event: Event) -> None:
        if (event.name == "lost") != self._away:
            self._away = not self._away
            self.screen.lost(self._away)
        if event.name in ("ready", "reset"):
            for one in self.open:
                self._look_at(one)
        elif event.name == "deleted":
            self._gone(event.data["id"])
        elif event.name == "task" and event.data["id"] in self.open:
            self._seen(event.data)

    def _look_at(self, task_id: str) -> None:
        """What is between the last word and this stream's beginning is in the task itself."""
        try:
            self._seen(self._server.get(f"tasks/{task_id}"))
        except Ends as error:
            if error.code is Exit.NOT_FOUND:
                self._gone(task_id)
            else:
                raise

    def _seen(self, task: dict[str, Any]) -> None:
        known = self.tasks[task["id"]]
        if known is None or known != task:
            self.tasks[task["id"]] = task
            self.screen.show(task)

    def _gone(self, task_id: str) -> None:
        if task_id in self.open:
            self.tasks[task_id] = None
            self.screen.gone(task_id)
