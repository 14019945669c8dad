"""Why this process is not ready for new work, in sentences: for people, for `/readyz`, and for the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks_app.engine.sentences import kept
from tasks_app.logs import server_lines
from tasks_app.memory import Heaviest

if TYPE_CHECKING:
    from tasks_app.runtime import Runtime

STUCK_TOO_MANY = str(kept("Too many handlers do not stop when asked.")())
_STOPPING = kept("The server is stopping.")
_WAITING_FULL = kept("As many tasks are waiting as this server accepts.")
_BLOCKED = kept("A handler blocks the engine's loop.")


class Troubles:
    """Those of one runtime. Any thread may ask."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        runner = runtime.engine.runner
        self._heaviest = Heaviest(lambda: ((size, live.number, live.type.name) for size, live in runner.heaviest()))
        self._memory_told = False

    def all(self) -> list[str]:
        """Why it is not ready; empty when it is."""
        now, found = self._runtime, []
        if now.engine.draining:
            found.append(str(_STOPPING()))
        if now.engine.runner.stuck_too_many:
            found.append(STUCK_TOO_MANY)
        if now.store.waiting >= now.config.max_waiting:
            found.append(str(_WAITING_FULL()))
        found += filter(None, (now.engine.journal.trouble, now.engine.journal.behind, self._of_memory(), now.executor.trouble))
        if now.topic is not None and now.topic.trouble:
            found.append(now.topic.trouble)
        watchdog = now.host.watchdog
        if watchdog is not None and watchdog.block is not None:
            found.append(str(_BLOCKED()))
        return found

    def _of_memory(self) -> str:
        """With the tasks that hold the most; said in the log as well, when it begins."""
        said = self._runtime.memory.trouble()
        if said:
            said = f"{said} {self._heaviest}".rstrip()
            if not self._memory_told:
                server_lines.memory_full(said)
        self._memory_told = bool(said)
        return said
