"""Tables on terminals of few columns: what one has to type is never cut."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from tasks_app.terminal.lists import table
from tasks_app.terminal.screens import table_of


def _drawn(made: Any, width: int) -> list[str]:
    there = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    with there.capture() as said:
        there.print(made)
    return [line.rstrip() for line in said.get().splitlines()]


def _task(number: int, status: str, **fields: Any) -> dict[str, Any]:
    given = {"name": "", "type": "shop.unlucky", "error": None, "waiting": None, "progress": None}
    return {"id": f"{number}2d389dd-0000", "number": number, "status": status, "created_at": "2026-01-01T00:00:00Z", **given, **fields}


def test_a_list_at_forty_columns_has_numbers_and_statuses_whole() -> None:
    failed = _task(7, "failed", error={"type": "ValueError", "message": "there is no more of it in any stock"})
    lines = _drawn(table([_task(123, "processing"), failed], 40), 40)
    assert [line.split()[:2] for line in lines] == [["#", "status"], ["#123", "processing"], ["#7", "failed"]]
    assert all(len(line) <= 40 for line in lines)
    assert "shop.unlucky: V" in lines[2]
    assert lines[2].endswith("…")


@pytest.mark.parametrize("width", [30, 40, 60])
def test_of_a_table_the_first_column_is_whole_and_the_widest_are_cut(width: int) -> None:
    lines = _drawn(table_of(["type", "what", "params"], [["long_computation", "ok", "x" * 80]], width=width), width)
    assert lines[1].split()[0] == "long_computation"
    assert all(len(line) <= width for line in lines)


def test_where_all_fits_nothing_is_cut() -> None:
    assert _drawn(table_of(["a", "b"], [["one", "x" * 30]], width=40), 40)[1] == "one  " + "x" * 30
