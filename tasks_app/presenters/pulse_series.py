"""What a pulse is asked for, and what its bars are made of: series by status, or by type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.pulse import ENDS, Span
from tasks_app.engine.task import Status
from tasks_app.presenters import words

TOP = 7  # types with a colour of their own
REST = "~"  # all other types together; no type has this name
HOUR_LONG, DAY_LONG = "hour", "day"
BY_STATUS, BY_TYPE = "status", "type"


class Asked(Struct, frozen=True):
    """What a pulse is asked for: the span, how bars are divided, which parts of them are left out."""

    span: str = HOUR_LONG
    by: str = BY_TYPE
    hidden: frozenset[str] = frozenset()

    def link(self, **changed: str | frozenset[str]) -> str:
        """The page with something changed; what is left out belongs to how bars are divided."""
        given = {"span": self.span, "by": self.by, "hidden": self.hidden if "by" not in changed else frozenset(), **changed}
        hidden = ",".join(sorted(given.pop("hidden")))
        return f"{reverse('web:pulse')}?{urlencode({**given, **({'hide': hidden} if hidden else {})})}"


def asked_by(given: Mapping[str, str]) -> Asked:
    """What a query string asks for; what it does not know it leaves."""
    span = given.get("span", HOUR_LONG)
    by = given.get("by", BY_TYPE)
    hidden = frozenset(filter(None, given.get("hide", "")[:1000].split(",")))
    return Asked(span if span in (HOUR_LONG, DAY_LONG) else HOUR_LONG, by if by in (BY_STATUS, BY_TYPE) else BY_TYPE, hidden)


def top_types(span: Span) -> list[str]:
    """The types of which most ended, at most TOP, by name: so a colour stays with its type while the same ones lead."""
    ended: Counter[str] = Counter()
    for slot in span.slots:
        for name in slot.counts:
            ended[name] += slot.ended_of(name)
    return sorted(name for name, count in ended.most_common(TOP) if count)


class Series(Struct, frozen=True):
    """A part of stacked bars: its key in the URL, its word, its colour, and how many there are in each slot."""

    key: str
    word: str | Promise
    look: str
    status: str
    values: tuple[int, ...]


def series_by(asked: Asked, span: Span) -> list[Series]:
    """What is stacked, from below."""
    if asked.by == BY_STATUS:
        return [of_status(status, span) for status in ENDS]
    top = top_types(span)
    found = [Series(n, n, f"series-{i}", "", tuple(s.ended_of(n) for s in span.slots)) for i, n in enumerate(top, 1)]
    rest = tuple(slot.ended() - sum(slot.ended_of(name) for name in top) for slot in span.slots)
    return [*found, Series(REST, _("other"), "series-8", "", rest)] if any(rest) else found


def of_status(status: Status, span: Span) -> Series:
    """How many ended so, slot by slot."""
    values = tuple(slot.ended(status) for slot in span.slots)
    return Series(status.value, words.MANY[status], "status-bar", status.value, values)
