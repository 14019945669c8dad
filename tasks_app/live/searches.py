"""A search that a live list goes on with, some steps a tick: first its page, then how many tasks of each status there are."""

from __future__ import annotations

import time
from collections import deque

from tasks_app.engine.query import Page, Query
from tasks_app.engine.search import Steps, Tally, TallySteps
from tasks_app.engine.store import Store


class Search:
    """What is under way for one query. A look that is asked for before the last one has ended waits for the next time."""

    def __init__(self, store: Store, query: Query) -> None:
        self._store = store
        self._query = query
        self._line: deque[Steps | TallySteps] = deque()

    def begin(self, limit: int | None) -> None:
        """Look for a page of so many tasks, None for no page, and count. Nothing is looked at yet."""
        if self._line:
            return
        if limit is not None:
            self._line.append(self._store.searching(self._query, limit))
        self._line.append(self._store.tallying(self._query))

    def go_on(self, seconds: float) -> Page | Tally | None:
        """At least one step, and more until so much time has passed; what was found, where something has come to its end."""
        end = time.monotonic() + seconds
        while self._line:
            try:
                next(self._line[0])
            except StopIteration as ended:
                self._line.popleft()
                found: Page | Tally = ended.value
                return found
            if time.monotonic() >= end:
                break
        return None
