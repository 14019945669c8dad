"""What a search box asks for, as far as it can be read; what cannot is left out of the filter and said in a sentence."""

from __future__ import annotations

import time
from difflib import get_close_matches

from django.utils.translation import gettext as _
from msgspec import Struct
from msgspec.structs import replace

from tasks_app import runtime
from tasks_app.engine.errors import InvalidValue
from tasks_app.engine.grammar import KEYS, Piece, pieces, term_of
from tasks_app.engine.query import Query
from tasks_app.engine.task import Status
from tasks_app.presenters.filters import Filters
from tasks_app.presenters.sentences import translated

CLOSE = 0.7  # how much alike what was typed and what is proposed have to be, from 0 to 1


class Wrong(Struct, frozen=True):
    """A term that filters nothing (empty: the whole search box), why, and what may have been meant, with the page that it leads to."""

    term: str
    sentence: str
    meant: str = ""
    link: str = ""


class Reading(Struct, frozen=True):
    """The filter that holds, its query, and what was left out of it."""

    filters: Filters
    query: Query
    wrong: list[Wrong]

    @property
    def terms(self) -> frozenset[str]:
        """The terms that are wrong."""
        return frozenset(one.term for one in self.wrong)


def read(asked: Filters) -> Reading:
    """Raises InvalidValue for what is wrong outside of the search box."""
    try:
        wrong = [found for piece in pieces(asked.text) if (found := _wrong(asked, piece)) is not None]
        good = replace(asked, terms=tuple(term for term in asked.terms if term not in {one.term for one in wrong}))
        return Reading(good, good.query(), wrong)
    except InvalidValue as error:
        if error.field != "q":
            raise
        rest = replace(asked, terms=(), cursor="")
        return Reading(rest, rest.query(), [Wrong("", _said(error))])


def _wrong(asked: Filters, piece: Piece) -> Wrong | None:
    fields = runtime.get().registry.fields
    if piece.key and piece.key not in KEYS and piece.key not in fields:
        sentence = _("No key is called %(key)s, so it filters nothing.") % {"key": piece.key[:40]}
        return _meant(asked, piece, sentence, piece.key, replace_key=True, among=[*KEYS, *sorted(fields)])
    try:
        term = term_of(piece, time.time(), fields)
    except InvalidValue as error:
        return Wrong(piece.text, _said(error))
    odd = [value for value in term.values if value not in set(Status)] if piece.key == "status" else []
    if odd:
        sentence = _("No status is called %(status)s, so it filters nothing.") % {"status": odd[0][:40]}
        return _meant(asked, piece, sentence, odd[0], replace_key=False, among=list(Status))
    return None


def _meant(asked: Filters, piece: Piece, sentence: str, typed: str, *, replace_key: bool, among: list[str]) -> Wrong:
    """With what is spelled most like it, where anything is."""
    close = get_close_matches(typed.lower()[:40], among, n=1, cutoff=CLOSE)
    if not close:
        return Wrong(piece.text, sentence)
    other = replace_in(piece, close[0]) if replace_key else replace_value(piece, typed, close[0])
    return Wrong(piece.text, sentence, close[0], asked.instead(piece.text, other).link())


def replace_in(piece: Piece, key: str) -> str:
    """The same term with another key."""
    return Piece(piece.negated, key, piece.rest).text


def replace_value(piece: Piece, value: str, other: str) -> str:
    """The same term with another value in the place of one."""
    return Piece(piece.negated, piece.key, piece.rest.lower().replace(value, other)).text


def _said(error: InvalidValue) -> str:
    return _("The search %(problem)s.") % {"problem": translated(error.sentence)}
