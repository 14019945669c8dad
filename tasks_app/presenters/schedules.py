"""The page of schedules: what repeats, when it runs next and how it went; what starts once, at a time; what was missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine import cron
from tasks_app.engine.errors import EngineError
from tasks_app.engine.schedule import Missed, Schedule
from tasks_app.engine.task import Status, Task
from tasks_app.presenters import times, words
from tasks_app.presenters.cron_words import in_words
from tasks_app.presenters.labels import DOT, cut, summary
from tasks_app.presenters.moments import moments, zone_or_utc
from tasks_app.presenters.schedule_runs import Runs, runs
from tasks_app.presenters.sentences import translated
from tasks_app.rendering import render_to_string
from tasks_app.runtime import Runtime

PAGE = 50
NEXT = 3  # times that are told beforehand
NOTES = 3  # of what was missed lately
LATELY = 86_400.0  # seconds
MOST_NAME = 100
MOST_RENDERED = 1_000  # rows that are kept as they were rendered


class Asked(Struct, frozen=True):
    """What the URL asks for: words to look for in names, types and tags, and which page, from 1."""

    text: str = ""
    page: int = 1

    def link(self, page: int) -> str:
        """The path of another page of the same."""
        pairs = [(name, str(value)) for name, value in (("q", self.text), ("page", page)) if value not in ("", 1)]
        return f"{reverse('web:schedules')}?{urlencode(pairs)}" if pairs else reverse("web:schedules")


class Row(Struct, frozen=True, kw_only=True):
    """A schedule in the list. `next` are two lines; `trouble` says why it does not run."""

    id: str
    url: str
    type: str
    name: str
    title: str
    words: str
    zone: str
    missed: str
    trouble: str
    paused: bool
    next: tuple[SafeString | str, SafeString | str]
    runs: Runs


class Once(Struct, frozen=True, kw_only=True):
    """A task that starts at a time."""

    id: str
    url: str
    number: int
    type: str
    name: str
    title: str
    summary: str
    starts: SafeString
    at: SafeString


class Note(Struct, frozen=True):
    """A sentence on what was missed, and the task that made up for it, if one did."""

    name: str
    text: SafeString | str
    url: str = ""


def asked_of(given: Mapping[str, str]) -> Asked:
    """What a query string asks for; what is no page is the first."""
    page = given.get("page", "")
    return Asked(given.get("q", "")[:MOST_NAME].strip(), max(1, int(page)) if page.isascii() and page.isdecimal() and len(page) < 6 else 1)


def parts(now: Runtime, asked: Asked) -> dict[str, str]:
    """The pieces of the page as HTML, by name."""
    return {name: render_to_string(f"schedules/{name}.html", context) for name, context in contexts(now, asked).items()}


def contexts(now: Runtime, asked: Asked) -> dict[str, dict[str, object]]:
    """What each piece of the page shows."""
    found = matching(now.schedules.all(), asked.text)
    pages = max(1, -(-len(found) // PAGE))
    asked = replace(asked, page=min(asked.page, pages))
    shown = found[(asked.page - 1) * PAGE : asked.page * PAGE]
    at = now.engine.clock.time()
    scheduled = now.store.counts.get(Status.SCHEDULED, 0)
    soon = now.store.soonest(PAGE)
    return {
        "missed": {"notes": notes(now, at)},
        "repeats": {
            "rows": [row_html(now, one, at) for one in shown],
            "count": _count(found),
            "older": asked.link(asked.page + 1) if asked.page < pages else "",
            "newer": asked.link(asked.page - 1) if asked.page > 1 else "",
            "page": _page(asked.page, pages),
            "searched": asked.text,
            "all": reverse("web:schedules"),
        },
        "once": {
            "rows": [once(now, task) for task in soon],
            "count": words.count(scheduled),
            "more": _more(scheduled - len(soon)) if scheduled > len(soon) else "",
        },
    }


def matching(schedules: Sequence[Schedule], text: str) -> list[Schedule]:
    """Those that have every word in their name, type or tags."""
    wanted = text.casefold().split()
    return [one for one in schedules if all(word in f"{one.type} {one.name} {' '.join(one.tags)}".casefold() for word in wanted)]


def row_html(now: Runtime, found: Schedule, at: float) -> SafeString:
    """One line of the list, rendered anew when something it shows has changed."""
    tasks = [now.store.find(run.task) for run in found.runs]
    ends = tuple(task and (task.status, task.ended_at) for task in tasks)
    today = datetime.fromtimestamp(at, zone_or_utc(found.timezone)).date()
    key = (found, get_language(), today, ends, now.registry.find(found.type) is None)
    html = _rendered.get(key)
    if html is None:
        if len(_rendered) >= MOST_RENDERED:
            _rendered.clear()
        html = _rendered[key] = render_to_string("schedules/_row.html", {"row": row(now, found, at)})
    return html


_rendered: dict[tuple[object, ...], SafeString] = {}


def row(now: Runtime, found: Schedule, at: float) -> Row:
    """One line of the list."""
    return Row(
        id=found.id,
        url=reverse("web:schedule", args=[found.id]),
        type=found.type,
        name=found.name or _summary(now, found),
        title=title(found),
        words=in_words(found.cron) or found.cron,
        zone=found.timezone,
        missed=missed_words(found.missed),
        trouble=trouble(now, found),
        paused=found.paused_at is not None,
        next=_next(found, at),
        runs=runs(now, found),
    )


def title(found: Schedule) -> str:
    """What it is called in a sentence: its name, or else its type."""
    return cut(found.title, MOST_NAME)


def once(now: Runtime, task: Task) -> Once:
    """A task that waits for its time."""
    at = task.scheduled_for or task.created_at
    by = _("set by %(name)s") % {"name": task.by} if task.by else ""
    return Once(
        id=task.id,
        url=reverse("web:task", args=[task.id]),
        number=task.number,
        type=task.type,
        name=task.name,
        title=f"{task.type} {cut(task.name, MOST_NAME)}".strip(),
        summary=DOT.join(filter(None, (summary(now, task), by))),
        starts=times.until(at, _("in {}")),
        at=times.moment(at),
    )


def trouble(now: Runtime, found: Schedule) -> str:
    """What keeps it from running, or kept it the last time: a type that is gone, params that do not fit any more."""
    task_type = now.registry.find(found.type)
    if task_type is None:
        return _("The type %(name)s is not installed here any more: nothing runs until it is.") % {"name": found.type}
    return translated(found.trouble)


def missed_words(missed: Missed) -> str:
    """What becomes of a missed run, in short."""
    return {Missed.ONCE: _("missed: run once"), Missed.SKIP: _("missed: leave out"), Missed.EACH: _("missed: run each")}[missed]


def upcoming(found: Schedule, at: float, most: int = NEXT) -> tuple[float, ...]:
    """The next times, none while it is paused."""
    if found.paused_at is not None or found.next_at is None:
        return ()
    return _times(found.cron, found.timezone, found.next_at, most)


@lru_cache(4096)
def _times(expression: str, timezone: str, first: float, most: int) -> tuple[float, ...]:
    return (first, *islice(cron.times(expression, timezone, first), most - 1))


def _next(found: Schedule, at: float) -> tuple[SafeString | str, SafeString | str]:
    if found.paused_at is not None:
        since = _("since %(time)s") % {"time": moments((found.paused_at,), found.timezone, at)}
        return _("paused"), _("by %(name)s") % {"name": cut(found.paused_by, MOST_NAME)} if found.paused_by else since
    if found.next_at is None:
        return _("never again"), _("no such time comes")
    try:
        coming = upcoming(found, at)
    except EngineError:
        coming = (found.next_at,)
    return times.until(found.next_at, _("in {}")), moments(coming, found.timezone, at)


def notes(now: Runtime, at: float) -> list[Note]:
    """What was missed within the last day, the newest first."""
    found = [one for one in now.schedules.all() if one.caught_up is not None and 0 <= at - one.caught_up < LATELY]
    return [_note(one) for one in sorted(found, key=lambda one: -(one.caught_up or 0))[:NOTES]]


def _note(found: Schedule) -> Note:
    began = [run for run in found.runs if found.missed_from is not None and run.due >= found.missed_from]
    said = {
        Missed.ONCE: _("missed its time, {since}: there was no server, or no room on it. It was run once, {at}, as it says."),
        Missed.EACH: _("missed its time, {since}: there was no server, or no room on it. What was missed was run, {at}, as it says."),
        Missed.SKIP: _("missed its time, {since}: there was no server, or no room on it. It was left out, as it says."),
    }[found.missed]
    url = reverse("web:task", args=[began[-1].task]) if began and found.missed is not Missed.SKIP else ""
    told = format_html(said, since=times.moment(found.missed_from or 0), at=times.moment(found.caught_up or 0))
    return Note(title(found), told, url)


def kept_words(now: Runtime) -> str:
    """Whether schedules outlive the process; and what in the journal this version cannot read."""
    kept = (
        _("Schedules are kept in the journal and survive a restart.")
        if now.engine.journal.durable
        else _("There is no journal: schedules end with this process.")
    )
    unread = now.schedules.unreadable
    if not unread:
        return kept
    said = ngettext(
        "%(count)s in the journal cannot be read by this version, and stays there.",
        "%(count)s in the journal cannot be read by this version, and stay there.",
        unread,
    )
    return f"{kept} {said % {'count': words.count(unread)}}"


def _summary(now: Runtime, found: Schedule) -> str:
    """What it launches, in a line, as the row of a task would say it."""
    task = Task(id="", number=0, type=found.type, params=found.params, created_at=0, status=Status.SCHEDULED)
    return summary(now, task)


def _count(found: Sequence[Schedule]) -> str:
    paused = sum(one.paused_at is not None for one in found)
    if not paused:
        return words.count(len(found))
    said = ngettext("%(count)s, %(paused)s paused", "%(count)s, %(paused)s paused", paused)
    return said % {"count": words.count(len(found)), "paused": words.count(paused)}


def _page(page: int, pages: int) -> str:
    return "" if pages == 1 else _("Page %(page)s of %(pages)s") % {"page": words.count(page), "pages": words.count(pages)}


def _more(count: int) -> str:
    said = ngettext("%(count)s more, in the list of tasks", "%(count)s more, in the list of tasks", count)
    return said % {"count": words.count(count)}
