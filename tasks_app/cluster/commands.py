"""What workers can be told and asked, over a connection that is made for it, in a few threads: nobody waits for the broker unasked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from celery import Celery
from msgspec import Struct

from tasks_app.cluster.texts import NAME, clean
from tasks_app.executors.link import Link, let_go

WAIT = 1.5  # seconds that workers have to answer
THREADS = 4


class Answer(Struct, frozen=True):
    """What one worker said: whether it did it, and its words."""

    worker: str
    done: bool
    text: str


class Commands:
    """`alive` says which workers are expected to answer."""

    def __init__(self, app: Celery, alive: Callable[[], Sequence[str]]) -> None:
        self._app = app
        self._alive = alive
        self._threads = ThreadPoolExecutor(THREADS, "celery commands")

    def tell(self, command: str, arguments: Mapping[str, Any], workers: Sequence[str] | None = None) -> Future[list[Answer]]:
        """Have workers do something, all or those that are named; what they answered, which may be nothing. The future raises whatever the
        broker's client raises where it cannot be reached."""
        return self._threads.submit(self._tell, command, dict(arguments), workers)

    def over_link(self, do: Callable[[Link], object]) -> Future[object]:
        """Do something over a connection like that of a server."""
        return self._threads.submit(self._over_link, do)

    def ask(self, question: str, arguments: Mapping[str, Any], workers: Sequence[str] | None = None) -> dict[str, Any]:
        """What workers answer, by their names. Waits, and raises as above."""
        connection = self._app.connection_for_write()
        try:
            connection.connect()
            said = self._broadcast(connection, question, dict(arguments), workers)
        finally:
            with suppress(Exception):  # it may be in any state
                let_go(connection)
        return {name: answer for part in said if isinstance(part, dict) for name, answer in part.items()}

    def close(self) -> None:
        """Take nothing more on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tell(self, command: str, arguments: dict[str, Any], workers: Sequence[str] | None) -> list[Answer]:
        return [_answer(name, said) for name, said in sorted(self.ask(command, arguments, workers).items())]

    def _broadcast(self, connection: Any, command: str, arguments: dict[str, Any], workers: Sequence[str] | None) -> list[Any]:
        """All that are expected to answer have, or the time is over."""
        expected = len(self._alive() if workers is None else workers) or None
        control: Any = self._app.control
        found = control.broadcast(
            command, arguments=arguments, destination=workers, reply=True, timeout=WAIT, limit=expected, connection=connection
        )
        return list(found or [])

    def _over_link(self, do: Callable[[Link], object]) -> object:
        link = Link(self._app, "iotask@watch")
        try:
            return do(link)
        finally:
            link.close()


def _answer(worker: str, said: Any) -> Answer:
    if isinstance(said, dict) and "error" in said:
        return Answer(clean(worker, NAME), False, clean(said["error"], NAME))
    text = said.get("ok", "") if isinstance(said, dict) else said
    return Answer(clean(worker, NAME), True, clean(text, NAME) if isinstance(text, str) else "")
