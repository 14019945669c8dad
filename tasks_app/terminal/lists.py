"""A list of tasks: asked for page by page, printed as a table or as lines of JSON."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from rich.table import Table
from rich.text import Text

from tasks_app.terminal.screens import console, put, status, table_of
from tasks_app.terminal.server import Server
from tasks_app.terminal.words import ago, far, label, plain, told

MOST = 200  # tasks in one answer
HEADINGS = ("#", "id", "task", "type", "status", "far", "age", "")
NARROW = 70  # columns of a terminal; with fewer there are three columns, and none is cut beyond use
FEW = ("#", "status", "task")


def page_of(server: Server, asked: Namespace) -> list[dict[str, Any]]:
    """The tasks that are asked for, newest first or oldest first. Raises Ends."""
    params = {"status": asked.status, "type": asked.type, "tag": asked.tag, "q": " ".join(asked.words) or None}
    wanted = {name: value for name, value in params.items() if value} | ({"sort": "created"} if asked.oldest else {})
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while len(found) < asked.limit:
        page = server.get("tasks", **wanted, limit=min(MOST, asked.limit - len(found)), **cursor)
        found += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    return found


def put_page(tasks: list[dict[str, Any]], asked: Namespace, *, headings: bool = True) -> None:
    """Print them."""
    if asked.json:
        for task in tasks:
            put(task)
    elif tasks:
        there = console()
        there.print(table(tasks, there.width, header=headings))


def table(tasks: list[dict[str, Any]], width: int, *, header: bool = True) -> Table:
    """A row for each task, for a terminal of so many columns."""
    rows = rows_of(tasks)
    if width >= NARROW:
        return table_of(HEADINGS, rows, header=header, width=width)
    few = [(row[0], row[4], ": ".join(str(cell) for cell in (row[2], row[7]) if str(cell))) for row in rows]
    return table_of(FEW, few, header=header, width=width)


def rows_of(tasks: list[dict[str, Any]]) -> list[tuple[str | Text, ...]]:
    """A row for each task, under HEADINGS."""
    return [
        (
            f"#{task['number']}",
            task["id"][:8],
            label(task),
            plain(task["type"]),
            status(task),
            far(task),
            ago(task["created_at"]),
            told(task),
        )
        for task in tasks
    ]
