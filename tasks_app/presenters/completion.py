"""What may be typed next in the search box: keys with the kind of value they take, then values with the number of tasks.

Everything comes from indexes and schemas: no task is looked at, and little is proposed at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.grammar import FIGURES, INDEXED, KEYS, quoted
from tasks_app.engine.query import Query
from tasks_app.engine.registry import Params
from tasks_app.engine.task import Status
from tasks_app.presenters import words
from tasks_app.presenters.fields import Field, fields
from tasks_app.presenters.filters import Filters
from tasks_app.runtime import Runtime

MOST = 6  # options of one list
LONGEST = 100  # characters of a word that are looked at
_WORD = re.compile(r'(?P<minus>-?)(?:(?P<key>[A-Za-z_][A-Za-z0-9_]*):(?P<before>(?:(?:"[^"]*"|[^",])*,)*))?(?P<typed>.*)', re.DOTALL)
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)")
_DOORS = ("by", "via")


class Option(Struct, frozen=True):
    """One proposal: its name in three parts, the middle one being what was typed; what it takes or how many tasks have it; the text that
    takes the word's place; and a status, where it is one."""

    before: str
    typed: str
    after: str
    said: str
    take: str
    status: str = ""


class Values(Struct, frozen=True):
    """What a key may be: `shown` first; further lists wait until their key is chosen. `more` of them are not shown."""

    key: str
    options: list[Option]
    more: str = ""
    shown: bool = False


class Completion(Struct, frozen=True):
    """Proposals for one word. `fields` are keys that are fields of params, `of` the types that have them."""

    keys: list[Option]
    fields: list[Option]
    of: str
    values: list[Values]

    @property
    def count(self) -> int:
        """How many there are to choose from."""
        return len(self.keys) + len(self.fields) + sum(len(one.options) for one in self.values if one.shown)

    @property
    def said(self) -> str:
        """The same in a sentence, for who does not see the lists."""
        return ngettext("%(number)s completion", "%(number)s completions", self.count) % {"number": self.count}


class _Asked(Struct, frozen=True):
    """The word to complete: its sign, its key and the values before the last comma, and what is typed of the rest."""

    minus: str
    key: str
    before: str
    typed: str


def completion(runtime: Runtime, filters: Filters, word: str, zone: str = "") -> Completion:
    """Proposals for the word at the end of the search box, among the tasks that the other filters leave. `zone` is the reader's offset from
    UTC, `+02:00`, where times are not shown in UTC."""
    found = _WORD.fullmatch(word[:LONGEST])
    assert found is not None
    asked = _Asked(found["minus"], found["key"] or "", found["before"] or "", found["typed"].replace('"', ""))
    known = _fields(runtime, filters)
    if asked.key:
        key = asked.key.lower() if asked.key.lower() in KEYS else asked.key
        values = _values(runtime, filters, replace(asked, key=key), known, zone)
        return Completion([], [], "", [replace(values, shown=True)] if values.options else [])
    keys = [_key(asked, key, _kind_of(runtime, key)) for key in _like(asked.typed, KEYS)]
    own = [_key(asked, name, _kind(known[name])) for name in _like(asked.typed, known)]
    lists = [
        _values(runtime, filters, replace(asked, key=option.take[len(asked.minus) : -1], typed=""), known, zone) for option in keys + own
    ]
    lists = [one for one in lists if one.options]
    shown = (keys + own)[0].take[len(asked.minus) : -1] if keys or own else ""
    return Completion(keys, own, ", ".join(filters.types), [replace(one, shown=one.key == shown) for one in lists])


def _fields(runtime: Runtime, filters: Filters) -> dict[str, Field]:
    """The fields of the types that are chosen, or of all that may be launched."""
    chosen = [kind for kind in runtime.registry if (kind.name in filters.types if filters.types else kind.launchable)]
    return {field.name: field for kind in chosen for field in _fields_of(kind.params, get_language() or "") if field.name not in KEYS}


@lru_cache(maxsize=512)
def _fields_of(params: type[Params], language: str) -> tuple[Field, ...]:
    """Of one model, in one language: a schema takes a millisecond or two to make, and never changes."""
    return tuple(fields(params.model_json_schema()))


def _like(typed: str, names: Iterable[str]) -> list[str]:
    """The names that begin with what is typed, then those that have it elsewhere."""
    wanted = typed.lower()
    found = [name for name in names if wanted in name.lower()]
    return sorted(found, key=lambda name: not name.lower().startswith(wanted))[:MOST]


def _key(asked: _Asked, name: str, kind: str) -> Option:
    return Option(*_split(name, asked.typed), kind, f"{asked.minus}{name}:")


