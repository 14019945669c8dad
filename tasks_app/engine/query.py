"""Which tasks a page or an API call asks for: filters, order, cursor."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Container, Iterable

from msgspec import Struct
from msgspec.structs import replace

from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.grammar import INDEXED, Term, terms_of
from tasks_app.engine.sentences import say
from tasks_app.engine.task import Status, Task

MAX_LIMIT = 200
MAX_NAMES = 32
LONGEST_NAME = 200  # characters: names of functions elsewhere, with their modules, are long
NEWEST = "-created"
OLDEST = "created"
SORTS = (NEWEST, OLDEST)


class Query(Struct, frozen=True, kw_only=True):
    """A filter. Values of one kind are alternatives; kinds and terms must all hold. `cursor` continues behind a task's number."""

    statuses: frozenset[Status] = frozenset()
    types: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    not_statuses: frozenset[Status] = frozenset()
    not_types: frozenset[str] = frozenset()
    not_tags: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()  # whoever launched them, by their whole names
    terms: tuple[Term, ...] = ()  # what no index knows: words, texts, figures, params
    sort: str = NEWEST
    cursor: int | None = None

    @property
    def newest_first(self) -> bool:
        """Whether the newest task comes first."""
        return self.sort == NEWEST

    @property
    def searches(self) -> bool:
        """Whether tasks have to be looked at one by one."""
        return bool(self.terms)

    @property
    def indexed(self) -> Query:
        """What the indexes know of it, from the begin."""
        return replace(self, terms=(), cursor=None)

    def matches(self, task: Task) -> bool:
        """Whether a task passes all filters (the cursor is no filter)."""
        return (
            (not self.statuses or task.status in self.statuses)
            and (not self.types or task.type in self.types)
            and (not self.tags or not self.tags.isdisjoint(task.tags))
            and task.status not in self.not_statuses
            and task.type not in self.not_types
            and self.not_tags.isdisjoint(task.tags)
            and (not self.people or task.by in self.people)
            and self.mentions(task)
        )

    def mentions(self, task: Task) -> bool:
        """Whether all terms hold for a task."""
        return all(term.holds(task) for term in self.terms)

    def span(self, key: str) -> tuple[float, float] | None:
        """Between which figures (both included) `created` or `number` has to lie, whatever else; None where that is not said."""
        spans = [term.bounds for term in self.terms if term.key == key and not term.negated]
        if not spans:
            return None
        return max(min(low for low, _ in bounds) for bounds in spans), min(max(high for _, high in bounds) for bounds in spans)

    def fingerprint(self) -> str:
        """Names this filter and order: a cursor made for another one is refused. Times that were told as so long ago move on, and are not
        part of it."""
        sets = (self.statuses, self.types, self.tags, self.not_statuses, self.not_types, self.not_tags, self.people)
        parts = [*map(sorted, sets), [(term.key, term.values, term.whole, term.negated) for term in self.terms], self.sort]
        return hashlib.blake2b(repr(parts).encode(), digest_size=6).hexdigest()

    def encode_cursor(self, number: int) -> str:
        """The opaque cursor of the page that follows the task of this number."""
        return base64.urlsafe_b64encode(f"{self.fingerprint()}:{number}".encode()).decode().rstrip("=")

    def decode_cursor(self, text: str) -> int:
        """The task number inside a cursor. Raises InvalidValue for one that is not ours or belongs to another filter."""
        try:
            if len(text) > 100:
                raise ValueError
            name, _, number = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(":")
            if name != self.fingerprint() or not number.isascii() or not number.isdigit() or len(number) > 15:
                raise ValueError
            return int(number)
        except (ValueError, binascii.Error):
            raise InvalidValue(say("The cursor does not belong to this filter; begin again without one."), field="cursor") from None


class Page(Struct, frozen=True, kw_only=True):
    """`items` in the asked order; `next` the number to go on behind, None at the end; `total` of all that match, None where only a
    part was searched; `searched` how many tasks were looked at one by one, None where the indexes knew it all."""

    items: tuple[Task, ...]
    next: int | None = None
    total: int | None = None
    searched: int | None = None


def parse_query(
    *,
    statuses: Iterable[str] = (),
    types: Iterable[str] = (),
    tags: Iterable[str] = (),
    text: str = "",
    sort: str = NEWEST,
    cursor: str = "",
    fields: Container[str] | None = None,
) -> Query:
    """A Query from what stands in a URL: the one parser of page, API, socket and bulk actions. `text` is a search box (see grammar.py),
    `fields` the params that tasks may have. Raises InvalidValue with the field that is wrong."""
    if sort not in SORTS:
        raise InvalidValue(say("must be one of: {allowed}", allowed=", ".join(SORTS)), field="sort")
    minute = time.time() // 60 * 60.0  # people who look for the same within a minute look through the same window
    terms = list(terms_of(text, minute, fields))
    person = next((term for term in terms if term.names_people), None)  # further ones have to hold as well: those are looked at
    query = Query(
        statuses=_statuses(statuses, "status") | _statuses(_said(terms, "status"), "q"),
        types=_names(types, "type") | _names(_said(terms, "type"), "q"),
        tags=_names(tags, "tag") | _names(_said(terms, "tag"), "q"),
        not_statuses=_statuses(_said(terms, "status", negated=True), "q"),
        not_types=_names(_said(terms, "type", negated=True), "q"),
        not_tags=_names(_said(terms, "tag", negated=True), "q"),
        people=frozenset(person.whole) if person else frozenset(),
        terms=tuple(term for term in terms if term.key not in INDEXED and term is not person),
        sort=sort,
    )
    return replace(query, cursor=query.decode_cursor(cursor)) if cursor else query


def _said(terms: Iterable[Term], key: str, *, negated: bool = False) -> list[str]:
    return [value for term in terms if term.key == key and term.negated is negated for value in term.values]


def _statuses(names: Iterable[str], field: str) -> frozenset[Status]:
    try:
        return frozenset(map(Status, names))
    except ValueError:
        raise InvalidValue(say("must be one of: {allowed}", allowed=", ".join(Status)), field=field) from None


def _names(names: Iterable[str], field: str) -> frozenset[str]:
    found = frozenset(names)
    if len(found) > MAX_NAMES or any(not 1 <= len(name) <= LONGEST_NAME for name in found):
        raise InvalidValue(
            say("must be at most {most} names of 1 to {longest} characters", most=MAX_NAMES, longest=LONGEST_NAME), field=field
        )
    return found
