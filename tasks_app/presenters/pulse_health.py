"""The engine's own health: each figure with its bound, and a word whether it is well."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.crowds import crowd
from tasks_app.engine.pulse import Span
from tasks_app.engine.task import TERMINAL
from tasks_app.presenters import words
from tasks_app.presenters.sentences import translated
from tasks_app.presenters.settings import Use
from tasks_app.presenters.settings_words import BYTES
from tasks_app.runtime import Runtime

SLOW, BLOCKED = 0.05, 1.0  # seconds by which a loop answers late


class Gauge(Struct, frozen=True):
    """`value` of `most`, in the words `said`. `state` is a status whose colour says what `word` does, empty while all is well; `more` is
    a second line."""

    name: str
    title: str
    said: str
    word: str
    state: str = ""
    more: str = ""
    value: float = 0.0
    most: float = 0.0

    @property
    def high(self) -> float:
        """From where on it is nearly full."""
        return self.most * 0.9


def gauges(now: Runtime, span: Span) -> Iterator[Gauge]:
    """All of them, in the order of the page."""
    yield _delay(now, span)
    yield _bounded("memory", _("Memory"), Use(now.memory.held, now.memory.most, BYTES), _("full: new tasks are refused"))
    yield _bounded("sockets", _("Live pages"), Use(len(now.sockets), now.config.max_sockets), _("full: others ask now and then"))
    if len(crowd()):  # whoever looks has one, unless nobody counts here
        yield _bounded("connections", _("Connections"), Use(len(crowd()), crowd().most), _("full: others are turned away"))
    yield _bounded(
        "slots", _("Slots busy"), Use(now.engine.queues.running, now.engine.queues.max_running), _("full: tasks wait"), calm=True
    )
    yield _bounded("waiting", _("Tasks waiting"), Use(now.store.waiting, now.config.max_waiting), _("full: new tasks are refused"))
    ended = sum(now.store.counts[status] for status in TERMINAL)
    yield _bounded("held", _("Finished tasks kept"), Use(ended, now.config.keep_finished), _("full: the oldest leave"), calm=True)
    yield _journal(now)


def loop_delay(now: Runtime) -> float | None:
    """Seconds by which the engine's loop is late, or was when it was asked last; None before it runs."""
    watchdog = now.host.watchdog
    if watchdog is None:
        return None
    block = watchdog.block
    return max(watchdog.delay, now.engine.clock.monotonic() - block.since) if block is not None else watchdog.delay


def worst_delay(span: Span) -> float | None:
    """The most seconds it was late in a span; None where nobody looked."""
    return max((slot.delay for slot in span.slots if slot.delay is not None), default=None)


def _delay(now: Runtime, span: Span) -> Gauge:
    delay, worst = loop_delay(now) or 0.0, worst_delay(span) or 0.0
    watchdog = now.host.watchdog
    block = watchdog.block if watchdog is not None else None
    word, state = (_("blocked"), "failed") if delay >= BLOCKED else (_("slow"), "retrying") if delay >= SLOW else (_("well"), "")
    more = _("at worst %(time)s") % {"time": words.took(worst)}
    if block is not None:
        by = _("task %(number)s (%(type)s)") % {"number": block.number, "type": block.type} if block.number else _("the server itself")
        more = _("blocked by %(what)s at %(place)s") % {"what": by, "place": block.place}
    return Gauge("delay", _("Loop delay"), words.took(delay), word, state, more, min(delay, 2 * SLOW), 2 * SLOW)


def _bounded(name: str, title: str, use: Use, full: str, *, calm: bool = False) -> Gauge:
    """`calm`: being full is how it is meant to be."""
    share = use.used / use.most if use.most else 0.0
    if share >= 1:
        return Gauge(name, title, use.words, full, "" if calm else "failed", "", use.used, use.most)
    word, state = (_("nearly full"), "retrying") if share >= 0.9 and not calm else (_("well"), "")
    return Gauge(name, title, use.words, word, state, "", use.used, use.most)


def _journal(now: Runtime) -> Gauge:
    unwritten = now.unwritten
    if unwritten is None:
        return Gauge("journal", _("Journal"), _("off"), _("tasks do not outlive the process"))
    journal = now.engine.journal
    form = ngettext("%(count)s change on its way to the disk", "%(count)s changes on their way to the disk", unwritten)
    said = form % {"count": words.count(unwritten)}
    word, state = (_("in trouble"), "failed") if journal.trouble else (_("behind"), "retrying") if journal.behind else (_("well"), "")
    return Gauge("journal", _("Journal"), said, word, state, translated(journal.trouble or journal.behind))
