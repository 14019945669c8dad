"""The sockets: one for a page of the list, one for a task, one for any other page. They carry no effects: actions go over HTTP."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any
from urllib.parse import parse_qsl

from tasks_app.auth.allow import allow
from tasks_app.engine.errors import NotFound
from tasks_app.engine.query import Page
from tasks_app.engine.search import Tally
from tasks_app.language import of_socket
from tasks_app.live.asked import held_rows, query_of
from tasks_app.live.board_pages import board, needs
from tasks_app.live.boards import BoardWindow
from tasks_app.live.live_consumer import UNKNOWN, LiveConsumer, PlainConsumer
from tasks_app.live.windows import PAGE, ListWindow, TaskWindow
from tasks_app.searching import page_of, tally_of


class ListConsumer(LiveConsumer):
    """`/live/tasks?…`: a page of the list, with the filter of its URL."""

    _found: Page | None = None
    _tally: Tally | None = None

    def window(self) -> tuple[Hashable, Any]:
        """One window for each filter and page."""
        self._query = query_of(self.scope["query_string"])
        order = held_rows(self.scope["query_string"], self.runtime)
        if order:
            return self._still(order)
        return ("list", self._query), lambda: ListWindow(self.runtime, self._query, found=self._found, tally=self._tally)

    async def prepare(self, key: Hashable) -> None:
        """A search is done in slices, before the window that begins with what it found."""
        if self._query.searches and key == ("list", self._query) and not self.hub.shows((of_socket(self.scope), key)):
            self._found = await page_of(self.runtime.store, self._query, PAGE)
            self._tally = await tally_of(self.runtime.store, self._query)

    def hold(self, held: bool) -> bool:
        """Held, this viewer gets a window of its own, whose order stays. A list that shows nothing has nothing to hold. Neither waits for
        a search: what is shown stays until one has found more."""
        assert self.viewer is not None
        order = self.viewer.seen.order
        before = order if self._query.searches else None
        if held and order:
            self._look_through(self.viewer, *self._still(order))
        elif not held:
            self._look_through(self.viewer, ("list", self._query), lambda: ListWindow(self.runtime, self._query, before=before))
        return True

    def _still(self, order: tuple[str, ...]) -> tuple[Hashable, Any]:
        before = order if self._query.searches else None
        return ("held", id(self)), lambda: ListWindow(self.runtime, self._query, order, before=before)


class TaskConsumer(LiveConsumer):
    """`/live/tasks/<id>`: one task."""

    def window(self) -> tuple[Hashable, Any]:
        """One window for each task."""
        task_id = str(self.scope["url_route"]["kwargs"]["task_id"])
        return ("task", task_id), lambda: TaskWindow(self.runtime, task_id)


class BoardConsumer(LiveConsumer):
    """`/live/boards/<page>?…`: a page of parts."""

    def window(self) -> tuple[Hashable, Any]:
        """One window for each page with its query."""
        page = str(self.scope["url_route"]["kwargs"]["page"])
        asked = dict(parse_qsl(self.scope["query_string"].decode("utf-8", "replace")))
        asked.pop("language", None)  # which is the same for all pages
        if not allow(self.principal, needs(page)):
            raise NotFound("There is no such page.")
        parts = board(self.runtime, page, asked)
        return ("board", page, tuple(sorted(asked.items()))), lambda: BoardWindow(self.runtime, page, parts)


class NowhereConsumer(PlainConsumer):
    """Any other path: closed with a code that says so."""

    async def connect(self) -> None:
        """There is nothing here: the handshake is answered 404."""
        await self.close(UNKNOWN)
