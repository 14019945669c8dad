"""Cron expressions in words, and times to come in a few characters: short, and never another thing than what runs."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.engine import cron
from tasks_app.presenters.cron_words import in_words, when
from tasks_app.presenters.moments import full, moments


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("* * * * * *", "every second"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("0 * * * *", "every hour"),
        ("@hourly", "every hour"),
        ("5,35 * * * *", "every hour at :05 and :35"),
        ("0 */2 * * *", "every 2 hours"),
        ("5 */6 * * *", "every 6 hours at :05"),
        ("0 8-18 * * *", "every hour from 08:00 to 18:00"),
        ("*/15 8-18 * * 1-5", "every 15 minutes from 08:00 to 18:45, Monday to Friday"),
        ("0 3 * * *", "every day at 03:00"),
        ("@daily", "every day at 00:00"),
        ("15 30 6 * * *", "every day at 06:30:15"),
        ("0 9,17 * * *", "every day at 09:00 and 17:00"),
        ("30 6 * * MON-FRI", "Monday to Friday at 06:30"),
        ("0 12 * * 6,0", "on Saturday and Sunday at 12:00"),
        ("0 3 * * TUE", "every Tuesday at 03:00"),
        ("7 3 * * 7", "every Sunday at 03:07"),
        ("0 12 * * 1,3,5", "on Mon, Wed and Fri at 12:00"),
        ("0 5 1 * *", "on the 1st of each month at 05:00"),
        ("0 0 L * *", "on the last day of each month at 00:00"),
        ("30 5 31 12 *", "every year on 31 December at 05:30"),
        ("0 0 29 2 *", "every year on 29 February at 00:00"),
    ],
)
def test_common_shapes_have_plain_words(expression: str, said: str) -> None:
    assert in_words(expression) == said


@pytest.mark.parametrize(
    "expression", ["*/7 * * * *", "0 0 13 * 5", "15 10 * * MON#2", "0 8-18/2 * * *", "1-59/2 * * * *", "0 0 1 1-6 *", "0,1,2,3,4 3 * * *"]
)
def test_what_has_no_plain_words_is_shown_as_it_is(expression: str) -> None:
    assert in_words(expression) == ""
    assert when(expression, "Europe/Moscow") == f"{expression}, Europe/Moscow"


def test_the_zone_stands_beside_the_words() -> None:
    assert when("0 3 * * *", "Europe/Moscow") == "every day at 03:00, Europe/Moscow"


@given(st.integers(0, 23), st.integers(0, 59), st.sampled_from(["*", "1-5", "0,6", "2", "1,3", "7"]))
def test_the_times_of_a_day_in_words_are_those_that_run(hour: int, minute: int, week: str) -> None:
    expression = f"{minute} {hour} * * {week}"
    begun = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    runs = [datetime.fromtimestamp(at, UTC) for at in islice(cron.times(expression, "UTC", begun), 7)]
    assert {run.strftime("%H:%M") for run in runs} == {f"{hour:02d}:{minute:02d}"}
    assert f"{hour:02d}:{minute:02d}" in in_words(expression)


@given(st.integers(1, 59))
def test_every_so_many_minutes_is_said_only_where_the_gaps_are_even(step: int) -> None:
    begun = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    runs = list(islice(cron.times(f"*/{step} * * * *", "UTC", begun), 80))
    gaps = {after - before for before, after in pairwise(runs)}
    assert (len(gaps) == 1) == bool(in_words(f"*/{step} * * * *")) or step == 1


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


NOW = at("2026-11-22T13:00")  # a Sunday


@pytest.mark.parametrize(
    ("expression", "zone", "said"),
    [
        ("0 18 * * *", "UTC", "18:00, Mon, Tue"),
        ("*/15 * * * *", "UTC", "13:15, 13:30, 13:45"),
        ("0 3 * * 2", "UTC", "Tue 03:00, 1 Dec, 8 Dec"),
        ("0 5 1 1,12 *", "UTC", "1 Dec 05:00, 1 Jan 2027, 1 Dec 2027"),
        ("0 1 * * *", "Asia/Tokyo", "Mon 01:00, Tue, Wed"),
        ("0 8,20 * * *", "UTC", "20:00, Mon 08:00, 20:00"),
    ],
)
def test_the_next_three_are_said_without_what_is_the_same(expression: str, zone: str, said: str) -> None:
    assert moments(list(islice(cron.times(expression, zone, NOW), 3)), zone, NOW) == said


def test_one_time_is_said_in_its_zone_and_a_zone_that_is_gone_is_utc() -> None:
    assert full(at("2026-11-22T18:00", "Europe/Berlin"), "Europe/Berlin", NOW) == "Sun 22 Nov, 18:00"
    assert full(at("2027-01-01T00:00"), "Mars/Base", NOW) == "Fri 1 Jan 2027, 00:00"
