"""Times to come in a few characters, in a zone of their own: `18:00, Mon, Tue` or `Tue 03:00, 1 Dec, 8 Dec`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from django.utils import dateformat
from django.utils.translation import pgettext

from tasks_app.engine import cron
from tasks_app.engine.errors import EngineError


def moments(found: Sequence[float], timezone: str, now: float) -> str:
    """These times, each without what is the same as in the one before; today has no day."""
    where = zone_or_utc(timezone)
    said: list[str] = []
    day, clock = _at(now, where).date(), ""
    for one in found:
        moment = _at(one, where)
        parts = [] if moment.date() == day else [_day(moment, _at(now, where))]
        told = dateformat.format(moment, "H:i:s" if moment.second else "H:i")
        if told != clock or not parts:
            parts.append(told)
        day, clock = moment.date(), told
        said.append(" ".join(parts))
    return ", ".join(said)


def full(at: float, timezone: str, now: float) -> str:
    """One time with its day, and its year where that is another one: `Sun 22 Nov, 18:00`."""
    where = zone_or_utc(timezone)
    moment = _at(at, where)
    same = moment.year == _at(now, where).year
    day = pgettext("a form of dates", "D j M") if same else pgettext("a form of dates", "D j M Y")
    return dateformat.format(moment, f"{day}, H:i:s" if moment.second else f"{day}, H:i")


def zone_or_utc(name: str) -> tzinfo:
    """The zone, or UTC where it is not known here."""
    try:
        return cron.zone(name)
    except EngineError:
        return cron.zone("UTC")


def _day(moment: datetime, now: datetime) -> str:
    days = (moment.date() - now.date()).days
    if 0 < days < 7:
        return dateformat.format(moment, "D")
    same = moment.year == now.year
    return dateformat.format(moment, pgettext("a form of dates", "j M") if same else pgettext("a form of dates", "j M Y"))


def _at(at: float, where: tzinfo) -> datetime:
    return datetime.fromtimestamp(at, where)
