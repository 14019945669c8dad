"""Ports whose n-th call fails, whichever method it is: before anything was done, or after all of it was."""

from __future__ import annotations

from typing import Any


class Faults:
    """Counts the calls of everything it wraps; the n-th raises MemoryError, once. `late`: after it has done its work."""

    def __init__(self, nth: int, *, late: bool = False) -> None:
        self._nth = nth
        self._late = late
        self.calls = 0
        self.failed = ""

    def wrap(self, port: Any, *methods: str) -> Any:
        """Put these methods of a port under watch, in place."""
        for name in methods:
            self._watch(port, name, getattr(port, name))
        return port

    def _watch(self, port: Any, name: str, method: Any) -> None:
        def called(*args: Any, **more: Any) -> Any:
            self.calls += 1
            if self.calls != self._nth:
                return method(*args, **more)
            self.failed = name
            if self._late:
                method(*args, **more)
            raise MemoryError(f"call {self._nth}: {name}")

        setattr(port, name, called)


class FailingExecutor:
    """An executor around another one, whose runs are watched as well."""

    supports_force_stop = True
    supports_measure = True
    max_running: int | None = None
    trouble = ""

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = faults.wrap(inner, "start")
        self._faults = faults

    def begin(self) -> None:
        """As the inner one does."""
        self._inner.begin()

    def start(self, task: Any, task_type: Any, context: Any, settle: Any) -> Any:
        """As the inner one does."""
        return FailingRun(self._inner.start(task, task_type, context, settle), self._faults)

    def follow(self, task: Any, task_type: Any, context: Any, settle: Any) -> Any:
        """As the inner one does."""
        return FailingRun(self._inner.follow(task, task_type, context, settle), self._faults)

    def outlives(self, type_name: str) -> bool:
        """As the inner one says."""
        return bool(self._inner.outlives(type_name))

    def why_no_force(self, task: Any) -> Any:
        """As the inner one says."""
        return self._inner.why_no_force(task)

    async def close(self) -> None:
        """As the inner one does."""
        await self._inner.close()


class FailingRun:
    """A run around another one."""

    elsewhere = False

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = inner
        self.context = inner.context
        self.stop = inner.stop
        self.kill = inner.kill
        faults.wrap(self, "stop", "kill")

    @property
    def alive(self) -> bool:
        """As the inner one says."""
        return bool(self._inner.alive)

    def held(self) -> int:
        """As the inner one says."""
        return int(self._inner.held())
