"""Rows of CSV (RFC 4180, UTF-8) that no spreadsheet takes for formulas.

A text that a spreadsheet would compute, or that would become a cell of its own where it sets cells apart by semicolons or tabs, gets an
apostrophe in front of the sign that does it: to spreadsheets the mark of a text. Numbers stay numbers. Files begin with a byte order
mark: without it Excel reads anything but ASCII wrongly, and programs that read CSV know it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

BOM = b"\xef\xbb\xbf"
MEDIA = "text/csv; charset=utf-8"

Cell = str | int | float | bool | None
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_SEPARATOR = re.compile(r"[;\t\r\n|]")
_FORMULA = re.compile(r"""(^|[;\t\r\n|])((?:[^\S;\t\r\n|]|["'`‘’“”])*)(?=[=+\-@＝＋－＠])""")


def rows(many: Iterable[Iterable[Cell]]) -> bytes:
    """Rows as they stand in a file, each with its line end."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in many)
    return text.getvalue().encode("utf-8", "replace")


def harmless(text: str) -> str:
    """A text as a cell: an apostrophe stands before whatever would begin a formula."""
    if (text[:1].isalnum() or text[:1] in "{[") and not _SEPARATOR.search(text):  # most texts
        return text
    if _NUMBER.fullmatch(text):
        return text
    marked = _FORMULA.sub(r"\1'\2", text)
    return f"'{marked}" if marked.startswith(("\t", "\r")) else marked


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return harmless(value) if isinstance(value, str) else str(value)
