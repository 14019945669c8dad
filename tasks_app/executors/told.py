"""What a handler says at a worker, on its way to the voice: the newest word on progress, lines and values in order, all of it bounded."""

from __future__ import annotations

from collections import deque
from threading import RLock
from typing import TYPE_CHECKING, Any

from tasks_app.engine.context import Report
from tasks_app.engine.trail import LogLine, Trail
from tasks_app.executors.wire import MOST_LINES, MOST_POINTS, Line, Logged, Measured, Progressed, Value

if TYPE_CHECKING:
    from tasks_app.executors.voice import Voice


class Told(Trail):
    """The trail of a context at a worker. Any thread may write; the voice takes."""

    def __init__(self, voice: Voice, call: str, run: str) -> None:
        super().__init__()
        self.call = call
        self._run = run
        self._guard = RLock()  # as a trail's own
        self._said: Report | None = None
        self._lines_said: deque[Line] = deque(maxlen=MOST_LINES)
        self._values: deque[Value] = deque(maxlen=MOST_POINTS)
        self._dropped = 0
        voice.listen_to(self)

    def log(self, **line: Any) -> LogLine:
        """Take a line; the oldest leaves when more come than travel."""
        made = super().log(**line)
        with self._guard:
            self._dropped += len(self._lines_said) == MOST_LINES
            self._lines_said.append(Line(made.seconds, made.level, made.text))
        return made

    def measure(self, name: str, value: float | None, *, seconds: float, unit: str, attempt: int = 1) -> None:
        """Take a value."""
        with self._guard:
            self._values.append(Value(name, value, seconds, unit))

    def report(self, number: int, attempt: int, report: Report) -> None:
        """Take the newest word on progress."""
        self._said = report

    def progress(self) -> Progressed | None:
        """The newest word that was not taken yet."""
        said, self._said = self._said, None
        return Progressed(run=self._run, current=said[0], total=said[1], message=str(said[2])) if said is not None else None

    def trail(self) -> list[Logged | Measured]:
        """Lines and values that were not taken yet."""
        with self._guard:
            lines, dropped, values = list(self._lines_said), self._dropped, list(self._values)
            self._lines_said.clear()
            self._values.clear()
            self._dropped = 0
        found: list[Logged | Measured] = []
        if lines:
            found.append(Logged(run=self._run, lines=lines, dropped=dropped))
        if values:
            found.append(Measured(run=self._run, values=values))
        return found