def _split(name: str, typed: str) -> tuple[str, str, str]:
    at = name.lower().find(typed.lower())
    return (name, "", "") if at < 0 else (name[:at], name[at : at + len(typed)], name[at + len(typed) :])


def _kind_of(runtime: Runtime, key: str) -> str:
    if key in INDEXED:
        count = {"status": len(Status), "type": len(runtime.store.type_counts), "tag": runtime.store.tag_count}[key]
        return ngettext("%(number)s value", "%(number)s values", count) % {"number": words.count(count)}
    kinds = {"number": _("a number"), "attempt": _("a number"), "created": _("a time"), "ended": _("a time"), "duration": _("a length")}
    return kinds.get(key, _("text"))


def _kind(field: Field) -> str:
    if field.choices:
        return ngettext("%(number)s value", "%(number)s values", len(field.choices)) % {"number": words.count(len(field.choices))}
    return {"integer": _("a number"), "number": _("a number"), "boolean": _("yes or no")}.get(field.kind, _("text"))


def _values(runtime: Runtime, filters: Filters, asked: _Asked, known: dict[str, Field], zone: str) -> Values:
    found = list(_proposed(runtime, filters, asked, known, zone))
    options = [
        Option(
            *_split(name, asked.typed),
            said,
            f"{asked.minus}{asked.key}:{asked.before}{value if asked.key in FIGURES else quoted(value)} ",
            status,
        )
        for name, value, said, status in found[:MOST]
    ]
    more = len(found) - len(options)
    return Values(asked.key, options, ngettext("and %(number)s more", "and %(number)s more", more) % {"number": more} if more else "")


def _proposed(runtime: Runtime, filters: Filters, asked: _Asked, known: dict[str, Field], zone: str) -> Iterator[tuple[str, str, str, str]]:
    """(what is shown, the value, what is said beside it, the status if it is one)."""
    typed = asked.typed.lower()
    if asked.key == "status":
        yield from _statuses(runtime, filters, typed)
    elif asked.key in INDEXED:
        yield from _names(runtime, filters, asked)
    elif asked.key in _DOORS:
        for name, count in runtime.store.origins_like(asked.key, asked.typed, MOST):
            yield name, name, words.count(count), ""
    elif asked.key in ("created", "ended", "duration", "attempt"):
        for value, said in _examples(asked.key, zone):
            if typed in value.lower():
                yield value, value, said, ""
    elif (field := known.get(asked.key)) is not None:
        for value in [shown for _given, shown in field.choices] or ["true", "false"] * (field.kind == "boolean"):
            if typed in value.lower():
                yield value, value, "", ""


def _statuses(runtime: Runtime, filters: Filters, typed: str) -> Iterator[tuple[str, str, str, str]]:
    base = _beside(filters, "statuses")
    fit = [status for status in Status if typed in status.value or typed in str(words.STATUS_WORDS[status]).lower()]
    counted = [(status.value, runtime.store.count(replace(base, statuses=frozenset({status})))) for status in fit]
    for value, count in sorted(counted, key=lambda one: not one[1]):  # those that lead nowhere come last
        yield value, value, words.count(count), value


def _names(runtime: Runtime, filters: Filters, asked: _Asked) -> Iterator[tuple[str, str, str, str]]:
    field = {"type": "types", "tag": "tags"}[asked.key]
    if asked.key == "type":
        used = runtime.store.type_counts
        every = sorted({kind.name for kind in runtime.registry} | set(used), key=lambda name: (-sum(used.get(name, {}).values()), name))
        names = [name for name in every if asked.typed.lower() in name.lower()]
    else:
        names = [name for name, _count in runtime.store.tags_like(asked.typed, MOST)]
    base = _beside(filters, field)
    for place, name in enumerate(names):
        count = runtime.store.count(replace(base, **{field: frozenset({name})})) if place < MOST else 0
        yield name, name, words.count(count), ""


def _beside(filters: Filters, field: str) -> Query:
    """What indexes know of the filters, but for one of them."""
    return replace(filters, **{field: (), "terms": (), "cursor": ""}).query()


def _examples(key: str, zone: str) -> list[tuple[str, str]]:
    if key == "duration":
        return [(">10s", _("longer than ten seconds")), (">1m", _("longer than a minute")), (">1h", _("longer than an hour"))]
    if key == "attempt":
        return [(">1", _("tried again")), ("1", _("the first try"))]
    today = datetime.now(_offset(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    since = f">={today:%Y-%m-%d}" if not today.utcoffset() else f">={today:%Y-%m-%dT%H:%M}{zone}"
    return [(since, _("today")), (">1h", _("in the last hour")), (">24h", _("in the last 24 hours")), (">7d", _("in the last week"))]


def _offset(zone: str) -> timezone:
    found = _ZONE.fullmatch(zone)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return UTC
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(ahead if found[1] == "+" else -ahead)
