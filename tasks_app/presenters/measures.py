"""Figures of two runs side by side, and by how much the second differs from the first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.task import Task
from tasks_app.engine.trail import Series, Trail
from tasks_app.presenters import facts, words
from tasks_app.presenters.axes import within
from tasks_app.presenters.readings import value_text
from tasks_app.presenters.sentences import translated

MOST = 20  # fields of results


class Row(Struct, frozen=True):
    """A figure by name: of the first, of the second, and the difference in words; `same` where there is none. `code`: a field's name."""

    name: str
    a: str
    b: str
    difference: str = ""
    same: bool = False
    code: bool = False


def rows(a: Task, b: Task, one: Trail | None, other: Trail | None) -> list[Row]:
    """All figures of two tasks; `one` and `other` are what they left behind."""
    found = [
        _seconds(_("Took"), _took(a), _took(b), longer=True),
        _seconds(_("Waited before the first attempt"), _waited(a), _waited(b), longer=True),
        _counted(_("Attempts"), a.attempt_number, b.attempt_number),
    ]
    return [*found, *_series(one, other), *_results(a, b)]


def _took(task: Task) -> float | None:
    return (
        sum(attempt.seconds or 0.0 for attempt in task.attempts) if any(attempt.seconds is not None for attempt in task.attempts) else None
    )


def _waited(task: Task) -> float | None:
    return max(0.0, task.attempts[0].started_at - task.created_at) if task.attempts else None


def _seconds(name: str, x: float | None, y: float | None, *, longer: bool) -> Row:
    shown = tuple("–" if value is None else words.took(value) for value in (x, y))
    if x is None or y is None:
        return Row(name, shown[0], shown[1])
    if shown[0] == shown[1]:
        return Row(name, shown[0], shown[1], _("the same"), same=True)
    told = {"time": words.took(abs(y - x))}
    return Row(name, shown[0], shown[1], _("%(time)s longer") % told if y > x else _("%(time)s shorter") % told)


def _counted(name: str, x: int, y: int, *, code: bool = False) -> Row:
    shown = words.count(x), words.count(y)
    if x == y:
        return Row(name, shown[0], shown[1], _("the same"), same=True, code=code)
    count = words.count(abs(y - x))
    form = ngettext("%(count)s more", "%(count)s more", abs(y - x)) if y > x else ngettext("%(count)s fewer", "%(count)s fewer", abs(y - x))
    return Row(name, shown[0], shown[1], form % {"count": count}, code=code)


def _series(one: Trail | None, other: Trail | None) -> Iterator[Row]:
    first, second = (dict(trail.series) if trail else {} for trail in (one, other))
    for name in [*first, *(name for name in second if name not in first)]:
        x, y = first.get(name), second.get(name)
        unit = next((series.unit for series in (x, y) if series is not None and series.unit), "")
        for label, get in ((_("%(name)s, average"), _mean), (_("%(name)s, highest"), _high)):
            yield _valued(label % {"name": translated(name)}, get(x), get(y), unit)
        if (x and x.lost) or (y and y.lost):
            yield _counted(_("%(name)s, lost") % {"name": translated(name)}, x.lost if x else 0, y.lost if y else 0)


def _mean(series: Series | None) -> float | None:
    return series.mean if series else None


def _high(series: Series | None) -> float | None:
    return series.high if series else None


def _valued(name: str, x: float | None, y: float | None, unit: str = "", *, code: bool = False) -> Row:
    tail = f"{words.THIN}{translated(unit)}" if unit else ""
    shown = tuple("–" if value is None else value_text(value) + tail for value in (x, y))
    if x is None or y is None:
        return Row(name, shown[0], shown[1], code=code)
    if shown[0] == shown[1]:
        return Row(name, shown[0], shown[1], _("the same"), same=True, code=code)
    told = {"value": value_text(abs(within(y) - within(x))) + tail}
    return Row(name, shown[0], shown[1], _("%(value)s more") % told if y > x else _("%(value)s less") % told, code=code)


def _results(a: Task, b: Task) -> Iterator[Row]:
    one, other = _result(a), _result(b)
    names = [*one, *(name for name in other if name not in one)]
    for name in names[:MOST]:
        x, y = one.get(name), other.get(name)
        if type(x) is int and type(y) is int:
            yield _counted(name, x, y, code=True)
        elif x is not None and y is not None and _is_number(x) and _is_number(y):
            yield _valued(name, float(within(x)), float(within(y)), code=True)
        else:
            shown = _text(one, name), _text(other, name)
            yield Row(name, shown[0], shown[1], _("the same") if shown[0] == shown[1] else "", same=shown[0] == shown[1], code=True)


def _text(found: dict[str, Any], name: str) -> str:
    return facts.plain(found[name]) if name in found else "–"


def _result(task: Task) -> dict[str, Any]:
    """The fields of a result that are not nested."""
    value = json.loads(task.result) if task.result is not None else None
    if not isinstance(value, dict):
        return {}
    return {name: found for name, found in value.items() if not isinstance(found, dict | list)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
