"""Filters from a URL, cursors, words."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.grammar import Term
from tasks_app.engine.query import OLDEST, Query, parse_query
from tasks_app.engine.task import Status
from tasks_app.tests.engine.records import a_task


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_leads_back_to_its_number() -> None:
    query = Query(statuses=frozenset({Status.FAILED}), terms=(Term("", ("a",)),))
    for number in (0, 1, 10**14):
        assert query.decode_cursor(query.encode_cursor(number)) == number


def test_a_cursor_of_another_filter_is_refused() -> None:
    cursor = Query(types=frozenset({"a"})).encode_cursor(5)
    for other in (Query(), Query(types=frozenset({"b"})), Query(types=frozenset({"a"}), sort=OLDEST), Query(tags=frozenset({"a"}))):
        with pytest.raises(InvalidValue) as refused:
            other.decode_cursor(cursor)
        assert refused.value.field == "cursor"


def test_the_order_of_values_does_not_matter_to_a_cursor() -> None:
    first = parse_query(statuses=["failed", "pending"], types=["a", "b"])
    assert parse_query(statuses=["pending", "failed"], types=["b", "a"]).decode_cursor(first.encode_cursor(5)) == 5


@pytest.mark.parametrize(
    "text",
    [
        *("x", "====", "ä", "\ud800", "\0", "A" * 10_000, " ", "%00", "a.b"),
        coded("5"),
        coded(":5"),
        *(coded(f"{Query().fingerprint()}:{number}") for number in ("", "-1", "1.5", "x", "１", "9" * 20, str(2**64), "1:2", "+1", " 1")),
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        Query().decode_cursor(text)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"statuses": ["done"]}, "status"),
        ({"statuses": ["__class__"]}, "status"),
        ({"types": [""]}, "type"),
        ({"types": ["x" * 201]}, "type"),
        ({"types": [str(n) for n in range(33)]}, "type"),
        ({"tags": [str(n) for n in range(33)]}, "tag"),
        ({"sort": "name"}, "sort"),
        ({"text": "x" * 501}, "q"),
        ({"text": "a\0b"}, "q"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_what_is_wrong_in_a_filter_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_query(**given)
    assert refused.value.field == field


def test_values_of_one_kind_are_alternatives_and_kinds_must_all_hold() -> None:
    task = a_task(type="a", tags=("x", "y"))
    assert parse_query(types=["a", "b"], tags=["y", "z"], statuses=["pending", "failed"]).matches(task)
    assert not parse_query(types=["a"], tags=["z"]).matches(task)
    assert not parse_query(statuses=["failed"]).matches(task)
