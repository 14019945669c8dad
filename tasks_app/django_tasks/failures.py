"""Exceptions on their way from the function that raised them to whoever hears that its task has ended."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

MOST = 1_000  # an exception holds on to all that its frames hold


class Failures:
    """The newest exception of each task, until it is taken; of too many the oldest go."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[int, BaseException]] = OrderedDict()

    def keep(self, task_id: str, attempt: int, error: BaseException) -> None:
        """An attempt raised this."""
        with self._lock:
            self._kept[task_id] = (attempt, error)
            self._kept.move_to_end(task_id)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def take(self, task_id: str, attempt: int) -> BaseException | None:
        """What that attempt raised; None where it raised nothing, or too much has been raised since."""
        with self._lock:
            number, error = self._kept.pop(task_id, (0, None))
        return error if number == attempt else None


failures = Failures()
