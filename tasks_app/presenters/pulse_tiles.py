"""The four figures at the head of the pulse."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.pulse import Span
from tasks_app.engine.query import OLDEST, Query
from tasks_app.engine.task import TERMINAL, Status
from tasks_app.presenters import times, words
from tasks_app.presenters.filters import linked
from tasks_app.presenters.pulse_words import durations_of
from tasks_app.runtime import Runtime


class Tile(Struct, frozen=True):
    """A figure, what it is of, and what to hold it against. `state` is the status whose colour it has, `link` where its tasks are."""

    title: str
    figure: str
    more: str | SafeString
    state: str = ""
    link: str = ""


def tiles(now: Runtime, span: Span, *, hour: bool) -> tuple[Tile, ...]:
    """All four."""
    return _finished(now), _failed(span, hour=hour), _waiting(now), _took(span, hour=hour)


def _finished(now: Runtime) -> Tile:
    counts = now.engine.stats.throughput(60)
    finished = sum(counts[status] for status in TERMINAL)
    launched = ngettext("%(count)s launched", "%(count)s launched", counts["launched"]) % {"count": words.count(counts["launched"])}
    return Tile(_("Finished in the last minute"), words.count(finished), launched)


def _failed(span: Span, *, hour: bool) -> Tile:
    failed = sum(slot.ended(Status.FAILED) for slot in span.slots)
    ended = sum(slot.ended() for slot in span.slots)
    title = _("Failed in the last hour") if hour else _("Failed in the last day")
    share = _("%(share)s of %(all)s") % {"share": _share(failed, ended), "all": words.count(ended)} if ended else _("of none that finished")
    link = linked([("status", Status.FAILED.value), ("q", "ended:>1h" if hour else "ended:>1d")]) if failed else ""
    return Tile(title, words.count(failed), share, "failed" if failed else "", link)


def _waiting(now: Runtime) -> Tile:
    waiting = now.store.waiting
    oldest = now.store.page(Query(statuses=frozenset({Status.PENDING}), sort=OLDEST), 1).items
    more = times.since(oldest[0].waiting_since, _("the oldest for {}"), plain=_("the oldest {}")) if oldest else _("none for a slot")
    pairs = [("status", status.value) for status in (Status.PENDING, Status.RETRYING, Status.SCHEDULED)]
    return Tile(_("Waiting now"), words.count(waiting), more, link=linked(pairs) if waiting else "")


def _took(span: Span, *, hour: bool) -> Tile:
    found = durations_of(span)
    half, most = found.quantile(0.5), found.quantile(0.95)
    if half is None or most is None:
        return Tile(_("Half finish within"), "–", _("none completed in the last hour") if hour else _("none completed in the last day"))
    return Tile(_("Half finish within"), words.took(half), _("95 %% within %(time)s") % {"time": words.took(most)})


def _share(part: int, whole: int) -> str:
    """With a digit behind the point below ten: `0.4 %`."""
    share = 100 * part / whole
    if 0 < share < 0.1:
        return _("under %(share)s") % {"share": f"{words.figure(0.1, 1)}{words.THIN}%"}
    return f"{words.figure(share, 1)}{words.THIN}%" if 0 < share < 10 else words.percent(part, whole)
