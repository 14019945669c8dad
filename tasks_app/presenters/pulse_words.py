"""What the charts of the pulse say in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks_app.engine.durations import Durations
from tasks_app.engine.pulse import HOUR, MINUTE, Span
from tasks_app.presenters import words


def minute(at: float) -> SafeString:
    """`14:02`: in the reader's zone where a script knows it, else in UTC; the tooltip has the date."""
    form = '<time datetime="{}" title="{}" data-minute="{}">{}</time>'
    return format_html(form, words.stamp(at), words.clock(at), f"{at:.0f}", words.clock_time(at)[:5])


def durations_of(span: Span) -> Durations:
    """Of all that was completed in it."""
    found = Durations()
    for slot in span.slots:
        found.take_in(slot.durations)
    return found


def finished(span: Span, totals: Sequence[int], parts: Sequence[tuple[str, int]], *, by_type: bool) -> SafeString:
    """Of stacked bars: how many, how many on average, most when, the largest part."""
    total = sum(totals)
    if not total:
        return _joined(_none(span), _known(span))
    said = _counted(span, total)
    most = format_html(_("Most, {count}, at {when}."), count=words.count(max(totals)), when=_when_most(span, totals))
    name, largest = max(parts, key=lambda part: part[1])
    form = _("{name} is the largest part with {share}.") if by_type else _("{share} of them: {name}.")
    part = format_html(form, name=name, share=words.percent(largest, total))
    return _joined(said, _on_average(span, total), most, part, _known(span))


def failed(span: Span, failures: int, interrupted: int, totals: Sequence[int]) -> SafeString:
    """How many failed, how many were interrupted, most when."""
    if not failures + interrupted:
        none = _("Nothing failed in the last hour.") if _is_hour(span) else _("Nothing failed in the last day.")
        return _joined(none, _known(span))
    said = ngettext("%(count)s task failed.", "%(count)s tasks failed.", failures) % {"count": words.count(failures)} if failures else ""
    form = ngettext("%(count)s task was interrupted.", "%(count)s tasks were interrupted.", interrupted)
    also = form % {"count": words.count(interrupted)} if interrupted else ""
    most = format_html(_("Most, {count}, at {when}."), count=words.count(max(totals)), when=_when_most(span, totals))
    return _joined(said, also, most, _known(span))


def took(span: Span) -> SafeString:
    """Half within, 95 % within, the longest."""
    found = durations_of(span)
    half, most = found.quantile(0.5), found.quantile(0.95)
    if half is None or most is None:
        none = _("Nothing was completed in the last hour.") if _is_hour(span) else _("Nothing was completed in the last day.")
        return _joined(none, _known(span))
    form = _("Half within %(half)s (the lines), 95 %% within %(most)s (the bars), the longest %(longest)s.")
    said = form % {"half": words.took(half), "most": words.took(most), "longest": words.took(found.longest)}
    return _joined(said, _known(span))


def waiting(span: Span, values: Sequence[int | None], now: int) -> SafeString:
    """How many now, and the most."""
    said = ngettext("%(count)s waits now.", "%(count)s wait now.", now) % {"count": words.count(now)} if now else _("Nothing waits now.")
    return _joined(said, _peak(span, values), _watched(span))


def busy(span: Span, values: Sequence[int | None], now: int, most: int) -> SafeString:
    """How many of how many now, and the most."""
    said = _("%(busy)s of %(all)s are busy now.") % {"busy": words.count(now), "all": words.count(most)}
    return _joined(said, _peak(span, values), _watched(span))


def _peak(span: Span, values: Sequence[int | None]) -> str:
    known = [value or 0 for value in values]
    if not any(known):
        return ""
    return format_html(_("Most, {count}, at {when}."), count=words.count(max(known)), when=_when_most(span, known))


def _none(span: Span) -> str:
    return _("No task finished in the last hour.") if _is_hour(span) else _("No task finished in the last day.")


def _counted(span: Span, total: int) -> str:
    if _is_hour(span):
        form = ngettext("%(count)s task finished in the last hour.", "%(count)s tasks finished in the last hour.", total)
    else:
        form = ngettext("%(count)s task finished in the last day.", "%(count)s tasks finished in the last day.", total)
    return form % {"count": words.count(total)}


def _on_average(span: Span, total: int) -> str:
    """For each minute of an hour, for each hour of a day; of the time that is known."""
    if total < 2:
        return ""
    known = len(span.slots) if span.told else sum(slot.at + span.seconds > span.since for slot in span.slots)
    if _is_hour(span):
        return _("That is %(count)s a minute.") % {"count": _rate(total / max(1, known))}
    return _("That is %(count)s an hour.") % {"count": _rate(total / max(1.0, known * span.seconds / 3600))}


def _rate(value: float) -> str:
    return words.figure(value, 1 if value < 100 else 0)


def _when_most(span: Span, totals: Sequence[int]) -> SafeString:
    return minute(span.slots[totals.index(max(totals))].at)


def _known(span: Span) -> str:
    """What is not counted, where the span began before this process."""
    if span.slots[0].at >= span.since:
        return ""
    if span.told:
        return format_html(
            _("Before {when}, when the server started, only tasks that are still kept are counted."), when=minute(span.since)
        )
    return format_html(_("The server started at {when}: nothing is known of the time before."), when=minute(span.since))


def _watched(span: Span) -> str:
    """What nobody saw, not even tasks that are kept."""
    if span.slots[0].at >= span.since:
        return ""
    return format_html(_("The server started at {when}: nothing is known of the time before."), when=minute(span.since))


def _is_hour(span: Span) -> bool:
    return span.seconds * len(span.slots) == MINUTE * HOUR


def _joined(*sentences: str) -> SafeString:
    return format_html_join(" ", "{}", ((sentence,) for sentence in sentences if sentence))
