"""Tasks as a table: the columns of a CSV file, and a task's cells in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from tasks_app.engine.task import Task
from tasks_app.presenters.csv_cells import Cell
from tasks_app.runtime import Runtime

COLUMNS = (
    *("number", "id", "type", "name", "tags", "status", "created_utc", "scheduled_utc", "started_utc", "ended_utc"),
    *("duration_seconds", "attempts", "max_attempts", "priority", "by", "via", "rerun_of", "error_type", "error_message", "result"),
)
REST = "other_params"
_decode = msgspec.json.Decoder().decode


class Table:
    """The columns for tasks of these types: one for each field of their params, and one for params that none of them has (of a type that is
    not installed any more, say)."""

    def __init__(self, runtime: Runtime, types: Iterable[str]) -> None:
        found = [kind for name in sorted(types) if (kind := runtime.registry.find(name)) is not None]
        self._params = tuple(dict.fromkeys(field for kind in found for field in kind.params.model_fields))
        self._clock = runtime.engine.clock

    @property
    def head(self) -> list[str]:
        """The names of the columns; those of params begin with `params.`."""
        return [*COLUMNS, *(f"params.{name}" for name in self._params), REST]

    def row(self, task: Task) -> list[Cell]:
        """A task's cells. Times are UTC; lists and objects are JSON; secrets are masked as everywhere."""
        seconds = task.seconds_running(self._clock.monotonic())
        return [
            *(task.number, task.id, task.type, task.name, " ".join(task.tags), task.status.value),
            *(_moment(task.created_at), _moment(task.scheduled_for), _moment(task.started_at), _moment(task.ended_at)),
            *(None if seconds is None else round(seconds, 3), task.attempt_number, task.attempts_allowed, task.priority),
            *(task.by, task.via, task.rerun_of or "", task.error.type if task.error else "", task.error.message if task.error else ""),
            *("" if task.result is None else task.result.decode(), *self._given(task)),
        ]

    def _given(self, task: Task) -> list[Cell]:
        given = _decode(task.params)
        if not isinstance(given, dict):
            return [*("" for _ in self._params), task.params.decode()]
        rest = {name: value for name, value in given.items() if name not in self._params}
        return [*(_cell(given.get(name)) for name in self._params), _text(rest) if rest else ""]


def _cell(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else _text(value)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _moment(at: float | None) -> str:
    """As spreadsheets read a time: `2026-11-22 14:02:11`."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
