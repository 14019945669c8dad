"""What a task type is doing, in the words that its row and its page share: slots, who waits, how many runs worked, how long they took."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from tasks_app.engine.bulk import NAME as BULK
from tasks_app.engine.lately import DAY, WEEK, Figures
from tasks_app.engine.registry import Kind, Params, TaskType
from tasks_app.engine.task import Status
from tasks_app.presenters import times, words
from tasks_app.runtime import Runtime

SPANS: Mapping[str, int] = {"day": DAY, "week": WEEK}
KINDS: Mapping[Kind, Promise] = {
    Kind.ASYNC: gettext_lazy("event loop"),
    Kind.THREAD: gettext_lazy("thread"),
    Kind.PROCESS: gettext_lazy("process"),
}
SERVICES: Mapping[str, str] = {  # the type each service whose API is spoken here runs; names are the same in every language
    "two_step_report": "IO Bound Task API",
    "message": "Flussonic jobs",
    "long_computation": "Long Tasks Service",
    "double": "Go Task Queue",
}


class Slots(Struct, frozen=True):
    """How busy the slots are. `most` is what the meter ends at: the type's own limit, or the server's; `limited` tells which."""

    busy: int
    most: int
    waiting: int
    limited: bool
    first_since: float | None = None

    @property
    def high(self) -> int:
        """From where on they are nearly all taken."""
        return max(self.most * 9 // 10, 1) if self.most > 1 else 1

    @property
    def words(self) -> str:
        """`8 of 8`, or `8 running` where only the server's limit counts."""
        if self.limited:
            return _("%(busy)s of %(all)s") % {"busy": words.count(self.busy), "all": words.count(self.most)}
        return _("%(busy)s running") % {"busy": words.count(self.busy)}

    @property
    def waiting_words(self) -> str:
        """`5 wait`; empty when none does."""
        return ngettext("%(count)s waits", "%(count)s wait", self.waiting) % {"count": words.count(self.waiting)} if self.waiting else ""

    @property
    def first_waits(self) -> SafeString:
        """How long the first in line has waited; empty when nobody waits."""
        return times.since(self.first_since, _("the first for {}")) if self.first_since else SafeString()


def slots(runtime: Runtime, name: str) -> Slots:
    """The slots of a type."""
    queue = runtime.engine.queues.get(name)
    waiting = runtime.store.count_of(name, Status.PENDING)
    most = runtime.engine.queues.max_running if queue.concurrency is None else queue.concurrency
    first = runtime.store.first_in_line(name, anybody=True) if waiting else None
    task = runtime.store.by_number(first[1]) if first else None
    return Slots(queue.running, most, waiting, queue.concurrency is not None, task.waiting_since if task else None)


def runs_of(figures: Figures) -> int:
    """How many runs have ended, however."""
    return sum(figures.ended.values())


def worked(figures: Figures) -> str:
    """Which share of the runs that were not stopped has completed: `98.4 %`; empty before the first."""
    done = figures.ended[Status.COMPLETED]
    whole = done + figures.ended[Status.FAILED] + figures.ended[Status.INTERRUPTED]
    if not whole:
        return ""
    share = math.floor(1000 * done / whole) / 10  # rounded down: 100 % means all
    return f"{words.figure(share, 1)}{words.THIN}%"


def took(figures: Figures, share: float) -> str:
    """The time this share of the completed runs did not exceed; empty before the first."""
    seconds = figures.took.quantile(share)
    return "" if seconds is None else words.took(min(seconds, figures.took.longest))


def runs_words(count: int) -> str:
    """`1 run`, `1,204 runs`."""
    return ngettext("%(count)s run", "%(count)s runs", count) % {"count": words.count(count)}


@lru_cache(maxsize=256)
def fields_of(params: type[Params]) -> tuple[tuple[str, bool], ...]:
    """The names of a model's fields, and which of them a launch has to give; those that are no person's to fill in are left out."""
    wanted = params.model_json_schema()
    given = wanted.get("properties", {})
    return tuple((name, name in wanted.get("required", ())) for name, found in given.items() if not found.get("hidden"))


def made_by(task_type: TaskType) -> str:
    """Who launches tasks of this type, where that is not just anybody; else empty."""
    if task_type.launchable:
        service = SERVICES.get(task_type.name)
        return _("for %(service)s") % {"service": service} if service else ""
    return _("made by bulk actions") if task_type.name == BULK else _("made by the server")
