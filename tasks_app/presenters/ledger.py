"""The ledger: the statuses, counted. The counts are the filters."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.query import NEWEST, Query
from tasks_app.engine.search import Tally
from tasks_app.engine.task import Status
from tasks_app.presenters import words
from tasks_app.presenters.filters import Filters
from tasks_app.presenters.stencil import filled
from tasks_app.runtime import Runtime

ALL = "all"
ORDER = (
    (Status.PROCESSING, Status.PENDING, Status.RETRYING, Status.SCHEDULED, Status.CANCELLING),
    (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.INTERRUPTED),
)


class Entry(Struct, frozen=True):
    """One count. `name` is `all` or a status; `count` as a number and in words."""

    name: str
    word: str
    count: int
    counted: str
    link: str
    current: bool
    more: bool = False  # not all were looked at: there may be more


class Shown(Struct, frozen=True):
    """The ledger of a page: all, the statuses as HTML, and how far one looked."""

    whole: Entry
    entries: SafeString
    note: str


class Counts(Struct, frozen=True):
    """How many tasks are in each status, and `all`. `more` names those that were not all looked at, `note` says how far one looked."""

    numbers: dict[str, int]
    more: tuple[str, ...] = ()
    note: str = ""


def counters(runtime: Runtime, query: Query | None = None) -> dict[str, int]:
    """How many tasks are in each status, and `all`; of those that pass what the indexes know of the query. No task is looked at:
    counts stay quick."""
    store = runtime.store
    if query is None or replace(query, statuses=frozenset(), cursor=None, sort=NEWEST) == Query():
        found = {status.value: number for status, number in store.counts.items()}
        found = {status.value: found.get(status.value, 0) for status in Status}
    else:
        found = {status.value: store.count(replace(query, statuses=frozenset({status}))) for status in Status}
    return found | {ALL: sum(found.values())}


def tallied(tally: Tally) -> Counts:
    """What a search has counted."""
    found = {status.value: tally.counts[status] for status in Status}
    more = tuple(status.value for status in Status if status in tally.cut)
    searched = words.count(tally.searched)
    note = _("A number with + may be higher: of such tasks the newest were searched, %(searched)s in all.") % {"searched": searched}
    return Counts(found | {ALL: sum(found.values())}, (*more, ALL) if more else (), note if more else "")


def entries(filters: Filters, counts: Counts) -> tuple[Entry, list[Entry], list[Entry]]:
    """All, what goes on, what has ended."""
    every = replace(filters, statuses=(), cursor="")
    whole = _entry(counts, ALL, "", every.link(), not filters.statuses)
    going, ended = ([_of_status(filters, status, counts) for status in group] for group in ORDER)
    return whole, going, ended


def shown(filters: Filters, counts: Counts) -> Shown:
    """The same, ready to be shown."""
    whole, going, ended = entries(filters, counts)
    html = [_html(entry, apart=entry is ended[0]) for entry in (*going, *ended)]
    return Shown(whole, SafeString("".join(html)), counts.note)


def counted(count: int, more: bool) -> str:
    """A count as it is shown; with a plus where there may be more."""
    return f"{words.count(count)}+" if more else words.count(count)


def _html(entry: Entry, *, apart: bool) -> SafeString:
    return filled(
        "tasks/_entry.html",
        apart=apart,
        name=entry.name,
        link=entry.link,
        current=entry.current,
        count=entry.count,
        more=entry.more,
        counted=entry.counted,
        word=entry.word,
    )


def _of_status(filters: Filters, status: Status, counts: Counts) -> Entry:
    link = filters.with_status(status.value).link()
    return _entry(counts, status.value, str(words.MANY[status]), link, status.value in filters.statuses)


def _entry(counts: Counts, name: str, word: str, link: str, current: bool) -> Entry:
    count, more = counts.numbers[name], name in counts.more
    return Entry(name, word, count, counted(count, more), link, current, more)
