"""The engine's ports: what it asks of a clock, an executor and a journal. Capability flags say what each can do."""

from __future__ import annotations

import time as machine
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from tasks_app.engine.context import Context
from tasks_app.engine.errors import JournalFailed
from tasks_app.engine.events import Change
from tasks_app.engine.registry import TaskType
from tasks_app.engine.sentences import Sentence
from tasks_app.engine.task import Outcome, Task

AHEAD = "ahead:"


class Clock(Protocol):
    """Where the time comes from; tests bring their own."""

    def time(self) -> float:
        """Wall clock, seconds since 1970. May jump."""

    def monotonic(self) -> float:
        """Never goes back; only differences mean anything."""


class SystemClock:
    """The machine's clocks: they are asked several times for each task."""

    time = staticmethod(machine.time)
    monotonic = staticmethod(machine.monotonic)


class Run(Protocol):
    """An attempt under way, as an executor knows it."""

    context: Context
    elsewhere: bool  # at a worker: `context.begin` says when it begins, and it goes on when this process ends

    def stop(self) -> None:
        """Ask it to stop; the reason is in `context.stop` already. Called on the engine's loop."""

    def kill(self) -> bool:
        """Stop it without its help. True: it is gone. False: it cannot be killed; it is abandoned and may still be running."""

    @property
    def alive(self) -> bool:
        """Whether its code may still be running."""

    def held(self) -> int:
        """About so many bytes of memory its handler holds, as far as that can be told. From any thread."""


class Executor(Protocol):
    """Runs attempts."""

    supports_force_stop: bool  # kill() ends at least some kinds of handlers
    supports_measure: bool
    max_running: int | None  # how many at once it can carry at all; None: as many as it is given

    def begin(self) -> None:
        """The process is there to run tasks from now on."""

    def start(self, task: Task, task_type: TaskType, context: Context, settle: Callable[[Outcome], Any]) -> Run:
        """Begin an attempt. `settle` is called once, on the engine's loop, with its outcome. Never raises."""

    def follow(self, task: Task, task_type: TaskType, context: Context, settle: Callable[[Outcome], Any]) -> Run:
        """Go on with an attempt that an earlier process began and that outlived it. Never raises."""

    def outlives(self, type_name: str) -> bool:
        """Whether attempts of this type go on when this process ends, so that the next one can follow them."""

    def why_no_force(self, task: Task) -> Sentence | None:
        """Why the running attempt of this task cannot be ended by force; None where it can."""

    @property
    def trouble(self) -> str:
        """What keeps attempts from being run, as a sentence; empty while all is well."""

    async def close(self) -> None:
        """Give back threads and processes; abandoned ones are left behind."""


class Abroad(Protocol):
    """Where tasks run that are only watched here."""

    def cancel(self, task: Task, *, by: str, reason: str, force: bool) -> Task:
        """Ask whoever runs it to stop it; its record afterwards. Returns at once. Raises Conflict where that cannot be done, or not in this
        way, and Unavailable while nobody there can be asked."""


async def nothing_more(seconds: float) -> None:
    """What happens at the end of an engine that nobody else has something left to do in."""


class Recovered(Struct, frozen=True):
    """What an earlier process left: its tasks, oldest first; the next number, of all tasks and in each series; the numbers of series to be
    cancelled once they are given out; a moment (wall clock) at which it still lived; and what was put beside the tasks, by name."""

    tasks: list[Task] = []
    next_number: int = 1
    serials: dict[str, int] = {}
    ahead: list[tuple[str, int]] = []
    alive_at: float = 0.0
    records: dict[str, bytes] = {}


def ahead_note(series: str, serial: int) -> str:
    """The name under which a journal keeps that a number of a series is to be cancelled."""
    return f"{AHEAD}{series}:{serial}"


class Journal(Protocol):
    """Makes accepted tasks outlive the process."""

    durable: bool

    @property
    def trouble(self) -> str:
        """What keeps it from keeping anything, as a sentence; empty while all is well."""

    @property
    def behind(self) -> str:
        """That it does not keep up with what comes, as a sentence; empty while it does."""

    def record(self, changes: Sequence[Change]) -> None:
        """Take changes in, in order. Called under the store's lock: must be quick and never raise."""

    def note(self, name: str, value: int) -> None:
        """Keep a number by a name of its own beside the tasks; what waits for changes from now on waits for it as well. From any thread."""

    def put(self, name: str, record: bytes | None) -> None:
        """The same for a record of any content; None to forget it."""

    async def settled(self, version: int) -> None:
        """Return when every change up to this version is safe. Raises JournalFailed."""

    def when_settled(self, version: int, call: Callable[[JournalFailed | None], object], *, patient: bool = False) -> None:
        """Call, from any thread or at once, when every change up to this version is safe, or with the error; one who is patient waits
        until it works again."""

    async def keep_all(self, tasks: Sequence[Task]) -> None:
        """Return when all of these, which are not in the store yet, are safe: wherever the process dies before, none is. Raises
        JournalFailed: none will be, nor where the one who asks is cancelled meanwhile."""

    def disown(self, tasks: Sequence[Task]) -> None:
        """These, which are safe, will not come into the store: forget them."""

    def load(self, keep: int | None = None) -> Recovered:
        """What an earlier process left; of the tasks that ended the `keep` that ended last, None for all. The others are forgotten."""

    def close(self) -> None:
        """Write what is left and let go."""
