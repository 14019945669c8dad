"""Where a command writes: lines for people, live bars for people at a terminal, lines of JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from tasks_app.terminal.words import STYLES, duration, far, label, plain, share, told

WIDE = 1000  # columns where no terminal bounds them
QUIET = 2.0  # seconds between two words on the progress of a task, where words are all there is


class Screen(Protocol):
    """What shows tasks while they are watched."""

    def __enter__(self) -> Screen:
        """It begins to show."""

    def __exit__(self, *_: object) -> None:
        """It has shown all."""

    def show(self, task: dict[str, Any]) -> None:
        """A task as it is now."""

    def gone(self, task_id: str) -> None:
        """It was deleted."""

    def lost(self, away: bool) -> None:
        """Nobody answers, or somebody does again."""


def console() -> Console:
    """The console of stdout as it is now; colours and bars only on a terminal, and no colours under NO_COLOR."""
    terminal = sys.stdout.isatty()
    return Console(file=sys.stdout, width=None if terminal else WIDE, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    """A sentence for people beside the output: it goes to stderr."""
    print(*(plain(line) for line in text.split("\n")), sep="\n", file=sys.stderr, flush=True)


def put(value: Any) -> None:
    """A value as one line of JSON, at once, in ASCII."""
    print(json.dumps(value, separators=(",", ":")), flush=True)


def table(headings: Sequence[str], rows: Iterable[Iterable[str | Text]]) -> None:
    """Print rows under headings."""
    console().print(table_of(headings, rows))


def table_of(headings: Sequence[str], rows: Iterable[Iterable[str | Text]], *, header: bool = True, width: int | None = None) -> Table:
    """Rows under headings, each column as wide as it needs; where they do not fit into `width` columns of the terminal, or into as many as
    it has, the widest but the first are cut."""
    found = Table(*headings, box=None, pad_edge=False, show_header=header, header_style="bold")
    cells = [[cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row] for row in rows]
    lines = [[Text(heading) for heading in headings], *cells] if header else cells
    widths = [max((line[at].cell_len for line in lines), default=0) for at in range(len(headings))]
    room = (console().width if width is None else width) - 2 * (len(headings) - 1)
    for column, fits in zip(found.columns, _fitting(widths, room), strict=True):
        column.no_wrap, column.width = True, fits
    for row in cells:
        found.add_row(*row)
    return found


def _fitting(widths: list[int], room: int) -> list[int]:
    """The first as it is, the others at most so wide that all fit."""
    most = max(widths)
    while most > 1 and widths[0] + sum(min(one, most) for one in widths[1:]) > room:
        most -= 1
    return [widths[0], *(min(one, most) for one in widths[1:])]


def status(task: dict[str, Any]) -> Text:
    """A task's status in its colour."""
    return Text(plain(task["status"]), STYLES.get(task["status"], ""))


class JsonLines:
    """A line of JSON for each state of a task; `{"id": …, "deleted": true}` for one that is gone."""

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, task: dict[str, Any]) -> None:
        """A task as it is now."""
        put(task)

    def gone(self, task_id: str) -> None:
        """It was deleted."""
        put({"id": task_id, "deleted": True})

    def lost(self, away: bool) -> None:
        """Said on stderr, as it is no task."""
        _tell_of(away)


class Lines:
    """A line where the status changes, and now and then one on progress."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, tuple[str, float]] = {}

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, task: dict[str, Any]) -> None:
        """A task as it is now, if there is something to tell."""
        last, at = self._said.get(task["id"], ("", 0.0))
        if last == task["status"] and self._clock() - at < QUIET:
            return
        self._said[task["id"]] = (task["status"], self._clock())
        words = (f"#{task['number']}", label(task), task["status"], far(task), told(task))
        print(*(word for word in words if word), flush=True)

    def gone(self, task_id: str) -> None:
        """It was deleted."""
        print(f"{task_id} was deleted", flush=True)

    def lost(self, away: bool) -> None:
        """Said on stderr, as it is no task."""
        _tell_of(away)


class Bars:
    """A bar for each task, drawn in place."""

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.fields[title]}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[far]:>6}", markup=False),
            TextColumn("{task.fields[status]}", markup=False),
            TextColumn("{task.fields[more]}", markup=False),
        )
        self._progress = Progress(*columns, console=console())
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, task: dict[str, Any]) -> None:
        """A task as it is now."""
        done = 1.0 if task["status"] == "completed" else share(task["progress"])
        fields: dict[str, Any] = {
            "title": f"#{task['number']} {label(task)}",
            "far": far(task),
            "status": plain(task["status"]),
            "more": _more(task),
        }
        if task["id"] not in self._bars:
            self._bars[task["id"]] = self._progress.add_task("", total=None, **fields)
        total = 1.0 if done is not None or task["ended_at"] else None
        self._progress.update(self._bars[task["id"]], total=total, completed=done or 0.0, **fields)
        if task["ended_at"]:
            self._progress.stop_task(self._bars[task["id"]])

    def gone(self, task_id: str) -> None:
        """It was deleted."""
        if task_id in self._bars:
            self._progress.update(self._bars[task_id], total=1.0, status="deleted", more="", far="")

    def lost(self, away: bool) -> None:
        """Said above the bars."""
        self._progress.console.print(_words(away))


def _more(task: dict[str, Any]) -> str:
    left = (task["progress"] or {}).get("eta_seconds")
    rest = f"{duration(left)} left" if left is not None and task["status"] == "processing" else ""
    took = f"took {duration(task['duration_seconds'])}" if task["ended_at"] and task["duration_seconds"] is not None else ""
    return " · ".join(word for word in (rest, took, told(task)) if word)


def _tell_of(away: bool) -> None:
    say(_words(away))


def _words(away: bool) -> str:
    return "The server does not answer; trying again." if away else "The server answers again."
