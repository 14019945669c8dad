"""Figures as people read them: durations, sizes, counts, shares, places in a line, times. Units stand apart by a narrow no-break space."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from tasks_app.engine.task import Status

THIN = "\u202f"  # narrow no-break space
MINUTE, HOUR, DAY = 60, 3600, 86_400

STATUS_WORDS: Mapping[Status, str | Promise] = {
    Status.SCHEDULED: gettext_lazy("Scheduled"),
    Status.PENDING: gettext_lazy("Pending"),
    Status.PROCESSING: gettext_lazy("Processing"),
    Status.RETRYING: gettext_lazy("Retrying"),
    Status.CANCELLING: gettext_lazy("Cancelling"),
    Status.COMPLETED: gettext_lazy("Completed"),
    Status.FAILED: gettext_lazy("Failed"),
    Status.CANCELLED: gettext_lazy("Cancelled"),
    Status.INTERRUPTED: gettext_lazy("Interrupted"),
}

MANY: Mapping[Status, str | Promise] = {  # of several tasks, which some languages tell from one
    Status.SCHEDULED: pgettext_lazy("several tasks", "Scheduled"),
    Status.PENDING: pgettext_lazy("several tasks", "Pending"),
    Status.PROCESSING: pgettext_lazy("several tasks", "Processing"),
    Status.RETRYING: pgettext_lazy("several tasks", "Retrying"),
    Status.CANCELLING: pgettext_lazy("several tasks", "Cancelling"),
    Status.COMPLETED: pgettext_lazy("several tasks", "Completed"),
    Status.FAILED: pgettext_lazy("several tasks", "Failed"),
    Status.CANCELLED: pgettext_lazy("several tasks", "Cancelled"),
    Status.INTERRUPTED: pgettext_lazy("several tasks", "Interrupted"),
}


def count(number: int) -> str:
    """All digits, never cut: `4,312`."""
    return str(number) if -1000 < number < 1000 else number_format(number, decimal_pos=0, force_grouping=True)


def figure(number: float, places: int = 2) -> str:
    """A measured number without needless zeros: `0.4`, `18.25`, `4,312`."""
    if float(number).is_integer() and abs(number) < 1e15:
        return count(int(number))
    text = number_format(round(number, places), decimal_pos=places, force_grouping=True)  # number_format itself cuts
    return text.rstrip("0").rstrip(".,") if places else text


def duration(seconds: float) -> str:
    """Whole seconds in two units at most: `57 s`, `3 m 20 s`, `2 h 14 m`, `1 d 03 h`. Rounded down: a clock does not run ahead."""
    whole = max(0, int(seconds)) if math.isfinite(seconds) else 0
    minutes, rest = divmod(whole, MINUTE)
    if whole < MINUTE:
        return _unit(whole, _("s"))
    if whole < HOUR:
        return f"{_unit(minutes, _('m'))} {_unit(rest, _('s'), 2)}"
    hours, minutes = divmod(minutes, 60)
    if whole < DAY:
        return f"{_unit(hours, _('h'))} {_unit(minutes, _('m'), 2)}"
    days, hours = divmod(hours, 24)
    return f"{count(days)}{THIN}{_('d')} {_unit(hours, _('h'), 2)}"


def span(seconds: float) -> str:
    """A length that somebody chose, without what is zero: `30 m`, `12 h`, `1 m 30 s`, `0.5 s`."""
    if seconds < MINUTE:
        return f"{figure(seconds, 3)}{THIN}{_('s')}"
    for unit, name in ((DAY, _("d")), (HOUR, _("h")), (MINUTE, _("m"))):
        if seconds % unit == 0:
            return f"{count(int(seconds // unit))}{THIN}{name}"
    return duration(seconds)


def took(seconds: float) -> str:
    """How long something that has ended took; below ten seconds finer: `under 1 ms`, `340 ms`, `4.2 s`."""
    if 0 <= seconds < 0.001:
        return _("under %(time)s") % {"time": _unit(1, _("ms"))}
    if 0 <= seconds < 0.9995:
        return _unit(round(seconds * 1000), _("ms"))
    if 0 <= seconds < 9.95:
        return f"{figure(seconds, 1)}{THIN}{_('s')}"
    return duration(seconds)


def guess(seconds: float) -> str:
    """A time that is not known exactly: `40 s`, and beyond a minute `about 3 m`."""
    if seconds < MINUTE:
        return duration(math.ceil(seconds))
    return _("about %(time)s") % {"time": _rounded(seconds)}


def ago(seconds: float) -> str:
    """How long past: `just now`, `9 min ago`, `2 h ago`, `3 d ago`."""
    if seconds < MINUTE:
        return _("just now")
    if seconds < HOUR:
        return _("%(number)s min ago") % {"number": int(seconds // MINUTE)}
    if seconds < DAY:
        return _("%(number)s h ago") % {"number": int(seconds // HOUR)}
    return _("%(number)s d ago") % {"number": count(int(seconds // DAY))}


def percent(part: float, whole: float) -> str:
    """A share, rounded down so that 100 % means done: `71 %`."""
    share = 100 if whole <= 0 or part >= whole else math.floor(100 * max(part, 0.0) / whole)
    return f"{min(share, 100)}{THIN}%"


def size(octets: float) -> str:
    """Bytes in powers of a thousand with three digits: `512 B`, `1.24 GB`."""
    if octets < 1000:
        return f"{int(octets)}{THIN}{_('B')}"
    value, units = float(octets), [_("kB"), _("MB"), _("GB"), _("TB"), _("PB")]
    for unit in units:
        value /= 1000
        if value < 999.5 or unit == units[-1]:
            break
    places = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{number_format(round(value, places), decimal_pos=places)}{THIN}{unit}"


def ordinal(number: int) -> str:
    """A place in a line: `1st`, `2nd`, `3rd`, `11th`, `4,312th`."""
    kind = number % 10 if number % 100 not in (11, 12, 13) else 0
    form = {1: pgettext("1, 21, 31", "%sst"), 2: pgettext("2, 22, 32", "%snd"), 3: pgettext("3, 23, 33", "%srd")}
    return form.get(kind, pgettext("4, 11, 20", "%sth")) % count(number)


def tasks(number: int) -> str:
    """`1 task`, `4,312 tasks`."""
    return ngettext("%(number)s task", "%(number)s tasks", number) % {"number": count(number)}


def clock(at: float) -> str:
    """A moment of the wall clock, in UTC, to the second: `2026-11-22 14:02:11 UTC`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock_minute(at: float) -> str:
    """The same to the minute, without its zone: for narrow columns, where a title has the rest."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def clock_time(at: float) -> str:
    """Only the time of day, in UTC: `14:02:11`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def stamp(at: float) -> str:
    """The same for machines, RFC 3339: what a `datetime` attribute holds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unit(number: int, unit: str, width: int = 1) -> str:
    return f"{number:0{width}d}{THIN}{unit}"


def _rounded(seconds: float) -> str:
    if seconds < HOUR:
        return _unit(round(seconds / MINUTE), _("m"))
    if seconds < DAY:
        return duration(seconds)
    return f"{count(round(seconds / DAY))}{THIN}{_('d')}"
