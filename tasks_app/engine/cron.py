"""Cron expressions: when a repeat is due next, in a time zone. Five fields as in Debian's cron, or six with seconds first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.sentences import say

MAX_LENGTH = 100
MOST = 1000  # times that are looked for at once
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_NOBODYS = frozenset({"Factory", "localtime", "posixrules"})  # files of the database of zones that are no place's


def checked(expression: str) -> str:
    """The expression in its plain form: one space between fields. Raises InvalidValue, with a sentence, for one that is none."""
    text = " ".join(expression.split())
    try:
        if len(text) > MAX_LENGTH:
            raise CronSimError(f"More than {MAX_LENGTH} characters")
        next(iter(CronSim(plain(text), datetime(2000, 1, 1, tzinfo=UTC))))
    except CronSimError as error:
        said = str(error)[:1].lower() + str(error)[1:]
        raise InvalidValue(
            say("is no cron expression: {why}; such as 30 6 * * MON-FRI (minute, hour, day, month, weekday)", why=said), field="cron"
        ) from None
    except StopIteration:
        raise InvalidValue(say("is never due"), field="cron") from None
    return text


def zone(name: str) -> tzinfo:
    """The time zone of an IANA name. Raises InvalidValue; so it does for names that mean another zone on each machine, or none."""
    try:
        if name in _NOBODYS or name.startswith(("posix/", "right/")):
            raise LookupError(name)
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise InvalidValue(say("{name!r} is no time zone; such as Europe/Berlin or UTC", name=name[:64]), field="timezone") from None


def _zone(name: str) -> tzinfo:
    where = zone(name)
    return where if where != ZoneInfo("UTC") else UTC  # which is reckoned with faster


def following(expression: str, name: str, after: float) -> float | None:
    """When it is due next after a moment (both wall clock, seconds since 1970); None where that is more than 50 years away.

    A time that a clock change skips is due right after it; one that comes twice is due the first time: as in Debian's cron.
    """
    return next(times(expression, name, after), None)


def times(expression: str, name: str, after: float, until: float | None = None, most: int = MOST) -> Iterator[float]:
    """The next times after a moment, until another one (included), at most so many."""
    begun = datetime.fromtimestamp(after, _zone(name))
    for moment in islice(CronSim(plain(expression), begun), most):
        at = moment.timestamp()
        if until is not None and at > until:
            return
        if at > after:
            yield at


def newest(expression: str, name: str, until: float, most: int) -> list[float]:
    """The last times until a moment (included), in order, at most so many."""
    begun = datetime.fromtimestamp(math.floor(until) + 1, _zone(name))
    found = [moment.timestamp() for moment in islice(CronSim(plain(expression), begun, reverse=True), most + 1)]
    return [at for at in reversed(found) if at <= until][-most:]


def plain(expression: str) -> str:
    """The fields that a short form such as `@daily` stands for; any other expression as it is."""
    return _SHORT.get(expression.lower(), expression)
