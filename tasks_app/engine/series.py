"""Series: small numbers of their own for tasks of one kind, in order of creation, each given once."""

from __future__ import annotations

from threading import RLock

from msgspec import Struct
from msgspec.structs import force_setattr

from tasks_app.engine.task import Task, cancel_requested


class Series(Struct, frozen=True):
    """A kind of numbers: `name` on the record, `first` the number of the first task."""

    name: str
    first: int = 1


class AllSeries:
    """All series of a store, under its lock."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._series: dict[str, _Serials] = {}

    def open(self, series: Series) -> None:
        """Begin a series, unless it has begun."""
        with self._lock:
            self._series.setdefault(series.name, _Serials(series.first))

    def go_on(self, series: str, following: int) -> None:
        """Give out no number before this one."""
        found = self._series.setdefault(series, _Serials(following))
        found.next = max(found.next, following)

    def number(self, series: str, serial: int) -> int | None:
        """The number in the store of the task with this number in a series, None when there is none."""
        with self._lock:  # so that the task it names is in the store
            found = self._series.get(series)
            return found.numbers.get(serial) if found else None

    def numbers(self, series: str) -> list[int]:
        """The numbers in the store of all tasks of a series, in the order of the series."""
        with self._lock:
            found = self._series.get(series)
            return [found.numbers[serial] for serial in sorted(found.numbers)] if found else []

    def cancel_ahead(self, series: str, serial: int) -> bool:
        """Have the task that will get this number cancelled as soon as it does; False when the number was given out already."""
        with self._lock:
            found = self._series.setdefault(series, _Serials(0))
            if serial < found.next:
                return False
            found.ahead.add(serial)
            return True

    def is_ahead(self, series: str, serial: int) -> bool:
        """Whether that was asked for a number that is not given out yet."""
        with self._lock:
            found = self._series.get(series)
            return found is not None and serial in found.ahead

    def ahead(self, series: str) -> list[int]:
        """The numbers not given out yet that are to be cancelled, in order."""
        with self._lock:
            found = self._series.get(series)
            return sorted(found.ahead) if found else []

    def enter(self, task: Task) -> Task:
        """Give a new task its number; the record to keep, already cancelled where that was asked for before."""
        found = self._series.setdefault(task.series, _Serials(1))
        if task.serial is None:
            force_setattr(task, "serial", found.next)  # not published yet: nobody else holds it
        assert task.serial is not None
        found.next = max(found.next, task.serial + 1)
        found.numbers[task.serial] = task.number
        if task.serial not in found.ahead:
            return task
        found.ahead.discard(task.serial)
        return cancel_requested(task, by="", reason="Asked before the task was there", at=task.created_at, monotonic=0.0)

    def leave(self, task: Task) -> None:
        """A task was deleted; its number is not given out again."""
        assert task.serial is not None
        self._series[task.series].numbers.pop(task.serial, None)


class _Serials:
    """One series: the number given out next, the store's numbers by serial, and what is to be cancelled."""

    def __init__(self, first: int) -> None:
        self.next = first
        self.numbers: dict[int, int] = {}
        self.ahead: set[int] = set()
