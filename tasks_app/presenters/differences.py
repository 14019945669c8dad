"""What was asked of two tasks: the params and options that differ, and those that are the same."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.engine.task import Task
from tasks_app.presenters import facts, words
from tasks_app.presenters.facts import Fact

MASK = "**********"  # how pydantic shows a secret
_GONE = object()


class Difference(Struct, frozen=True):
    """A field by name, and its two values as text; a `word` is an option's label, not a field's name."""

    name: str
    a: str
    b: str
    word: bool = False


class Compared(Struct, frozen=True):
    """`differ` and `same`, in the order of the first task's params; `hidden` names secrets, which are not compared."""

    differ: list[Difference]
    same: list[Fact]
    hidden: list[str]


def compared(a: Task, b: Task) -> Compared:
    """The params and options of two tasks."""
    one, other = (_params(task) for task in (a, b))
    names = [*one, *(name for name in other if name not in one)]
    hidden = [name for name in names if _masked(one.get(name)) or _masked(other.get(name))]
    found = [(name, one.get(name, _GONE), other.get(name, _GONE)) for name in names if name not in hidden]
    differ = [Difference(name, text(x), text(y)) for name, x, y in found if not _equal(x, y)]
    differ += [Difference(name, x, y, word=True) for name, x, y in _options(a, b) if x != y]
    same = [Fact(name, text(x), True) for name, x, y in found if _equal(x, y)]
    return Compared(differ, same + [Fact(name, x) for name, x, y in _options(a, b) if x == y], hidden)


def text(value: Any) -> str:
    """A value as people read it; nested ones as JSON."""
    return _("not there") if value is _GONE else facts.plain(value)


def _params(task: Task) -> dict[str, Any]:
    value = json.loads(task.params)
    return value if isinstance(value, dict) else {}


def _equal(x: Any, y: Any) -> bool:
    """As JSON has it: true is not 1."""
    return x is y or (_GONE not in (x, y) and json.dumps(x, sort_keys=True) == json.dumps(y, sort_keys=True))


def _masked(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_masked, value.values()))
    return any(map(_masked, value)) if isinstance(value, list) else value == MASK


def _options(a: Task, b: Task) -> list[tuple[str, str, str]]:
    return [(name, _shown(x), _shown(y)) for name, x, y in zip(_names(), _option_values(a), _option_values(b), strict=True)]


def _names() -> tuple[str, ...]:
    return _("Name"), _("Tags"), _("Priority"), _("Attempts"), _("Time limit")


def _option_values(task: Task) -> tuple[str, ...]:
    limit = words.span(task.timeout) if task.timeout else ""
    return task.name, " ".join(task.tags), str(task.priority), str(task.max_attempts), limit


def _shown(value: str) -> str:
    return value or _("none")
