"""CSV that a spreadsheet reads and never computes."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.presenters.csv_cells import Cell, harmless, rows

SIGNS = "=+-@＝＋－＠\t\r"


def read(made: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(made.decode(), newline=""), delimiter=delimiter, strict=delimiter == ","))


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1 2",
        "-cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        ' "=1',
        "'=1",
        "  =1",
        "\u00a0=1",
        "＝1",
        '=HYPERLINK("http://x";"y")',
        "--5",
        "-",
    ],
)
def test_what_a_spreadsheet_would_compute_begins_with_an_apostrophe(text: str) -> None:
    ((cell,),) = read(rows([[text]]))
    assert cell[0] == "'"
    assert cell.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["a;=1", "a\t@x", "a\n=1", "a\r\n+x", "a; '=x", "a|-x"])
def test_where_other_signs_set_cells_apart_nothing_begins_a_formula_either(text: str) -> None:
    for cell in re.split(r"[;\t\n\r|]", harmless(text)):
        assert not cell.lstrip(" \"").startswith(tuple("=+-@"))  # fmt: skip


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (5, "5"),
        (-5, "-5"),
        (-0.5, "-0.5"),
        ("-12.5", "-12.5"),
        (True, "true"),
        (None, ""),
        ("a=b", "a=b"),
        ("10.0.0.7", "10.0.0.7"),
        (1e20, "1e+20"),
    ],
)
def test_numbers_and_plain_texts_stay_as_they_are(value: Cell, cell: str) -> None:
    assert read(rows([[value, "x"]])) == [[cell, "x"]]


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=2, max_size=4), max_size=4))
def test_every_text_comes_back_but_for_its_apostrophes(table: list[list[str]]) -> None:
    assert [[cell.replace("'", "") for cell in row] for row in read(rows(table))] == [
        [cell.replace("'", "") for cell in row] for row in table
    ]


@given(st.text(alphabet=f"{SIGNS}; \"'|\na1"))
def test_no_cell_begins_with_a_sign_unless_it_is_a_number(text: str) -> None:
    cell = harmless(text)
    assert not cell or cell[0] not in SIGNS or re.fullmatch(r"-[0-9]+(\.[0-9]+)?", cell)


def test_rows_end_as_rfc_4180_says() -> None:
    assert rows([["a", 'say "x"'], ["b,c", "d"]]) == b'a,"say ""x"""\r\n"b,c",d\r\n'


def test_long_texts_of_signs_take_no_longer_than_others() -> None:
    """It would take hours, if each sign looked at all that follow."""
    for text in ("\t" * 100_000, "; " * 50_000, " " * 100_000, "'" * 100_000, ";'" * 50_000):
        assert harmless(text)[0] not in SIGNS
