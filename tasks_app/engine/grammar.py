"""The search box: words, and terms of a key and a value, as page, API, socket and bulk actions read them.

    nightly type:ping status:failed,stuck -tag:test error:"connection refused" address:10. created:>2h duration:>1m number:120..140

A word stands somewhere in a task: number, id, type, name, tags, params, error. Terms all have to hold; values set apart by commas are
alternatives; a minus turns a term or a word round; quotes keep spaces, commas and colons together. A key is one of KEYS, or a field of
some type's params. Texts are found anywhere in the value, whatever their case; with a `=` in front they are all of it, case included.
Figures are compared: `>x`, `<x`, `a..b` (both ends included), `x`. Times are ISO 8601 (UTC where nothing else is said) or so long ago:
`30m`, `2h`, `3d`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from math import inf

from msgspec import Struct, json

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.failures import group_of
from tasks_app.engine.sentences import say
from tasks_app.engine.task import Task

MAX_TEXT = 500
MAX_TERMS = 16
MAX_VALUE = 200  # characters

_TICK = 1e-6  # times are told in microseconds; whole numbers have none in between
_WHOLE = ("number", "attempt")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_TERM = re.compile(r'(?P<minus>-?)(?:(?P<key>[A-Za-z_][A-Za-z0-9_]*):(?!//))?(?P<rest>(?:"[^"]*"|[^\s"])*)')
_VALUE = re.compile(r'((?:"[^"]*"|[^,"])*)(?:,|$)')
_SPAN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d|w)?")
_BOUNDS = re.compile(r"(?P<sign>[<>]=?)(?P<one>.+)|(?P<low>.+?)\.\.(?P<high>.+)|(?P<same>.+)")


def _all_of(task: Task) -> str:
    return f"{task.number} {task.id} {task.type} {task.name} {' '.join(task.tags)} {task.params.decode()} {_error_of(task)}"


def _error_of(task: Task) -> str:
    return f"{task.error.type} {task.error.message}" if task.error else ""


def _duration_of(task: Task) -> float | None:
    attempt = task.attempt
    return attempt.seconds if attempt is not None else None


TEXTS: Mapping[str, Callable[[Task], str]] = {
    "": _all_of,
    "id": lambda task: task.id,
    "name": lambda task: task.name,
    "by": lambda task: task.by,
    "via": lambda task: task.via,
    "worker": lambda task: task.foreign.worker if task.foreign else "",
    "queue": lambda task: task.foreign.queue if task.foreign else "",
    "error": _error_of,
    "failure": group_of,
}
FIGURES: Mapping[str, Callable[[Task], float | None]] = {
    "number": lambda task: task.number,
    "attempt": lambda task: task.attempt_number,
    "created": lambda task: task.created_at,
    "ended": lambda task: task.ended_at,
    "duration": _duration_of,
}
INDEXED = ("status", "type", "tag")
KEYS = (*INDEXED, *(key for key in TEXTS if key), *FIGURES)


class Term(Struct, frozen=True):
    """One condition. `values` (in small letters, but for tags and types) are alternatives, and so are those in `whole`, which are all
    of a text; for figures `bounds` are (low, high), both included. An empty key is a word."""

    key: str
    values: tuple[str, ...]
    negated: bool = False
    bounds: tuple[tuple[float, float], ...] = ()
    whole: tuple[str, ...] = ()

    @property
    def names_people(self) -> bool:
        """Whether it is for those alone who are named in whole as launching tasks, which an index knows."""
        return self.key == "by" and bool(self.whole) and not self.values and not self.negated

    def holds(self, task: Task) -> bool:
        """Whether a task fulfils it."""
        return self._found(task) is not self.negated

    def _found(self, task: Task) -> bool:
        if self.key in FIGURES:
            figure = FIGURES[self.key](task)
            return figure is not None and any(low <= figure <= high for low, high in self.bounds)
        if self.key in TEXTS:
            text = TEXTS[self.key](task)
            return text in self.whole or self._in(text.lower())
        found = _param(task, self.key)
        if isinstance(found, str):
            return found in self.whole or self._in(found.lower())
        if self.bounds and isinstance(found, int | float) and not isinstance(found, bool):
            return any(low <= found <= high for low, high in self.bounds)
        return any(_says(found, value) for value in self.values)

    def _in(self, text: str) -> bool:
        return any(value in text for value in self.values)


class Piece(Struct, frozen=True):
    """A word or a term as it was written, not yet understood; the key of a word is empty."""

    negated: bool
    key: str
    rest: str

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{'-' if self.negated else ''}{self.key}{':' if self.key else ''}{self.rest}"


def terms_of(text: str, now: float, fields: Container[str] | None = None) -> Iterator[Term]:
    """The terms of a search box. `now` is wall-clock time; `fields` are the params there are, None where that is not known.

    Raises InvalidValue with a sentence for a key that nothing has, a value that is missing or not right, a quote that is not closed.
    """
    for piece in pieces(text):
        yield term_of(piece, now, fields)


def pieces(text: str) -> list[Piece]:
    """The words and terms of a search box, each for itself. Raises InvalidValue where it is too long, or has a quote that is not closed."""
    if len(text) > MAX_TEXT or "\0" in text:
        raise _wrong(say("must be at most {most} characters of text", most=MAX_TEXT))
    found = list(_split(text))
    if len(found) > MAX_TERMS:
        raise _wrong(say("must be at most {most} words and terms", most=MAX_TERMS))
    return found


def term_of(piece: Piece, now: float, fields: Container[str] | None = None) -> Term:
    """What one word or term means; see terms_of. Raises InvalidValue."""
    return _term(piece.key, piece.rest, piece.negated, now, fields)


def quoted(value: str) -> str:
    """A value as it is written in a search box."""
    return f'"{value}"' if re.search(r"[\s,:]|^-|^[<>=]|\.\.", value) else value


def _split(text: str) -> Iterator[Piece]:
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        found = _TERM.match(text, place)
        if found is None or found.end() == place or (found.end() < len(text) and not text[found.end()].isspace()):
            raise _wrong(say("has a quote that is not closed: {text}", text=_cut(text[place:])))
        place = found.end()
        key = found["key"] or ""
        if found["rest"] or key:  # a minus alone says nothing
            yield Piece(bool(found["minus"]), key.lower() if key.lower() in KEYS else key, found["rest"])


def _term(key: str, rest: str, negated: bool, now: float, fields: Container[str] | None) -> Term:
    if not key:
        return Term("", (_plain(rest).lower(),), negated)
    if not (key in KEYS or fields is None or key in fields):
        raise _wrong(
            say("has no key {key}: there are {keys} and the fields of params; in quotes it is a word", key=_cut(key), keys=", ".join(KEYS))
        )
    values = tuple(filter(None, map(_plain, _VALUE.findall(rest))))
    if not values:
        raise _wrong(say("needs a value behind {key}:", key=key))
    if key in FIGURES:
        return Term(key, values, negated, tuple(_bounds(key, value, now) for value in values))
    if key in INDEXED:
        return Term(key, values if key in ("tag", "type") else tuple(map(str.lower, values)), negated)
    whole = tuple(_plain(value)[1:] for value in _VALUE.findall(rest) if value[:1] == "=" and len(_plain(value)) > 1)
    parts = tuple(_plain(value).lower() for value in _VALUE.findall(rest) if value[:1] != "=" or len(_plain(value)) == 1)
    bounds = () if key in TEXTS else _bounds_of_params(key, rest)
    return Term(key, tuple(filter(None, parts)), negated, bounds, whole)


def _plain(value: str) -> str:
    return value.replace('"', "")[:MAX_VALUE]


def _bounds(key: str, value: str, now: float) -> tuple[float, float]:
    try:
        return _between(value, lambda text: _figure(key, text, now))
    except (ValueError, OverflowError):
        raise _wrong(say("cannot read {key}:{value}; {examples}", key=key, value=_cut(value), examples=_EXAMPLES[key])) from None


def _between(value: str, figure: Callable[[str], tuple[float, float]]) -> tuple[float, float]:
    """What `>x`, `<=x`, `a..b` or `x` leaves, both ends included. `figure` gives the first and the last value that a text stands for, or
    raises ValueError."""
    found = _BOUNDS.fullmatch(value)
    if found is None:
        raise ValueError(value)
    if found["low"]:
        return figure(found["low"])[0], figure(found["high"])[1]
    if found["same"]:
        return figure(found["same"])
    low, high = figure(found["one"])
    with_ends = found["sign"].endswith("=")
    if found["sign"].startswith(">"):
        return (low if with_ends else high + _TICK), inf
    return -inf, (high if with_ends else low - _TICK)


def _bounds_of_params(key: str, rest: str) -> tuple[tuple[float, float], ...]:
    """Of a param's values those that are numbers, or compare with one. What is to be compared with none is wrong, but for a text in
    quotes."""
    found = []
    for value in filter(None, _VALUE.findall(rest)):
        try:
            found.append(_between(_plain(value), _number))
        except ValueError:
            if value[0] in "<>":
                said = say("cannot read {key}:{value}; for example {key}:>100; in quotes it is a text", key=key, value=_cut(value))
                raise _wrong(said) from None
    return tuple(found)


def _number(text: str) -> tuple[float, float]:
    if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text):
        raise ValueError(text)
    return float(text), float(text)


def _figure(key: str, text: str, now: float) -> tuple[float, float]:
    """The first and the last value that a text stands for: a day is as long as it is."""
    if key in _WHOLE:
        if not re.fullmatch(r"[0-9]{1,15}", text):
            raise ValueError(text)
        return int(text), int(text)
    span = _SPAN.fullmatch(text)
    if key == "duration":
        if span is None:
            raise ValueError(text)
        seconds = float(span[1]) * _UNITS[span[2] or "s"]
        return seconds, seconds
    if span is not None and span[2]:
        ago = now - float(span[1]) * _UNITS[span[2]]
        return ago, ago
    return _moment(text)


def _moment(text: str) -> tuple[float, float]:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return day.timestamp(), (day + timedelta(days=1)).timestamp() - _TICK
    moment = datetime.fromisoformat(text.upper())
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return at, at


_EXAMPLES = {
    "number": say("for example number:120, number:>120 or number:120..140"),
    "attempt": say("for example attempt:2 or attempt:>1"),
    "created": say("for example created:>2h, created:2026-11-22 or created:2026-11-22T10:00..2026-11-22T11:00"),
    "ended": say("for example ended:>2h, ended:2026-11-22 or ended:2026-11-22T10:00..2026-11-22T11:00"),
    "duration": say("for example duration:>90s or duration:1m..1h"),
}


def _param(task: Task, name: str) -> object:
    if f'"{name}"'.encode() not in task.params:
        return None
    found = json.decode(task.params)
    return found.get(name) if isinstance(found, dict) else None


def _says(param: object, value: str) -> bool:
    """A number or a truth value has to be the same; in what is nested a text is found anywhere."""
    if param is None:
        return False
    if isinstance(param, bool | int | float):
        return value == json.encode(param).decode()
    return value in json.encode(param).decode().lower()


def _wrong(text: str) -> InvalidValue:
    return InvalidValue(text, field="q")


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
