"""The Workers page: who works in the Celery cluster that this server watches, a row for each, and whether we hear of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.cluster.workers import Worker, pool_of
from tasks_app.engine.errors import NotFound
from tasks_app.presenters import times, words
from tasks_app.presenters.elsewhere import worker_url
from tasks_app.presenters.labels import cut
from tasks_app.rendering import render_to_string
from tasks_app.runtime import Runtime

MOST = 500  # rows of the page


class Row(Struct, frozen=True):
    """One worker. `state` is here, silent or gone; texts are empty where it has not said."""

    id: str
    name: str
    url: str
    state: str
    word: str
    heard: SafeString
    pool: str
    runs: str
    software: str
    active: str
    processed: str
    ends: str
    queues: str
    load: str
    busy: int
    size: int


def parts(now: Runtime) -> dict[str, str]:
    """The page's parts as HTML: `connection`, `summary` and `workers`. Raises NotFound where no broker is set."""
    cluster = now.cluster
    if cluster is None:
        raise NotFound(_("No Celery broker is set."))
    cluster.asker.look_at("")
    monotonic = now.engine.clock.monotonic()
    found = cluster.workers.all()
    rows = [row(worker, monotonic, number) for number, worker in enumerate(found[:MOST])]
    return {
        "connection": render_to_string("workers/connection.html", {"broker": cluster.broker, "connected": cluster.receiver.is_connected}),
        "summary": summary([worker.alive(monotonic) for worker in found]),
        "workers": "\n".join(render_to_string("workers/row.html", {"row": shown}) for shown in rows)
        or render_to_string("workers/none.html"),
    }


def row(worker: Worker, monotonic: float, number: int = 0) -> Row:
    """What the page says of one. What was so at its last word, and cannot be now, is not said of one that went away."""
    stats = worker.part("stats", dict)
    size = size_of(stats)
    queues = [str(queue.get("name", "")) for queue in worker.part("active_queues", list) if isinstance(queue, dict)]
    return Row(
        id=f"worker-{number}",
        name=worker.name,
        url=worker_url(worker.name),
        state=state(worker, monotonic),
        word=state_word(worker, monotonic),
        heard=times.past(worker.heard_at),
        pool=pool_words(pool_of(stats), size),
        runs=runs(worker.active, size, pool_of(stats)) if worker.here else "",
        software=worker.software,
        active="" if worker.active is None or not worker.here else words.count(worker.active),
        processed="" if worker.processed is None else words.count(worker.processed),
        ends=ends(worker),
        queues=cut(", ".join(queues), 200),
        load=", ".join(f"{figure:.2f}" for figure in worker.load) if worker.here else "",
        busy=min(worker.active or 0, size or 0),
        size=(size or 0) if worker.here else 0,
    )


def state(worker: Worker, monotonic: float) -> str:
    """here, silent or gone."""
    return "gone" if not worker.here else "silent" if worker.silent(monotonic) else "here"


def state_word(worker: Worker, monotonic: float) -> str:
    """The same in a word or two."""
    return {"gone": _("Went away"), "silent": _("Silent"), "here": _("Works")}[state(worker, monotonic)]


def size_of(stats: Mapping[str, Any]) -> int | None:
    """How many tasks a pool runs at once."""
    pool = stats.get("pool")
    size = pool.get("max-concurrency") if isinstance(pool, dict) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 10**6 else None


def runs(active: int | None, size: int | None, pool: str) -> str:
    """How many it runs of how many it can, and how: `2 of 4, prefork`."""
    if active is None:
        return pool
    busy = words.count(active) if size is None else _("%(busy)s of %(all)s") % {"busy": words.count(active), "all": words.count(size)}
    return f"{busy}, {pool}" if pool else busy


def ends(worker: Worker) -> str:
    """How the attempts ended that it was heard to tell of: `12 completed, 3 failed, 1 retried`; empty where there are none."""
    counted = (
        (worker.completed, ngettext("%(count)s completed", "%(count)s completed", worker.completed)),
        (worker.failed, ngettext("%(count)s failed", "%(count)s failed", worker.failed)),
        (worker.retried, ngettext("%(count)s retried", "%(count)s retried", worker.retried)),
    )
    return ", ".join(said % {"count": words.count(count)} for count, said in counted if count)


def pool_words(pool: str, size: int | None) -> str:
    """`prefork, 4 at once`."""
    if size is None:
        return pool
    at_once = ngettext("%(count)s at once", "%(count)s at once", size) % {"count": words.count(size)}
    return f"{pool}, {at_once}" if pool else at_once


def summary(alive: Sequence[bool]) -> str:
    """How many there are, and how many of them work."""
    if not alive:
        return _("none heard of yet")
    said = ngettext("%(count)s worker", "%(count)s workers", len(alive)) % {"count": words.count(len(alive))}
    missing = len(alive) - sum(alive)
    if not missing:
        return said
    return f"{said}, {ngettext('%(count)s not heard', '%(count)s not heard', missing) % {'count': words.count(missing)}}"
