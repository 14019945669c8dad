"""The filter of a list as it stands in a URL: what is chosen, and the links that change one thing of it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.grammar import INDEXED, Piece, pieces, term_of
from tasks_app.engine.query import Query, parse_query
from tasks_app.engine.task import Status
from tasks_app.presenters.addresses import list_url


class Chip(Struct, frozen=True, kw_only=True):
    """One chosen value: `key:value`, and where it is left out. `field` and `given` are what a form sends for it; `wrong`: it cannot be
    read."""

    key: str
    value: str
    without: str
    field: str
    given: str
    negated: bool = False
    wrong: bool = False

    @property
    def words(self) -> str:
        """The chip as text."""
        return f"{'-' if self.negated else ''}{self.key}:{self.value}"


class Filters(Struct, frozen=True, kw_only=True):
    """What a URL asks for, in its own order. `terms` are the words and terms of the search box, each as it is written."""

    statuses: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    cursor: str = ""

    @property
    def text(self) -> str:
        """The search box in one line."""
        return " ".join(self.terms)

    @property
    def chosen(self) -> bool:
        """Whether anything is shut out."""
        return bool(self.statuses or self.types or self.tags or self.terms)

    def query(self) -> Query:
        """The engine's Query. Raises InvalidValue with the field that is wrong."""
        fields = runtime.get().registry.fields
        return parse_query(statuses=self.statuses, types=self.types, tags=self.tags, text=self.text, cursor=self.cursor, fields=fields)

    def parts(self) -> list[tuple[str, str]]:
        """Everything that shuts tasks out, one by one, as names and values of a URL."""
        found = [(name, value) for name, field in _FIELDS.items() for value in getattr(self, field)]
        return found + [("q", term) for term in self.terms]

    def pairs(self, *, cursor: bool = False) -> list[tuple[str, str]]:
        """As names and values of a URL: the search box in one of them."""
        found = [pair for pair in self.parts() if pair[0] != "q"]
        if self.terms:
            found.append(("q", self.text))
        if cursor and self.cursor:
            found.append(("cursor", self.cursor))
        return found

    def link(self) -> str:
        """The page of this filter, from its begin."""
        return linked(self.pairs())

    def with_status(self, status: str) -> Filters:
        """Only this status; chosen again, all."""
        return replace(self, statuses=() if self.statuses == (status,) else (status,), cursor="")

    def without(self, name: str, value: str) -> Filters:
        """One value less; `q` is a word or term of the search box."""
        field = _FIELDS.get(name, "terms")
        return replace(self, **{field: tuple(one for one in getattr(self, field) if one != value)}, cursor="")

    def instead(self, term: str, other: str) -> Filters:
        """Another term of the search box in place of one."""
        return replace(self, terms=tuple(other if one == term else one for one in self.terms), cursor="")

    def chips(self, wrong: frozenset[str] = frozenset()) -> Iterator[Chip]:
        """Each chosen value but the words, which stay in the box; those of the terms `wrong` are marked."""
        for name, value in self.parts():
            rest = self.without(name, value).link()
            if name != "q":
                yield Chip(key=name, value=value, without=rest, field=name, given=value)
            elif (piece := _piece(value)) is not None and piece.key:
                yield _chip(piece, rest, value in wrong)

    @property
    def typed(self) -> str:
        """What stays in the box: the words, and what cannot be taken apart."""
        return " ".join(term for term in self.terms if (piece := _piece(term)) is None or not piece.key)


_FIELDS = {"status": "statuses", "type": "types", "tag": "tags"}
_STATUSES = frozenset(Status)


def linked(pairs: list[tuple[str, str]]) -> str:
    """The list's page with such a query string."""
    path = list_url()
    return f"{path}?{urlencode(pairs)}" if pairs else path


def from_url(given: QueryDict) -> Filters:
    """The filter of a query string; what it does not know it leaves. Statuses, types and tags typed into the search box are the same as
    those chosen elsewhere, and go where those are."""
    chosen = {name: list(filter(None, given.getlist(name))) for name in _FIELDS}
    text = " ".join(given.getlist("q")).strip()
    try:
        terms = tuple(piece.text for piece in pieces(text) if not _chosen(piece, chosen))
    except InvalidValue:
        terms = (text,)
    found = {field: tuple(dict.fromkeys(chosen[name])) for name, field in _FIELDS.items()}
    return Filters(**found, terms=tuple(dict.fromkeys(terms)), cursor=given.get("cursor", ""))


def named(count: int) -> str:
    """`both`, `all three`: how a page speaks of its filters."""
    return {1: _("this"), 2: _("both"), 3: _("all three"), 4: _("all four")}.get(count, _("all of these"))


def _chosen(piece: Piece, chosen: dict[str, list[str]]) -> bool:
    """Whether a term is one of the filters that have a name in the URL; then it is among them."""
    if piece.key not in INDEXED or piece.negated or not piece.rest.strip('"'):
        return False
    values = term_of(piece, 0.0).values
    if any(len(value) > 64 or (piece.key == "status" and value not in _STATUSES) for value in values):
        return False
    chosen[piece.key] += values
    return True


def _piece(term: str) -> Piece | None:
    """A single term taken apart; None where it cannot be."""
    try:
        found = pieces(term)
    except InvalidValue:
        return None
    return found[0] if len(found) == 1 else None


def _chip(piece: Piece, rest: str, wrong: bool) -> Chip:
    return Chip(key=piece.key, value=piece.rest, without=rest, field="q", given=piece.text, negated=piece.negated, wrong=wrong)
