"""The Pulse page in parts: tiles, charts, gauges; what is drawn moves on every few seconds, figures every second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.errors import NotFound
from tasks_app.engine.pulse import Span
from tasks_app.presenters import pulse_charts
from tasks_app.presenters.details import plain
from tasks_app.presenters.failure_groups import failure_groups
from tasks_app.presenters.plots import HEIGHT, WIDTH
from tasks_app.presenters.pulse_charts import Plot
from tasks_app.presenters.pulse_health import gauges
from tasks_app.presenters.pulse_series import HOUR_LONG, Asked, asked_by
from tasks_app.presenters.pulse_tiles import tiles
from tasks_app.rendering import get_template
from tasks_app.runtime import Runtime

LOOKED_AT = 0.9  # seconds between two looks at figures
REDRAWN = 5.0  # seconds between two looks at what is drawn: bars that grow faster cannot be read
T = TypeVar("T")


class Frame(Struct, frozen=True):
    """What stands around a chart and stays: its name in slots, its title, what is drawn, how a span of it leads to the list."""

    name: str
    title: str
    about: str
    ask: str
    drawing: str
    words: str
    head: str
    rows: str


class Shared:
    """What all pulses of a process have in common, made once for all of them: however many ways of drawing bars are looked at, the rest
    is the same."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    def get(self, key: tuple[str, ...], at: float, every: float, make: Callable[[], T]) -> T:
        """What was made under this key less than `every` seconds ago, or what `make` makes now."""
        found = self._kept.get(key)
        if found is None or at - found[0] >= every:
            found = self._kept[key] = at, make()
        made: T = found[1]
        return made


class Board:
    """The parts of a pulse by name, as one window of viewers asks for them."""

    def __init__(self, asked: Asked, shared: Shared | None = None) -> None:
        self._asked = asked
        self._own = Shared()
        self._shared = shared or self._own

    def __call__(self, now: Runtime) -> dict[str, str]:
        """All parts as HTML."""
        at, where = now.engine.clock.monotonic(), (self._asked.span, get_language() or "")
        span = self._shared.get(("span", *where), at, LOOKED_AT, lambda: span_of(now, self._asked))
        return {
            **self._shared.get(("figures", *where), at, LOOKED_AT, lambda: _figures(now, self._asked, span)),
            **self._shared.get(("drawn", *where), at, REDRAWN, lambda: _drawn(others(now, span))),
            **self._own.get(("throughput",), at, REDRAWN, lambda: _drawn((pulse_charts.throughput(self._asked, span),))),
        }


_shared: WeakKeyDictionary[Runtime, Shared] = WeakKeyDictionary()


def board(runtime: Runtime, rest: str, asked: Mapping[str, str]) -> Board:
    """The pulse as a live page. Raises NotFound for anything below it."""
    if rest:
        raise NotFound
    return Board(asked_by(asked), _shared.setdefault(runtime, Shared()))


def span_of(now: Runtime, asked: Asked) -> Span:
    """The span that is asked for."""
    return now.pulse.last_hour() if asked.span == HOUR_LONG else now.pulse.last_day()


def anything(now: Runtime, span: Span) -> bool:
    """Whether there is anything to show."""
    return bool(len(now.store)) or any(slot.counts for slot in span.slots)


def frames(asked: Asked, parts: dict[str, str], span: Span) -> list[Frame]:
    """What stands around the charts."""
    asks = pulse_charts.asks(asked, span)
    return [
        Frame(name, title, about, asks[name], parts[name], parts[f"{name}-words"], parts[f"{name}-head"], parts[f"{name}-rows"])
        for name, title, about in _titles(asked)
    ]


def others(now: Runtime, span: Span) -> tuple[Plot, ...]:
    """All charts but the one whose bars are divided as somebody likes."""
    queues = now.engine.queues
    return (
        pulse_charts.took(span),
        pulse_charts.waiting(span, now.store.waiting),
        pulse_charts.failures(span),
        pulse_charts.busy(span, queues.running, queues.max_running),
    )


def _figures(now: Runtime, asked: Asked, span: Span) -> dict[str, str]:
    return {
        "data-empty": "" if anything(now, span) else "yes",
        "tiles": _rendered("tiles", {"tiles": tiles(now, span, hour=asked.span == HOUR_LONG)}),
        "groups": _rendered("groups", {"failures": failure_groups(now)}),
        "gauges": _rendered("gauges", {"gauges": list(gauges(now, span))}),
    }


def _titles(asked: Asked) -> tuple[tuple[str, str, str], ...]:
    hour = asked.span == HOUR_LONG
    return (
        ("throughput", _("Finished each minute") if hour else _("Finished each quarter of an hour"), ""),
        ("durations", _("How long they took"), _("completed runs, on a scale from milliseconds to days")),
        ("waiting", _("Waiting"), _("for a slot, for a time, for another attempt")),
        ("failures", _("Failed each minute") if hour else _("Failed each quarter of an hour"), _("failed and interrupted")),
        ("busy", _("Slots busy"), _("of all types together")),
    )


def _drawn(plots: tuple[Plot, ...]) -> dict[str, str]:
    found = {}
    for plot in plots:
        values = {"plot": plot, "width": WIDTH, "height": HEIGHT}
        found[plot.name] = _rendered("drawing", values)
        found[f"{plot.name}-words"] = _rendered("words", values)
        found[f"{plot.name}-head"] = _rendered("head", values)
        found[f"{plot.name}-rows"] = plain(plot.rows)
    return found


def _rendered(slot: str, values: dict[str, Any]) -> str:
    return plain(get_template(f"pulse/slots/{slot}.html").render(values).strip())
