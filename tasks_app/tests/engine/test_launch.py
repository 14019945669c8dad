"""What may be asked for, and what is refused with which field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasks_app.engine.errors import InvalidParams
from tasks_app.engine.launch import LaunchRequest, parse_launch


def refused(**given: Any) -> set[str]:
    """The fields that are refused."""
    with pytest.raises(InvalidParams) as error:
        parse_launch({"type": "scripted", **given})
    assert all(text for _, text in error.value.problems)
    return {field for field, _ in error.value.problems}


OUT_OF_BOUNDS: dict[str, list[Any]] = {
    "type": ["", "x" * 201, 5, None, True, ["a"]],
    "name": ["x" * 201, "a\nb", "a\0b", "\x1b[31m", "a\u2028b", "a\u2029b", "\ud800", "a\x85b", 5, None],
    "tags": [["a"] * 17, ["x" * 51], [""], ["a b"], ["a\tb"], ["a\u00a0b"], ["\0"], [1], "a", None, {"a": 1}],
    "priority": [101, -101, True, 1.0, "5", None, 10**30],
    "timeout": [0, -1, 1e9, float("nan"), float("inf"), "5", True, 7 * 24 * 3600 + 1],
    "max_attempts": [0, 51, True, 2.0, "2"],
    "idempotency_key": ["", "x" * 201, "a\nb", "\ud800", 5],
    "params": [None, [], "x", 5, True],
    **{key: ["x"] for key in ("id", "status", "state", "owner", "by", "created_at", "result", "version", "number", "__class__")},
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in OUT_OF_BOUNDS.items() for value in values])
def test_what_is_out_of_bounds_is_refused_by_name(field: str, value: Any) -> None:
    assert {found.split(".")[0] for found in refused(**{field: value})} == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 200),
        ("name", "\u202eright to left"),
        ("name", "a\u200db"),
        ("name", "a" + "\u0301" * 199),
        ("name", "<script>alert(1)</script>"),
        ("tags", ["a", "ü-1"]),
        ("tags", ["x" * 50] * 16),
        ("priority", -100),
        ("priority", 100),
        ("timeout", 0.001),
        ("timeout", 7 * 24 * 3600),
        ("timeout", None),
        ("max_attempts", 50),
        ("idempotency_key", "x" * 200),
    ],
)
def test_what_is_within_bounds_is_taken_as_it_is(field: str, value: Any) -> None:
    assert getattr(parse_launch({"type": "scripted", field: value}), field) == value


@pytest.mark.parametrize("given", [None, [], "x", 5, True, 1.5])
def test_what_is_no_object_is_refused(given: Any) -> None:
    with pytest.raises(InvalidParams):
        parse_launch(given)


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert refused(type=5, priority=1000, unknown=1) == {"type", "priority", "unknown"}


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2030-01-31T18:00:00Z", datetime(2030, 1, 31, 18, tzinfo=UTC)),
        ("2030-01-31t18:00:00z", datetime(2030, 1, 31, 18, tzinfo=UTC)),
        ("2030-01-31T18:00:00+02:00", datetime(2030, 1, 31, 16, tzinfo=UTC)),
        ("2030-01-31T18:00:00.5-00:30", datetime(2030, 1, 31, 18, 30, 0, 500_000, tzinfo=UTC)),
        ("2030-01-31T18:00:00.123456789Z", datetime(2030, 1, 31, 18, 0, 0, 123_456, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_start_time_is_rfc_3339(text: str, at: datetime) -> None:
    assert parse_launch({"type": "scripted", "run_at": text}).run_at == at


@pytest.mark.parametrize(
    "value",
    [
        *("", "now", "2030-01-31", "2030-01-31T18:00:00", "2030-01-31T18:00Z", "20300131T180000Z", "1700000000", "2030-02-30T00:00:00Z"),
        *(
            "2030-01-31T24:01:00Z",
            "2030-01-31T18:00:60Z",
            "2030-01-31T18:00:00+25:00",
            '","at":"2030-01-31T18:00:00Z',
            "٢٠٣٠-01-31T18:00:00Z",
        ),
        *("9999-12-31T23:59:59-12:00", "3000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z", "2030-W01-1T00:00:00Z"),
        *("2030-01-31T18:00:00Z" + " " * 1000, 1_700_000_000, 1e9, True, [], {"at": 1}),
    ],
)
def test_other_start_times_are_refused(value: Any) -> None:
    assert refused(run_at=value) == {"run_at"}


def test_the_fingerprint_tells_contents_apart() -> None:
    first = LaunchRequest(type="a", params={"x": 1})
    assert first.fingerprint() == LaunchRequest(type="a", params={"x": 1}).fingerprint()
    for other in ({"type": "b", "params": {"x": 1}}, {"type": "a", "params": {"x": 2}}, {"type": "a", "params": {"x": 1}, "priority": 1}):
        assert LaunchRequest(**other).fingerprint() != first.fingerprint()


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        LaunchRequest(type="a").type = "b"  # type: ignore[misc]
