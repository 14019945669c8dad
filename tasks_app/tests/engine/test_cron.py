"""When repeats are due: fields, time zones, clock changes, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tasks_app.engine import cron
from tasks_app.engine.errors import InvalidValue


def at(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def said(moment: float | None) -> str:
    assert moment is not None
    return datetime.fromtimestamp(moment, UTC).isoformat()[:19]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "due"),
    [
        ("*/15 * * * *", "UTC", "2026-11-22T10:00:00", "2026-11-22T10:15:00"),
        ("*/15 * * * *", "UTC", "2026-11-22T09:59:59.9", "2026-11-22T10:00:00"),
        ("30 6 * * MON-FRI", "UTC", "2026-11-20T07:00:00", "2026-11-23T06:30:00"),
        ("0 18 * * *", "Europe/Berlin", "2026-11-22T10:00:00", "2026-11-22T17:00:00"),
        ("0 18 * * *", "Asia/Kolkata", "2026-11-22T10:00:00", "2026-11-22T12:30:00"),
        ("*/10 * * * * *", "UTC", "2026-11-22T10:00:01", "2026-11-22T10:00:10"),
        ("0 0 29 2 *", "UTC", "2026-11-22T10:00:00", "2028-02-29T00:00:00"),
        ("@hourly", "UTC", "2026-11-22T10:00:00", "2026-11-22T11:00:00"),
        ("0 5 1 * *", "UTC", "2026-12-01T05:00:00", "2027-01-01T05:00:00"),
        # 02:30 does not exist in Berlin on the last Sunday in March, and exists twice on the last one in October
        ("30 2 * * *", "Europe/Berlin", "2027-03-28T00:00:00", "2027-03-28T01:00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00", "2026-10-25T00:30:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_a_repeat_is_due_when_its_expression_says(expression: str, zone: str, after: str, due: str) -> None:
    assert said(cron.following(expression, zone, at(after))) == due


def test_times_end_where_they_should() -> None:
    found = list(cron.times("0 * * * *", "UTC", at("2026-11-22T10:00:00"), until=at("2026-11-22T13:00:00")))
    assert [said(moment) for moment in found] == ["2026-11-22T11:00:00", "2026-11-22T12:00:00", "2026-11-22T13:00:00"]
    assert len(list(cron.times("* * * * * *", "UTC", 0.0, until=1e9, most=7))) == 7


@pytest.mark.parametrize(
    "text", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "x * * * *", "* * * * * * *", "0 0 * * " + "1," * 60 + "1", "@never"]
)
def test_what_is_no_expression_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        cron.checked(text)
    assert refused.value.field == "cron"
    assert "cron expression" in refused.value.message or "never due" in refused.value.message


@pytest.mark.parametrize(
    "name", ["", "Mars/Base", "../etc/passwd", "/etc/passwd", "europe", "x" * 500, "UTC\0", "Factory", "localtime", "right/UTC"]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        cron.zone(name)
    assert refused.value.field == "timezone"


def test_an_expression_comes_back_in_its_plain_form() -> None:
    assert cron.checked("  0   6 * *  mon ") == "0 6 * * mon"
