"""All tasks that pass a filter, as a file: streamed in slices, so that neither memory nor the loop feels how many they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from datetime import UTC, datetime

import msgspec
from django.http import HttpRequest, StreamingHttpResponse

from tasks_app import runtime
from tasks_app.api.http import one_of, query_of
from tasks_app.api.problems import Problem
from tasks_app.api.v2.common import FILTER, FILTERS, filter_of, router
from tasks_app.api.v2.describe import described, parameter
from tasks_app.api.v2.events import while_let_in
from tasks_app.api.v2.wire import task_json
from tasks_app.auth.asking import principal_of
from tasks_app.engine.query import Query
from tasks_app.engine.task import Task
from tasks_app.presenters import csv_cells
from tasks_app.presenters.task_table import Table
from tasks_app.runtime import Runtime

SLICE = 100  # tasks written in one go: some milliseconds
MAX_EXPORTS = 10
MEDIA = {"csv": csv_cells.MEDIA, "json": "application/json", "ndjson": "application/x-ndjson"}
_FORMAT = parameter(
    "format",
    {"enum": list(MEDIA), "default": "json"},
    "`json` is an array of tasks as everywhere, `ndjson` one of them a line. `csv` is made for spreadsheets: a column for each field of"
    " params, times in UTC, a byte order mark; texts that a spreadsheet would compute begin with an apostrophe.",
)
_encode = msgspec.json.Encoder().encode
_open: set[object] = set()


@router.get(
    "/tasks/export",
    operation_id="export",
    summary="Export tasks",
    **described(
        answers={200: "Tasks"},
        problems=(503,),
        parameters=[_FORMAT, *FILTER],
        headers={"Content-Disposition": "A name for the file, with its time."},
        others={media.partition(";")[0]: "string" for name, media in MEDIA.items() if name != "json"},
    ),
)
async def export(request: HttpRequest) -> StreamingHttpResponse:
    """All tasks that pass the filter, in its order, however many: those there are when the call begins, each once, as it is when it is
    written. A stream that the server cannot finish is cut, and never ends like a whole one."""
    one, many = query_of(request, one=("format", "q", "sort"), many=FILTERS)
    form = one_of(one, "format", "json", tuple(MEDIA))
    query = filter_of(one, many)
    if len(_open) >= MAX_EXPORTS:
        raise Problem(503, "too_many_exports", f"{MAX_EXPORTS} exports are under way already.", headers={"Retry-After": "10"})
    made = Export(runtime.get(), query, form)
    name = f"iotask-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(while_let_in(made, principal_of(request)), content_type=MEDIA[form], headers=headers)


class Export:
    """One file on its way. It holds the numbers of the tasks to come, compressed, and the slice being written."""

    def __init__(self, now: Runtime, query: Query, form: str) -> None:
        self._over = False
        self._now = now
        self._query = query
        self._form = form

    def end(self, again: bool) -> None:
        """Send nothing more: whoever reads is not let in any more."""
        self._over = True

    async def parts(self) -> AsyncGenerator[bytes]:
        """The file, piece by piece. Raises CancelledError where it cannot be told to its end: the connection is cut then."""
        _open.add(self)
        try:
            begin, write, end = self._writer()
            yield begin
            for tasks in self._now.store.each(self._query, SLICE):
                if self._over or self._now.engine.drained:
                    raise asyncio.CancelledError("The export ended before its file was whole.")
                if tasks:
                    yield write(self._now.engine.reports.fresh(tasks))
                await asyncio.sleep(0)  # whatever the reader takes at once: others have their turn
            yield end
        finally:
            _open.discard(self)

    def _writer(self) -> tuple[bytes, Callable[[Iterable[Task]], bytes], bytes]:
        """How the file begins, what writes a slice, and how it ends."""
        if self._form == "csv":
            table = Table(self._now, self._query.types or self._now.store.type_counts)
            return csv_cells.BOM + csv_cells.rows([table.head]), lambda tasks: csv_cells.rows(map(table.row, tasks)), b""
        if self._form == "ndjson":
            return b"", self._lines, b""
        return b"[", Comma(self._lines), b"]\n"

    def _lines(self, tasks: Iterable[Task]) -> bytes:
        return b"".join(_encode(task_json(task, self._now)) + b"\n" for task in tasks)


class Comma:
    """Sets elements of an array apart: one a line, a comma before each but the first. `write` makes lines."""

    def __init__(self, write: Callable[[Iterable[Task]], bytes]) -> None:
        self._write = write
        self._between = b"\n"

    def __call__(self, tasks: Iterable[Task]) -> bytes:
        """The next elements."""
        lines = self._write(tasks).rstrip(b"\n").replace(b"\n", b",\n")  # JSON itself holds no line ends
        part, self._between = self._between + lines, b",\n"
        return part
