"""What a launch form filled from an earlier run changes of it: each value that was another one, and what stays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.presenters import facts
from tasks_app.presenters.fields import Field
from tasks_app.presenters.labels import cut

LONGEST = 60  # characters of a value beside an input
ALL = "*"  # in place of an input's name: put all back


class Change(Struct, frozen=True):
    """An input by its name in the form, its label, and what it was and is, as text. `param`: the label is a field's name."""

    name: str
    label: str
    was: str
    now: str
    param: bool

    @property
    def id(self) -> str:
        """The id of its input in the page."""
        return self.name.replace(".", "-")


class Rerun(Struct, frozen=True):
    """What differs from the run the form was filled from, and the labels of what is as it was; `secrets` are to be entered again."""

    changes: tuple[Change, ...]
    same: tuple[str, ...]
    secrets: tuple[str, ...]

    def was(self, name: str) -> str:
        """What an input was, empty where it still is."""
        return next((change.was for change in self.changes if change.name == name), "")


def rerun(known: Sequence[tuple[str, Field]], before: Mapping[str, str], given: Mapping[str, str]) -> Rerun:
    """The comparison. `known` are the form's inputs by name; `before` and `given` the form as it was filled from the run, and as it is."""
    changes, same, secrets = [], [], []
    for name, field in known:
        label = field.name if name != field.name else field.label
        if field.kind == "secret":
            secrets.append(label)
        elif equal(field, before.get(name, ""), given.get(name, "")):
            same.append(label)
        else:
            was, now = (_shown(field, texts.get(name, "")) for texts in (before, given))
            changes.append(Change(name, label, was, now, name != field.name))
    return Rerun(tuple(changes), tuple(same), tuple(secrets))


def put_back(before: Mapping[str, str], given: Mapping[str, str], name: str, names: Sequence[str]) -> dict[str, str]:
    """The form with one input as it was, or with all of `names` (those of the form's inputs)."""
    wanted = names if name == ALL else [name] if name in names else []
    return {**given, **{one: before.get(one, "") for one in wanted}}


def equal(field: Field, before: str, given: str) -> bool:
    """Whether two form strings mean the same: 1 and 1.0, JSON with other white space."""
    if field.kind in ("integer", "number"):
        return _number(before) == _number(given)
    if field.kind == "json":
        return _value(before) == _value(given)
    return before.strip() == given.strip() if field.name == "tags" else before == given


def _number(text: str) -> float | str:
    try:
        return float(text)
    except (ValueError, OverflowError):
        return text.strip()


def _value(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text.strip()


def _shown(field: Field, text: str) -> str:
    if field.kind == "boolean":
        return _("on") if text else _("off")
    if field.kind == "choice":
        return dict(field.choices).get(text, text) or _("none")
    if field.kind == "number" and isinstance(_number(text), float):
        return facts.plain(_number(text))
    return cut(text, LONGEST) or _("empty")
