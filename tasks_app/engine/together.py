"""Launches of several people that come in one turn of a loop: taken in together, as one bundle to the store and whoever listens to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tasks_app.engine.admission import Admission
from tasks_app.engine.errors import EngineError
from tasks_app.engine.intake import Intake
from tasks_app.engine.launch import LaunchRequest
from tasks_app.engine.ports import Clock
from tasks_app.engine.task import Task

MOST = 64  # tasks that are taken in while nobody else gets to the store
Found = tuple[Task, bool] | Exception  # a task, and whether it is new; or why there is none


class Together:
    """What becomes of each is what would have become of it alone."""

    def __init__(
        self,
        intake: Intake,
        clock: Clock,
        alone: Callable[..., tuple[Task, bool]],
        take_in: Callable[[Sequence[Task]], list[Task]],
        admission: Admission,
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._alone = alone
        self._take_in = take_in
        self._admission = admission

    def submit(self, asked: Iterable[tuple[LaunchRequest, str]], *, via: str) -> list[Found]:
        """Accept tasks, each for somebody (by name), in order. What `submit_once` raises for one stands in its place, and nobody else
        notices. All came at one moment: what they have in common is counted once."""
        found: list[Found] = []
        records: list[Task] = []
        at = self._clock.time()
        for request, by in asked:
            if request.idempotency_key is not None or len(records) == MOST or (records and records[0].by != by):
                found += self._taken_in(records)
                records = []
            try:
                if request.idempotency_key is not None:
                    found.append(self._alone(request, by=by, via=via))
                else:
                    records.append(self._intake.record(request, by=by, via=via, at=at))
            except Exception as error:
                found += self._taken_in(records)
                records = []
                found.append(error)
        return found + self._taken_in(records)

    def _taken_in(self, records: Sequence[Task]) -> list[Found]:
        """All of one person. Where not all may come in, some may; what is raised apart from that may have come after they were taken in."""
        if len(records) < 2:
            return [self._one(record) for record in records]
        try:
            return [(task, True) for task in self._take_in(records)]
        except EngineError as error:
            self._admission.meets_again(error)
        except Exception as error:
            return [error] * len(records)
        return [self._one(record) for record in records]

    def _one(self, record: Task) -> Found:
        try:
            return self._take_in((record,))[0], True
        except Exception as error:
            return error
