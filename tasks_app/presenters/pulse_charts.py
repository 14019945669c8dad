"""The charts of the pulse: finished, failed, durations, waiting, slots; each with its sentence, its legend and its table."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.pulse import Slot, Span
from tasks_app.engine.task import Status
from tasks_app.presenters import plots, pulse_words, words
from tasks_app.presenters.filters import linked
from tasks_app.presenters.plots import WIDTH, Layer, Scale
from tasks_app.presenters.pulse_series import BY_TYPE, REST, Asked, Series, of_status, series_by

WRONG = (Status.FAILED, Status.INTERRUPTED)
_WRONG_PAIRS = tuple(("status", status.value) for status in WRONG)
_COMPLETED_PAIRS = (("status", Status.COMPLETED.value),)


class Entry(Struct, frozen=True):
    """A line of a legend: what it stands for, its colour by class or status, whether it is drawn, where that is turned round."""

    word: str
    look: str
    status: str
    shown: bool
    link: str


class Column(Struct, frozen=True):
    """A column of a chart's table: its heading, the look of its sign, and what each slot has in it."""

    heading: str
    texts: tuple[str, ...]
    look: str = ""
    status: str = ""


class Plot(Struct, frozen=True, kw_only=True):
    """One chart. `before` is where the time ends of which nothing is known, in units of width; `ask` the list's address, in which `{}` is
    the span."""

    name: str
    scale: Scale
    layers: tuple[Layer, ...]
    moments: tuple[SafeString, ...]
    before: float
    sentence: SafeString
    columns: tuple[Column, ...]
    rows: SafeString
    ask: str
    legend: tuple[Entry, ...] = ()
    now: str = ""


def throughput(asked: Asked, span: Span) -> Plot:
    """Finished tasks, by status or type."""
    every = series_by(asked, span)
    shown = [one for one in every if one.key not in asked.hidden]
    totals = [sum(values) for values in zip(*(one.values for one in shown), strict=True)] if shown else [0] * len(span.slots)
    scale = plots.counts(max(totals))
    finished = Column(_("Finished"), tuple(words.count(total) for total in totals))
    return _plot(
        "throughput",
        span,
        scale,
        _layers(shown, scale),
        pulse_words.finished(span, totals, [(str(one.word), sum(one.values)) for one in shown], by_type=asked.by == BY_TYPE),
        (finished, *(_column(one) for one in shown)),
        _ask_throughput(asked, every),
        legend=tuple(_entry(asked, one) for one in every),
    )


def failures(span: Span) -> Plot:
    """Tasks that failed or were interrupted."""
    both = [of_status(status, span) for status in WRONG]
    totals = [a + b for a, b in zip(both[0].values, both[1].values, strict=True)]
    scale = plots.counts(max(totals))
    layers = tuple(
        Layer(one.look, path, one.status) for one, path in zip(both, plots.stacked([b.values for b in both], scale), strict=True)
    )
    sentence = pulse_words.failed(span, sum(both[0].values), sum(both[1].values), totals)
    return _plot("failures", span, scale, layers, sentence, tuple(map(_column, both)), ask("ended", _WRONG_PAIRS))


def took(span: Span) -> Plot:
    """How long completed runs took: from half of them to 95 %."""
    half, most = ([slot.durations.quantile(share) for slot in span.slots] for share in (0.5, 0.95))
    scale = plots.durations([value for value in (*half, *most) if value is not None])
    bars, lines = plots.spans(half, most, scale)
    columns = (
        Column(_("Half within"), tuple(map(_took, half)), "median"),
        Column(_("95 % within"), tuple(map(_took, most)), "soft-bar"),
        Column(_("Completed"), tuple(words.count(slot.durations.count) for slot in span.slots)),
    )
    layers = (Layer("soft-bar", bars), Layer("median", lines))
    return _plot("durations", span, scale, layers, pulse_words.took(span), columns, ask("ended", _COMPLETED_PAIRS))


def waiting(span: Span, now: int) -> Plot:
    """The most tasks that waited at once."""
    values = [slot.waiting for slot in span.slots]
    return _area("waiting", span, values, now, pulse_words.waiting(span, values, now), _("Waiting at most"), ask("created"))


def busy(span: Span, now: int, most: int) -> Plot:
    """The most slots in use at once."""
    values = [slot.running for slot in span.slots]
    return _area("busy", span, values, now, pulse_words.busy(span, values, now, most), _("Slots busy at most"), ask("ended"))


def _layers(series: Sequence[Series], scale: Scale) -> tuple[Layer, ...]:
    paths = plots.stacked([one.values for one in series], scale)
    return tuple(Layer(one.look, path, one.status) for one, path in zip(series, paths, strict=True))


