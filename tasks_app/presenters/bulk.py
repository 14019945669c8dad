"""The page of a bulk action: how far it is, what became of the tasks, which of them were left out and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from msgspec import Struct

from tasks_app.engine import bulk, bulk_undo
from tasks_app.engine.bulk import Action, BulkParams
from tasks_app.engine.errors import NotFound
from tasks_app.engine.query import Query
from tasks_app.engine.tally import LeftOut, Tally, tally_of
from tasks_app.engine.task import ACTIVE, TERMINAL, Status, Task
from tasks_app.presenters import clocks, states, times, words
from tasks_app.presenters.bulk_targets import where
from tasks_app.presenters.timeline import timeline
from tasks_app.presenters.undo import deletes
from tasks_app.rendering import get_template
from tasks_app.runtime import Runtime

KINDS = (bulk.NAME, bulk_undo.NAME)
EARLIER = 5  # bulk actions before this one that are told of
RESTORE = "restore"
Counted = Callable[[int], str]
_HEADS: Mapping[str, Counted] = {
    Action.CANCEL: lambda n: ngettext("Cancel %(count)s task", "Cancel %(count)s tasks", n),
    Action.RETRY: lambda n: ngettext("Retry %(count)s task", "Retry %(count)s tasks", n),
    Action.DELETE: lambda n: ngettext("Delete %(count)s task", "Delete %(count)s tasks", n),
    RESTORE: lambda n: ngettext("Bring back %(count)s deleted task", "Bring back %(count)s deleted tasks", n),
}
_DID: Mapping[str, str | Promise] = {
    Action.CANCEL: gettext_lazy("Cancelled %(done)s of %(all)s"),
    Action.RETRY: gettext_lazy("Retried %(done)s of %(all)s"),
    Action.DELETE: gettext_lazy("Deleted %(done)s of %(all)s"),
    RESTORE: gettext_lazy("Brought back %(done)s of %(all)s"),
}
_TILES: Mapping[str, str | Promise] = {
    Action.CANCEL: pgettext_lazy("several tasks", "Cancelled"),
    Action.RETRY: gettext_lazy("Go again"),
    Action.DELETE: gettext_lazy("Deleted"),
    RESTORE: gettext_lazy("Back"),
}
_WHY: Mapping[str, str | Promise] = {
    "gone": gettext_lazy("Was gone already"),
    "changed": gettext_lazy("Changed after it was counted"),
    "back": gettext_lazy("Was back already"),
    "is_action": gettext_lazy("Is a bulk action itself"),
    "elsewhere": gettext_lazy("Runs in another program"),
    "scheduled": gettext_lazy("Waits for its time"),
    "pending": gettext_lazy("Waits for a slot"),
    "processing": gettext_lazy("Runs"),
    "retrying": gettext_lazy("Waits for its next attempt"),
    "cancelling": gettext_lazy("Was being stopped already"),
    "completed": gettext_lazy("Had completed"),
    "failed": gettext_lazy("Had failed"),
    "cancelled": gettext_lazy("Had been cancelled"),
    "interrupted": gettext_lazy("Had been interrupted"),
    "waiting_full": gettext_lazy("No place was free: as many tasks wait as may"),
    "share_full": gettext_lazy("No place was free: as many tasks of one person wait as may"),
    "draining": gettext_lazy("The server was stopping"),
    "no_room": gettext_lazy("There was no memory left"),
    "journal_behind": gettext_lazy("The journal's disk did not keep up"),
    "journal_failed": gettext_lazy("The journal could not be written"),
}
_REFUSED = frozenset({"waiting_full", "share_full", "draining", "no_room", "journal_behind", "journal_failed"})


class Tile(Struct, frozen=True):
    """A figure with its name and what it says."""

    name: str | Promise
    figure: str
    note: str


class Row(Struct, frozen=True):
    """A task that was left out: its status now (empty: it is gone), what it is called, and why."""

    id: str
    number: str
    status: str
    word: str | Promise
    url: str
    type: str
    name: str
    why: str | Promise
    bad: bool


class Earlier(Struct, frozen=True):
    """A bulk action before this one, in a line and a sentence."""

    status: str
    url: str
    did: str
    ago: str
    told: str


def board(runtime: Runtime, rest: str, asked: Mapping[str, str]) -> Callable[[Runtime], dict[str, str]]:
    """What makes the parts of the page of a bulk action. Raises NotFound."""
    if runtime.store.get(rest).type not in KINDS:
        raise NotFound
    return lambda now: parts(now, rest)


def parts(runtime: Runtime, task_id: str) -> dict[str, str]:
    """All parts as HTML, by slot. Raises NotFound once the action itself is deleted."""
    [task] = runtime.engine.reports.fresh([runtime.store.get(task_id)])
    tally = runtime.tallies.get(task.number) or tally_of(task) or Tally()
    now = runtime.engine.clock.time()
    made: dict[str, dict[str, Any]] = {
        "status": {"status": task.status.value, "word": words.STATUS_WORDS[task.status], "asked": _asked(task)},
        "title": {"text": headline(task, tally)},
        "clocks": {"clocks": clocks.clocks(task, now)},
        "run": {"bar": states.bar(task.progress), "counting": task.status in ACTIVE and not tally.matched, "said": _so_far(task, tally)},
        "actions": _actions(runtime, task, tally),
        "timeline": {"timeline": timeline(task, now)},
        "tiles": {"tiles": _tiles(task, tally)},
        "left_out": {"rows": [_row(runtime, left) for left in tally.left_out], "said": _of(tally)},
        "why": {"facts": [(_WHY.get(why, why), words.count(count)) for why, count in sorted(tally.why.items(), key=lambda one: -one[1])]},
        "earlier": {"earlier": _earlier(runtime, task)},
    }
    slots = {name: get_template(f"bulk/slots/{name}.html").render(context).strip() for name, context in made.items()}
    return {"data-status": task.status.value, **slots}


def title(task: Task) -> str:
    """In the tab of a browser."""
    return _("%(status)s: bulk action %(number)s") % {"status": words.STATUS_WORDS[task.status], "number": task.number}


def verb(task: Task) -> str:
    """What it does: one of Action, or RESTORE."""
    return RESTORE if task.type == bulk_undo.NAME else BulkParams.model_validate_json(task.params).action.value


def headline(task: Task, tally: Tally) -> str:
    """What it does, to how many: counted where it has counted, as asked before that."""
    count = tally.matched or _asked_for(task)
    if count is None:
        return {
            Action.CANCEL: _("Cancel what matches"),
            Action.RETRY: _("Retry what matches"),
            Action.DELETE: _("Delete what matches"),
        }.get(Action(verb(task)), "")
    return _HEADS[verb(task)](count) % {"count": words.count(count)}


def named(task: Task) -> str:
    """What stands in place of a filter."""
    if task.type == bulk_undo.NAME:
        return _("What a bulk delete had deleted")
    return _("Tasks chosen one by one") if BulkParams.model_validate_json(task.params).ids is not None else _("All tasks there were")


def _asked_for(task: Task) -> int | None:
    if task.type == bulk_undo.NAME:
        return 0
    ids = BulkParams.model_validate_json(task.params).ids
    return None if ids is None else len(set(ids))


def _asked(task: Task) -> dict[str, str]:
    return {"by": task.by, "at": times.moment(task.created_at)}


def _so_far(task: Task, tally: Tally) -> str:
    if not tally.matched:
        return "" if task.status in TERMINAL else _("Counting")
    said = {"done": words.count(tally.matched - tally.to_go), "all": words.count(tally.matched)}
    return _("%(done)s of %(all)s looked at") % said


def _actions(runtime: Runtime, task: Task, tally: Tally) -> dict[str, Any]:
    batch = runtime.store.deleted.batch(task.id) if deletes(task) else None
    seconds = runtime.store.deleted.seconds_left(task.id) if deletes(task) else None
    going = task.status in ACTIVE
    return {
        "abort": going and task.status is not Status.CANCELLING,
        "abort_url": reverse("web:cancel", args=[task.id]),
        "note": _rest(task, tally),
        "undo": seconds is not None and batch is not None and not batch.returning,
        "undo_url": reverse("web:undo-bulk", args=[task.id]),
        "back": words.count(batch.left) if batch else "",
        "until": None if seconds is None or going else times.until(runtime.engine.clock.time() + seconds),
        "where": where(runtime.store, task),
    }


def _rest(task: Task, tally: Tally) -> str:
    """What an abort leaves, or has left."""
    left = {"count": words.count(tally.to_go)}
    if task.status in ACTIVE:
        if not tally.to_go:
            return _("What is done stays done.")
        said = ngettext(
            "What is done stays done; the other %(count)s is left as it is.",
            "What is done stays done; the other %(count)s are left as they are.",
            tally.to_go,
        )
        return said % left
    if tally.to_go:
        return ngettext("The other %(count)s was not touched.", "The other %(count)s were not touched.", tally.to_go) % left
    return ""


def _tiles(task: Task, tally: Tally) -> list[Tile]:
    going = task.status in ACTIVE
    return [
        Tile(_TILES[verb(task)], words.count(tally.done), _("of %(all)s") % {"all": words.count(tally.matched)}),
        Tile(_("Left out"), words.count(tally.skipped), _("not in a state for this") if tally.skipped else _("none")),
        Tile(pgettext("several tasks", "Failed"), words.count(tally.failed), _("see below") if tally.failed else _("none")),
        Tile(_("To go"), words.count(tally.to_go), _("the newest first")) if going else _untouched(tally),
    ]


def _untouched(tally: Tally) -> Tile:
    return Tile(_("Not touched"), words.count(tally.to_go), _("it was aborted") if tally.to_go else _("none"))


def _of(tally: Tally) -> str:
    shown, all_of_them = len(tally.left_out), tally.skipped + tally.failed
    if shown < all_of_them:
        return _("the first %(shown)s of %(all)s") % {"shown": words.count(shown), "all": words.count(all_of_them)}
    return words.tasks(all_of_them)


def _row(runtime: Runtime, left: LeftOut) -> Row:
    task = runtime.store.find(left.id) if left.id else runtime.store.by_number(left.number)
    number = words.count(left.number) if left.number else ""
    why, bad = _WHY.get(left.why, left.why), left.why in _REFUSED
    if task is None:
        return Row(left.id or str(left.number), number, "", "", "", "", left.id, why, bad)
    url = reverse("web:task", args=[task.id])
    return Row(task.id, number, task.status.value, words.STATUS_WORDS[task.status], url, task.type, task.name, why, bad)


def _earlier(runtime: Runtime, task: Task) -> list[Earlier]:
    query = Query(types=frozenset(KINDS), cursor=task.number)
    return [_told(runtime, one) for one in runtime.store.page(query, EARLIER).items]


def _told(runtime: Runtime, task: Task) -> Earlier:
    tally = runtime.tallies.get(task.number) or tally_of(task) or Tally()
    figures = {"done": words.count(tally.done), "all": words.count(tally.matched)}
    sentences = [_("By %(name)s.") % {"name": task.by}] if task.by else []
    if tally.skipped:
        sentences.append(_said(lambda n: ngettext("%(count)s was left out.", "%(count)s were left out.", n), tally.skipped))
    if tally.failed:
        sentences.append(_said(lambda n: ngettext("%(count)s failed.", "%(count)s failed.", n), tally.failed))
    if tally.to_go and task.status in TERMINAL:
        sentences.append(_said(lambda n: ngettext("%(count)s was not touched.", "%(count)s were not touched.", n), tally.to_go))
    did = str(_DID[verb(task)]) % figures
    ago = times.past(task.ended_at or task.created_at)
    return Earlier(task.status.value, reverse("web:bulk-page", args=[task.id]), did, ago, " ".join(sentences))


def _said(sentence: Counted, count: int) -> str:
    return sentence(count) % {"count": words.count(count)}
