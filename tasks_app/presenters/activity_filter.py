"""Which deeds a page of activity shows: who, what, by which way, refused only, from when to when; all of it in the URL."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy as kind_of_deed
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.auth.doors import SCHEDULE
from tasks_app.auth.entries import DONE, Entry
from tasks_app.engine.errors import InvalidValue

KINDS: Mapping[str, tuple[str | Promise, str, frozenset[str]]] = {  # word, icon, and the deeds that count as it
    "launched": (kind_of_deed("deeds", "Launched"), "plus", frozenset({"launch", "start", "rerun"})),
    "cancelled": (kind_of_deed("deeds", "Cancelled"), "stop", frozenset({"cancel"})),
    "retried": (kind_of_deed("deeds", "Retried"), "retry", frozenset({"retry", "redeliver"})),
    "deleted": (kind_of_deed("deeds", "Deleted"), "trash", frozenset({"delete", "restore"})),
    "bulk": (kind_of_deed("deeds", "Bulk"), "tasks", frozenset({"bulk"})),
    "schedules": (
        lazy("Schedules"),
        "schedules",
        frozenset({f"{verb} schedule" for verb in ("make", "change", "pause", "resume", "delete", "restore")} | {"schedule"}),
    ),
    "limits": (kind_of_deed("deeds", "Limits"), "settings", frozenset({"limit", "pause type", "resume type", "set slots"})),
    "sign-ins": (kind_of_deed("deeds", "Sign-ins"), "enter", frozenset({"login", "logout", "end session"})),
}
REFUSED = "refused"
BUT_SCHEDULES = f"-{SCHEDULE}"  # what somebody did, and no time of a schedule
ON_TASKS = frozenset().union(*(deeds for name, (_word, _icon, deeds) in KINDS.items() if name != "sign-ins"))
LONGEST = 200
_AGO = re.compile(r"([0-9]{1,4})(m|h|d|w)")
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds


class Wanted(Struct, frozen=True):
    """A filter. `who` is part of a name or an address, `what` a kind or `refused`, `door` a way, times seconds since 1970. `everything`:
    whether refusals, sign-ins and addresses may be seen."""

    who: str = ""
    what: str = ""
    door: str = ""
    since: str = ""
    until: str = ""
    begin: float | None = None
    end: float | None = None
    everything: bool = False

    def passes(self, entry: Entry) -> bool:
        """Whether an entry is shown."""
        return self.may_see(entry) and self._what(entry) and self._who(entry) and self._when(entry) and self._door(entry)

    def may_see(self, entry: Entry) -> bool:
        """Whether it is for the reader's eyes: deeds on tasks are for everybody, all else is for those who may see everything."""
        return self.everything or (entry.outcome == DONE and entry.action in ON_TASKS)

    def _what(self, entry: Entry) -> bool:
        if self.what == REFUSED:
            return entry.outcome != DONE
        return not self.what or (entry.outcome == DONE and entry.action in KINDS[self.what][2])

    def _who(self, entry: Entry) -> bool:
        if not self.who:
            return True
        names = (entry.who, entry.address) if self.everything else (entry.who,)
        return any(self.who.casefold() in name.casefold() for name in names)

    def _door(self, entry: Entry) -> bool:
        return entry.door != SCHEDULE if self.door == BUT_SCHEDULES else self.door in ("", entry.door)

    def _when(self, entry: Entry) -> bool:
        return (self.begin is None or entry.at >= self.begin) and (self.end is None or entry.at < self.end)

    def pairs(self) -> dict[str, str]:
        """As a query string names it."""
        given = {"who": self.who, "what": self.what, "door": self.door, "from": self.since, "to": self.until}
        return {name: value for name, value in given.items() if value}

    def link(self, cursor: str = "") -> str:
        """The path of the page with this filter."""
        pairs = self.pairs() | ({"cursor": cursor} if cursor else {})
        return f"{reverse('web:activity')}?{urlencode(pairs)}" if pairs else reverse("web:activity")

    def of(self, what: str) -> str:
        """The path with another kind."""
        return replace(self, what=what).link()


def wanted(given: Mapping[str, str], *, everything: bool) -> Wanted:
    """The filter of a query string. Raises InvalidValue with the name of what cannot be read."""
    what, door = given.get("what", ""), given.get("door", "")[:LONGEST]
    if what and what != REFUSED and what not in KINDS:
        raise InvalidValue(_("There is no such kind of deed."), field="what")
    since, until = given.get("from", "").strip(), given.get("to", "").strip()
    begin, end = moment(since, "from"), moment(until, "to", whole_day=True)
    return Wanted(given.get("who", "").strip()[:LONGEST], what, door, since, until, begin, end, everything)


def kind_of(entry: Entry) -> str:
    """The kind a deed counts as; empty for one of none."""
    return next((name for name, (_word, _icon, deeds) in KINDS.items() if entry.action in deeds), "")


def moment(text: str, field: str, *, whole_day: bool = False) -> float | None:
    """A day, a day and a time (in UTC where it names no zone), or so long ago (`90m`, `2h`, `7d`); `whole_day`: a day alone means its end.
    Raises InvalidValue."""
    if not text:
        return None
    try:
        ago = _AGO.fullmatch(text)
        if ago is not None:
            return time.time() - int(ago[1]) * _UNITS[ago[2]]
        found = datetime.fromisoformat(text)
        if whole_day and len(text) == len("2026-11-22"):
            found += timedelta(days=1)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidValue(
            _("This is no day and no time, such as 2026-11-22, 2026-11-22T14:00Z or 7d for the last week."), field=field
        ) from None
