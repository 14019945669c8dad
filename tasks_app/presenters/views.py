"""The views that always exist, at the left of every page: filters with a name and a count. Readers keep more in their browser."""

from __future__ import annotations

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.grammar import quoted
from tasks_app.engine.task import Status
from tasks_app.presenters import words
from tasks_app.presenters.filters import Filters
from tasks_app.runtime import Runtime

_STATUSES: dict[str, tuple[Status, ...]] = {
    "look": (Status.FAILED, Status.INTERRUPTED),
    "running": (Status.PROCESSING, Status.CANCELLING),
    "waiting": (Status.PENDING, Status.SCHEDULED, Status.RETRYING),
}


class View(Struct, frozen=True):
    """One of them. `total` names its count in live frames; empty where the count is that of the page's load."""

    name: str
    link: str
    count: str
    total: str = ""


def totals(runtime: Runtime) -> dict[str, int]:
    """How many tasks there are, and how many each view of statuses has: from counters, whatever the number of tasks."""
    counts = runtime.store.counts
    found = {name: sum(counts[status] for status in statuses) for name, statuses in _STATUSES.items()}
    return {"all": len(runtime.store), **found}


def views(runtime: Runtime, reader: str) -> list[View]:
    """All of them; `reader` is the name of whoever looks, empty where nobody has one."""
    counts = totals(runtime)
    names = {"all": _("Everything"), "look": _("Needs a look"), "running": _("Running now"), "waiting": _("Waiting")}
    found = [View(name, _filters(total).link(), words.count(counts[total]), total) for total, name in names.items()]
    if reader:
        mine = Filters(terms=(f"by:={quoted(reader)}",))
        found.append(View(_("Mine"), mine.link(), words.count(runtime.store.launched_by(reader))))
    return found


def _filters(total: str) -> Filters:
    return Filters(statuses=tuple(status.value for status in _STATUSES.get(total, ())))