def asks(asked: Asked, span: Span) -> dict[str, str]:
    """For each chart the list of what a span of it shows, see `ask`."""
    return {
        "throughput": _ask_throughput(asked, series_by(asked, span)),
        "durations": ask("ended", _COMPLETED_PAIRS),
        "waiting": ask("created"),
        "failures": ask("ended", _WRONG_PAIRS),
        "busy": ask("ended"),
    }


def ask(key: str, pairs: Sequence[tuple[str, str]] = (), text: str = "") -> str:
    """The list of what was created, or ended, in a span of time, which stands in place of `{}`."""
    return linked([*pairs, ("q", f"{key}:FROM..UNTIL {text}".strip())]).replace("FROM..UNTIL", "{}")


def _area(name: str, span: Span, values: Sequence[int | None], now: int, sentence: SafeString, heading: str, asks: str) -> Plot:
    scale = plots.counts(max(value for value in (*values, now) if value is not None))
    under, line = plots.area(values, scale)
    column = Column(heading, tuple(_("not known") if value is None else words.count(value) for value in values))
    spot = f"M{WIDTH - WIDTH / len(values) / 2:.1f} {scale.y(now):.1f}h.01"
    return _plot(name, span, scale, (Layer("under", under), Layer("trace", line)), sentence, (column,), asks, now=spot)


def _plot(
    name: str,
    span: Span,
    scale: Scale,
    layers: tuple[Layer, ...],
    sentence: SafeString,
    columns: tuple[Column, ...],
    asks: str,
    legend: tuple[Entry, ...] = (),
    now: str = "",
) -> Plot:
    known = 0.0 if span.told else _share_before(span) * WIDTH
    return Plot(
        name=name,
        scale=scale,
        layers=layers,
        moments=_moments(span),
        before=round(known, 1),
        sentence=sentence,
        columns=columns,
        rows=_rows(name, span, columns, asks),
        ask=asks,
        legend=legend,
        now=now,
    )


def _share_before(span: Span) -> float:
    """Of the span, how much had passed when this process began."""
    before = sum(slot.at + span.seconds <= span.since for slot in span.slots)
    return before / len(span.slots)


def _moments(span: Span) -> tuple[SafeString, ...]:
    """What stands under a chart: five moments evenly apart."""
    quarter = len(span.slots) // 4
    marks = [slot.at for slot in span.slots[::quarter]] + [span.slots[-1].at + span.seconds]
    return tuple(map(pulse_words.minute, marks))


def _rows(name: str, span: Span, columns: Sequence[Column], asks: str) -> SafeString:
    """A row for each slot, the newest first; its time leads to its tasks. Made by hand: there are hundreds on a page."""
    link = escape(asks)
    texts = zip(*(column.texts for column in columns), strict=True)
    rows = [_row(name, span.seconds, slot, link, cells) for slot, cells in zip(span.slots, texts, strict=True)]
    return mark_safe("".join(reversed(rows)))  # noqa: S308 - escaped in each


def _row(name: str, seconds: int, slot: Slot, link: str, cells: Sequence[str]) -> str:
    start, end = span_of(slot.at, seconds)
    url = link.replace("{}", f"{start}..{end}")
    tds = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    time = f'<time data-minute="{slot.at:.0f}">{words.clock_time(slot.at)[:5]}</time>'
    head = f'<th scope="row"><a href="{url}">{time}</a></th>'
    return f'<tr id="{name}-{slot.at:.0f}" data-from="{start}" data-until="{end}">{head}{tds}</tr>'


def span_of(at: float, seconds: int) -> tuple[str, str]:
    """First and last moment of a slot, as the search box reads them."""
    return words.stamp(at).replace(":00Z", "Z"), words.stamp(at + seconds).replace(":00Z", "Z")


def _column(series: Series) -> Column:
    return Column(str(series.word), tuple(map(words.count, series.values)), series.look, series.status)


def _entry(asked: Asked, series: Series) -> Entry:
    shown = series.key not in asked.hidden
    hidden = asked.hidden | {series.key} if shown else asked.hidden - {series.key}
    return Entry(str(series.word), series.look, series.status, shown, asked.link(hidden=hidden))


def _ask_throughput(asked: Asked, every: Sequence[Series]) -> str:
    return ask("ended", _pairs(asked, every), _left_out(asked, every))


def _pairs(asked: Asked, every: Sequence[Series]) -> list[tuple[str, str]]:
    """The filter of the list that shows what is drawn, as far as statuses or types can be named."""
    shown = [one.key for one in every if one.key not in asked.hidden]
    if len(shown) == len(every) or REST in shown:
        return []
    return [(asked.by, key) for key in shown]


def _left_out(asked: Asked, every: Sequence[Series]) -> str:
    hidden = [one.key for one in every if one.key in asked.hidden]
    shown = [one.key for one in every if one.key not in asked.hidden]
    return f"-type:{','.join(hidden)}" if REST in shown and hidden else ""


def _took(seconds: float | None) -> str:
    return "" if seconds is None else words.took(seconds)
