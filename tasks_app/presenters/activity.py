"""The page of activity: who did what, when, from where, and what was refused; the newest first, by day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from django.utils import dateformat
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.auth import past
from tasks_app.auth.audit import Audit, audit
from tasks_app.auth.doors import SCHEDULE
from tasks_app.auth.entries import DONE, Entry
from tasks_app.presenters import times, words
from tasks_app.presenters.activity_filter import KINDS, REFUSED, Wanted, kind_of, wanted
from tasks_app.presenters.activity_words import door_words, how_known, refusal_words, said, second, visible
from tasks_app.rendering import render_to_string
from tasks_app.runtime import Runtime

PAGE = 50
COLUMNS = ("time", "who", "role", "via", "door", "action", "object", "outcome", "more", "address")  # of an export, the last for admins


class Deed(Struct, frozen=True, kw_only=True):
    """A row: when, who, what and from where, two lines each. `id` is made of what the entry says, so that it is the same each time."""

    id: str
    time: str
    moment: str
    stamp: str
    ago: SafeString
    who: str
    role: str
    icon: str
    refused: bool
    first: SafeString
    second: SafeString | str
    door: str
    address: str


class Day(Struct, frozen=True):
    """A day (in UTC) with its deeds."""

    word: str
    deeds: tuple[Deed, ...]


class Count(Struct, frozen=True):
    """A kind with how many of the newest are of it."""

    word: str
    icon: str
    count: str
    zero: bool
    link: str
    chosen: bool


def parts(now: Runtime, books: Audit, chosen: Wanted, cursor: str = "") -> dict[str, str]:
    """The pieces of the page as HTML, by name. Raises InvalidValue for what is no cursor."""
    page = past.read(books, chosen.passes, PAGE, cursor)
    at = now.engine.clock.time()
    foot = {
        "older": chosen.link(page.next) if page.next else "",
        "newest": chosen.link() if cursor else "",
        "reached": times.moment(page.reached) if page.reached is not None else "",
        "kept": books.folder is not None,
        "topic": now.topic is not None,
        "pairs": urlencode(chosen.pairs()),
    }
    return {
        "ledger": render_to_string("activity/ledger.html", {"counts": counts(books, chosen)}),
        "days": render_to_string("activity/days.html", {"days": days(now, page.entries, chosen, at), "everything": chosen.everything}),
        "foot": render_to_string("activity/foot.html", foot),
        "nothing": render_to_string("activity/nothing.html", {"nothing": not page.entries, "filtered": bool(chosen.pairs()), **foot}),
    }


def board(now: Runtime, rest: str, asked: Mapping[str, str], *, everything: bool = False) -> Callable[[Runtime], dict[str, str]]:
    """What makes the live pieces of the newest page. Raises InvalidValue."""
    chosen = wanted(asked, everything=everything)
    seen: dict[tuple[object, ...], dict[str, str]] = {}

    def look(now: Runtime) -> dict[str, str]:
        """Nothing is read again while nobody does anything; what became of the tasks is looked at once a minute."""
        key = (audit.version, now.engine.clock.time() // 60, get_language())
        if key not in seen:
            seen.clear()
            seen[key] = parts(now, audit, chosen)
        return seen[key]

    return look


def cells(entry: Entry, chosen: Wanted) -> tuple[str | int, ...]:
    """A row of an export."""
    shown = (words.stamp(entry.at), entry.who, entry.role, entry.via, entry.door, entry.action, entry.object, entry.outcome, entry.more)
    return (*shown, entry.address) if chosen.everything else shown


def counts(books: Audit, chosen: Wanted) -> list[Count]:
    """How many of the newest, those in memory, are of each kind."""
    seen = [entry for entry, _place in books.kept_here() if chosen.may_see(entry)]
    done = [kind_of(entry) for entry in seen if entry.outcome == DONE]
    found = [_count(_("All"), "", len(seen), chosen, "")]
    found += [
        _count(str(word), icon, done.count(name), chosen, name) for name, (word, icon, _deeds) in KINDS.items() if _shown(name, chosen)
    ]
    if chosen.everything:
        found.append(_count(_("Refused"), "lock", len(seen) - len(done), chosen, REFUSED))
    return found


def _shown(name: str, chosen: Wanted) -> bool:
    return chosen.everything or name != "sign-ins"


def _count(word: str, icon: str, count: int, chosen: Wanted, what: str) -> Count:
    return Count(word, icon, words.count(count), count == 0, chosen.of(what), chosen.what == what)


def days(now: Runtime, entries: Sequence[Entry], chosen: Wanted, at: float) -> list[Day]:
    """The entries by day, each day once in a row."""
    found: list[tuple[date, list[Deed]]] = []
    today = datetime.fromtimestamp(at, UTC).date()
    seen: set[str] = set()
    for entry in entries:
        day = datetime.fromtimestamp(entry.at, UTC).date()
        if not found or found[-1][0] != day:
            found.append((day, []))
        found[-1][1].append(_deed(now, entry, chosen, seen))
    return [Day(_day(day, today), tuple(deeds)) for day, deeds in found]


def _day(day: date, today: date) -> str:
    shown = dateformat.format(day, "l j E" if day.year == today.year else "l j E Y")
    if day == today:
        return _("Today, %(day)s") % {"day": shown}
    if (today - day).days == 1:
        return _("Yesterday, %(day)s") % {"day": shown}
    return str(shown)


def _deed(now: Runtime, entry: Entry, chosen: Wanted, seen: set[str]) -> Deed:
    refused = entry.outcome != DONE
    icon = "lock" if refused else "schedules" if entry.door == SCHEDULE else KINDS[kind_of(entry)][1] if kind_of(entry) else "more"
    nobody = _("the server") if entry.door == SCHEDULE else _("somebody")
    name = visible(entry.who) or (visible(entry.address) if chosen.everything else "") or nobody
    return Deed(
        id=_id(entry, seen),
        time=words.clock_time(entry.at),
        moment=words.clock(entry.at),
        stamp=words.stamp(entry.at),
        ago=times.past(entry.at),
        who=name,
        role=how_known(entry),
        icon=icon,
        refused=refused,
        first=said(now, entry),
        second=refusal_words(entry) if refused else second(now, entry),
        door=door_words(entry),
        address=visible(entry.address) if chosen.everything else "",
    )


def _id(entry: Entry, seen: set[str]) -> str:
    text = hashlib.blake2b(entry.line(), digest_size=8).hexdigest()
    while text in seen:  # two that are alike to the microsecond
        text += "x"
    seen.add(text)
    return text
