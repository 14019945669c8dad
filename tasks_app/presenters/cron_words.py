"""A cron expression in words: `every day at 03:00`, `every 15 minutes`. What has no plain words stays as it is.

Words are made of two parts, on which days and at which times; each pair of shapes is one whole sentence, so that it can be translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

from django.utils import dateformat
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from msgspec import Struct

from tasks_app.engine import cron
from tasks_app.presenters import words

MOST_TIMES = 4  # of a day that are named one by one
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_EVERY_AT: Mapping[int, str | Promise] = {
    1: lazy("every Monday at %(times)s"),
    2: lazy("every Tuesday at %(times)s"),
    3: lazy("every Wednesday at %(times)s"),
    4: lazy("every Thursday at %(times)s"),
    5: lazy("every Friday at %(times)s"),
    6: lazy("every Saturday at %(times)s"),
    0: lazy("every Sunday at %(times)s"),
}
_WORKDAYS, _WEEKEND, _ALL = (1, 2, 3, 4, 5), (0, 6), (0, 1, 2, 3, 4, 5, 6)


class Days(Struct, frozen=True):
    """On which days. `kind` is daily, week, month, last or year; `week` are weekdays from 0 (Sunday), `day` and `month` numbers from 1."""

    kind: str
    week: tuple[int, ...] = ()
    day: int = 0
    month: int = 0


def when(expression: str, timezone: str) -> str:
    """The whole of it: `every day at 03:00, Europe/Moscow`."""
    return _("%(when)s, %(zone)s") % {"when": in_words(expression) or expression, "zone": timezone}


def in_words(expression: str) -> str:
    """An expression in the language of the page; empty where there are no plain words for it."""
    return _said(expression, get_language() or "")


@lru_cache(4096)
def _said(expression: str, language: str) -> str:
    fields = cron.plain(expression).upper().split()
    seconds, minutes, hours, *rest = fields if len(fields) == 6 else ["0", *fields]
    days = _days(*rest) if len(rest) == 3 else None
    if days is None:
        return ""
    if (often := _often(seconds, minutes, hours)) and days.kind in ("daily", "week"):
        return _often_on(often, days)
    times = _times(seconds, minutes, hours)
    return _at(_listed(times), days) if times else ""


def _days(day: str, month: str, week: str) -> Days | None:
    """On which days; None where that is more than a few words."""
    if month == "*" and day in ("*", "?") and week in ("*", "?"):
        return Days("daily")
    if month == "*" and day in ("*", "?"):
        chosen = _weekdays(week)
        return None if chosen is None else Days("daily") if chosen == _ALL else Days("week", week=chosen)
    if week not in ("*", "?"):
        return None
    if month == "*" and day == "L":
        return Days("last")
    number, of = _number(day, 1, 31), _number(month, 1, 12)
    if number is None:
        return None
    return Days("month", day=number) if month == "*" else Days("year", day=number, month=of) if of is not None else None


def _weekdays(text: str) -> tuple[int, ...] | None:
    chosen: set[int] = set()
    for part in text.split(","):
        low, _dash, high = part.partition("-")
        first, last = _weekday(low), _weekday(high or low)
        if first is None or last is None or first > last:
            return None
        chosen.update(number % 7 for number in range(first, last + 1))
    return tuple(sorted(chosen))


def _weekday(text: str) -> int | None:
    return _DAYS.index(text.lower()) if text.lower() in _DAYS else _number(text, 0, 7)


def _number(text: str, low: int, high: int) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 and low <= int(text) <= high else None


def _step(text: str, most: int) -> int | None:
    """The 15 of `*/15`, 1 for `*`, where it divides the whole evenly: otherwise the last gap is a shorter one."""
    if text == "*":
        return 1
    number = _number(text.removeprefix("*/"), 2, most) if text.startswith("*/") else None
    return number if number and most % number == 0 else None


def _often(seconds: str, minutes: str, hours: str) -> str:
    """What comes again and again through the day: `every 15 minutes`; empty for anything else."""
    if minutes == hours == "*" and (step := _step(seconds, 60)):
        return _("every second") if step == 1 else ngettext("every %(number)s second", "every %(number)s seconds", step) % {"number": step}
    if seconds != "0":
        return ""
    if hours == "*" and (step := _step(minutes, 60)):
        return _("every minute") if step == 1 else ngettext("every %(number)s minute", "every %(number)s minutes", step) % {"number": step}
    between, minute, step = _between(hours), _number(minutes, 0, 59), _step(minutes, 60)
    if between and step and step > 1:
        hours_said = {"number": step, "from": f"{between[0]:02d}:00", "to": f"{between[1]:02d}:{60 - step:02d}"}
        return (
            ngettext("every %(number)s minute from %(from)s to %(to)s", "every %(number)s minutes from %(from)s to %(to)s", step)
            % hours_said
        )
    if between and minute is not None:
        return _("every hour from %(from)s to %(to)s") % {"from": f"{between[0]:02d}:{minute:02d}", "to": f"{between[1]:02d}:{minute:02d}"}
    return _hourly(minutes, hours)


def _hourly(minutes: str, hours: str) -> str:
    past, step = _numbers(minutes, 59), _step(hours, 24)
    if step is None or not past or len(past) > MOST_TIMES:
        return ""
    listed = _listed([f":{number:02d}" for number in past])
    if step == 1:
        return _("every hour") if past == [0] else _("every hour at %(minutes)s") % {"minutes": listed}
    if past == [0]:
        return ngettext("every %(number)s hour", "every %(number)s hours", step) % {"number": step}
    said = {"number": step, "minutes": listed}
    return ngettext("every %(number)s hour at %(minutes)s", "every %(number)s hours at %(minutes)s", step) % said


def _numbers(text: str, most: int) -> list[int]:
    """The numbers of a list such as `5,35`, in order; none where it is another thing."""
    found = [_number(part, 0, most) for part in text.split(",")]
    return [] if None in found else sorted({number for number in found if number is not None})


def _between(text: str) -> tuple[int, int] | None:
    low, dash, high = text.partition("-")
    first, last = _number(low, 0, 23), _number(high, 0, 23)
    return (first, last) if dash and first is not None and last is not None and first < last else None


def _times(seconds: str, minutes: str, hours: str) -> list[str]:
    """Times of a day, one by one; none where there are more than a few."""
    found = [
        f"{hour:02d}:{minute:02d}" + ("" if seconds == "0" else f":{second:02d}")
        for hour in _numbers(hours, 23)
        for minute in _numbers(minutes, 59)
        for second in _numbers(seconds, 59)
    ]
    return found if len(found) <= MOST_TIMES else []


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return _("%(some)s and %(last)s") % {"some": ", ".join(parts[:-1]), "last": parts[-1]}


def _names(week: Sequence[int]) -> str:
    """Mon, Wed and Fri: the week begins with Monday."""
    ordered = sorted(week, key=lambda number: (number - 1) % 7)
    return _listed([str(dateformat.format(date(2026, 11, 22 + number), "D")) for number in ordered])  # that day was a Sunday


def _at(times: str, days: Days) -> str:
    if days.kind == "daily":
        return _("every day at %(times)s") % {"times": times}
    if days.kind == "last":
        return _("on the last day of each month at %(times)s") % {"times": times}
    if days.kind == "month":
        return _("on the %(day)s of each month at %(times)s") % {"day": words.ordinal(days.day), "times": times}
    if days.kind == "year":
        shown = dateformat.format(date(2024, days.month, min(days.day, 29)), "j E") if days.day < 30 else _late(days)
        return _("every year on %(date)s at %(times)s") % {"date": shown, "times": times}
    return _in_week(times, days.week)


def _late(days: Days) -> str:
    """The 30th or 31st: a month without one has none to show."""
    name = dateformat.format(date(2024, days.month, 1), "E")
    return f"{days.day} {name}"


def _in_week(times: str, week: tuple[int, ...]) -> str:
    if len(week) == 1:
        return str(_EVERY_AT[week[0]]) % {"times": times}
    if week == _WORKDAYS:
        return _("Monday to Friday at %(times)s") % {"times": times}
    if week == _WEEKEND:
        return _("on Saturday and Sunday at %(times)s") % {"times": times}
    return _("on %(days)s at %(times)s") % {"days": _names(week), "times": times}


def _often_on(often: str, days: Days) -> str:
    if days.kind == "daily":
        return often
    if days.week == _WORKDAYS:
        return _("%(often)s, Monday to Friday") % {"often": often}
    return _("%(often)s, on %(days)s") % {"often": often, "days": _names(days.week)}
