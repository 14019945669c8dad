"""After a restart: what became of the tasks of the process before, and what can be done with those that were interrupted."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.recovery import Restart
from tasks_app.presenters import times, words
from tasks_app.runtime import Runtime

SHOWN = 3600.0  # seconds after the start


class Figure(Struct, frozen=True):
    """How many, and of what."""

    status: str
    word: str
    count: str


class Restarted(Struct, frozen=True, kw_only=True):
    """The notice. `retry` and `show` are paths, empty where nothing was interrupted; `epoch` names the process that began."""

    epoch: str
    title: SafeString
    text: str
    figures: tuple[Figure, ...]
    retry: str = ""
    retry_word: str = ""
    show: str = ""


def restarted(now: Runtime) -> Restarted | None:
    """What there is to say for an hour after the start; None where nothing had been left."""
    found = now.engine.restart
    if found is None or not 0 <= now.engine.clock.time() - found.at < SHOWN:
        return None
    pairs = {"status": "interrupted", "q": f"ended:{_stamp(found.alive_at - 1)}..{_stamp(found.at + 1)}"} if found.interrupted else {}
    retry = _("Retry %(count)s") % {"count": words.count(found.interrupted)}
    return Restarted(
        epoch=now.epoch,
        title=times.moment(found.at, _("The server restarted: {}")),
        text=" ".join(filter(None, (_away(found), _ran(found), _waited(found)))),
        figures=_figures(found),
        retry=f"{reverse('web:bulk')}?{urlencode({**pairs, 'action': 'retry'})}" if pairs else "",
        retry_word=retry if pairs else "",
        show=f"{reverse('web:tasks')}?{urlencode(pairs)}" if pairs else "",
    )


def _away(found: Restart) -> str:
    return _("It was away for %(time)s.") % {"time": words.duration(max(0.0, found.at - found.alive_at))}


def _ran(found: Restart) -> str:
    ran = found.interrupted + found.again
    if not ran:
        return _("Nothing was running.")
    count = {"count": words.count(ran)}
    if not found.again:
        return (
            ngettext(
                "%(count)s task was running; it does not go on by itself.",
                "%(count)s tasks were running; they do not go on by themselves.",
                ran,
            )
            % count
        )
    if not found.interrupted:
        return (
            ngettext(
                "%(count)s task was running; it begins again by itself.",
                "%(count)s tasks were running; they begin again by themselves.",
                ran,
            )
            % count
        )
    return (
        ngettext("%(count)s task was running.", "%(count)s tasks were running; some begin again by themselves, the others do not.", ran)
        % count
    )


def _waited(found: Restart) -> str:
    kept = found.waiting + found.retrying + found.scheduled
    return _("What waited was read back from the journal and keeps its place.") if kept else ""


def _figures(found: Restart) -> tuple[Figure, ...]:
    told = (
        ("interrupted", _("interrupted"), found.interrupted),
        ("retrying", _("begin again"), found.again),
        ("pending", _("still waiting"), found.waiting),
        ("retrying", _("still retrying"), found.retrying),
        ("scheduled", _("still scheduled"), found.scheduled),
    )
    return tuple(Figure(status, word, words.count(count)) for status, word, count in told if count)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
