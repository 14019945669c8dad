"""Where in the list a page is, in a sentence; and what is said when nothing matches."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.query import Page, Query
from tasks_app.engine.store import Store
from tasks_app.engine.task import Task
from tasks_app.presenters import words
from tasks_app.presenters.filters import Filters, named


class Drop(Struct, frozen=True):
    """One filter to drop, and how much would be seen then."""

    words: str
    link: str
    count: str


class Nothing(Struct, frozen=True):
    """What an empty list says. `first`: nothing has run at all; `further`: a search has not looked at all tasks yet."""

    first: bool
    title: str
    text: str
    drops: list[Drop] = []
    further: bool = False


def said(store: Store, query: Query, page: Page) -> str:
    """`1 to 50 of 4,312, newest first`; where tasks are looked at one by one, how far."""
    if query.searches:
        return _searched(page)
    if not page.items:
        return ""
    first = store.count_newer(query, page.items[0].number) + 1
    shown = {"first": words.count(first), "last": words.count(first + len(page.items) - 1), "all": words.count(page.total or 0)}
    return _("%(first)s to %(last)s of %(all)s, newest first") % shown


def newer(store: Store, query: Query, tasks: Iterable[Task]) -> int:
    """How many tasks of a list came since those that are held: of its first page, and where no task has to be looked at to know."""
    if not query.newest_first or query.cursor is not None or query.searches:
        return 0
    return store.count_newer(query, max((task.number for task in tasks), default=0))


def _searched(page: Page) -> str:
    looked = words.count(page.searched or 0)
    if page.total is not None:
        return _("%(found)s found, newest first; searched %(looked)s") % {"found": words.count(page.total), "looked": looked}
    return _("%(found)s found in %(looked)s searched, newest first") % {"found": words.count(len(page.items)), "looked": looked}


def nothing(store: Store, filters: Filters, page: Page, drops: list[Drop] | None = None) -> Nothing:
    """What the list says when it is empty; on a page that is not what it will say once its rows are gone."""
    if page.items:
        return Nothing(False, _("Nothing is left on this page"), "")
    if not len(store):
        return Nothing(True, _("Nothing has run yet"), "")
    if not drops:
        return Nothing(False, _("No tasks on this page"), "")
    if page.next is not None:
        number = words.tasks(page.searched or 0)
        title = _("No match among the next %(tasks)s") if filters.cursor else _("No match among the newest %(tasks)s")
        return Nothing(False, title % {"tasks": number}, _("Older ones were not looked at yet. Or drop one filter:"), drops, further=True)
    held = ngettext("%(tasks)s is held here.", "%(tasks)s are held here.", len(store)) % {"tasks": words.tasks(len(store))}
    text = held + " " + _("Drop one filter to see some:")
    title = _("No task matches %(which)s") % {"which": named(len(drops))}
    return Nothing(False, title, text, drops)


def drop(filters: Filters, part: tuple[str, str], count: int | Page) -> Drop:
    """What is seen without one part of the filter: a count, or what a search found that may not have looked at all."""
    name, value = part
    link = filters.without(name, value).link()
    return Drop(value if name == "q" else f"{name}:{value}", link, _seen(count) if isinstance(count, int) else _looked(count))


def _looked(page: Page) -> str:
    found = len(page.items)
    if page.total is not None:
        return _seen(found)
    if found:
        return _("at least %(tasks)s") % {"tasks": words.tasks(found)}
    return _("none of the newest %(number)s") % {"number": words.count(page.searched or 0)}


def _seen(count: int) -> str:
    return words.tasks(count) if count else _("none")
