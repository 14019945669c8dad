"""What the engine says, in the page's language: sentences by their template, texts of records by the templates that can have made them."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

from django.utils.formats import get_format
from django.utils.translation import get_language, gettext, ngettext
from msgspec import Struct

from tasks_app.engine.sentences import KEPT, Kept, Sentence
from tasks_app.engine.task import Status
from tasks_app.presenters import kept_words as kept_words  # they are known once they are declared
from tasks_app.presenters.words import STATUS_WORDS

ENGLISH = "en"
GLUES = "glues"
DEEPEST = 4  # sentences within one another
LONGEST = 600  # characters of a record's text that is looked at
_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z])")
_PATTERNS = {"type": r"[a-z][a-z0-9_]*", "count": r"…|[0-9][0-9,]*"}
_ANY = 5  # as many as any number, for the form of a plural
_NUMBER = r"…|-?[0-9][0-9,]*(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"  # or what stands for any in the shape of several messages


class _Known(Struct, frozen=True):
    """A declared template as an expression, the longest of its own words, which of its values are numbers, and whether there is no word
    between them."""

    kept: Kept
    expression: re.Pattern[str]
    longest: str  # looked for first: most texts do not have it, and that is quickly known
    numbers: frozenset[str]
    only_glues: bool


class _Words(string.Formatter):
    """Formats a translated template: numbers as the language writes them, sentences among the values in its words."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        """One value, formatted as in English, then brought to the language."""
        if format_spec:
            return localized(format(value, format_spec))
        if isinstance(value, Status):
            return str(STATUS_WORDS[value]).lower()
        return translated(value) if isinstance(value, str) else str(value)


_words = _Words()


def translated(said: object) -> str:
    """What a Sentence says in the page's language; other text as it is, unless a declared template can have made it."""
    language = get_language() or ENGLISH
    if isinstance(said, Sentence) and (said.apart or language != ENGLISH):
        return _of_sentence(language, said, said.template)
    text = str(said)
    if language == ENGLISH or len(text) > LONGEST:
        return text
    return _recognised(language, text)


def described(text: str) -> str:
    """What a type or a field says of itself, where it is one of ours."""
    return gettext(text) if text else ""


def all_translated(texts: Iterable[str]) -> list[str]:
    """Each of them."""
    return [translated(text) for text in texts]


def localized(number: str, language: str | None = None) -> str:
    """A number that was written the English way, with the separators of the page's language, which is `language` where that is known."""
    return number.translate(_separators(language or get_language()))


@cache
def _separators(language: str | None) -> Mapping[int, str]:
    return str.maketrans({",": get_format("THOUSAND_SEPARATOR", language), ".": get_format("DECIMAL_SEPARATOR", language)})


@lru_cache(maxsize=2048)
def _of_sentence(language: str, said: Sentence, _template: str) -> str:
    """The sentence in the page's language, which is `language`; remembered by its English text and its template."""
    if said.glued:
        return said.template.join(map(translated, said.values.values()))
    template = ngettext(said.template, said.plural, said.values["count"]) if said.plural else gettext(said.template)
    return _words.vformat(template, (), said.values)


@lru_cache(maxsize=4096)
def _recognised(language: str, text: str, depth: int = 0) -> str:
    """The text in the page's language (which is `language`), as far as it is known."""
    if depth > DEEPEST:
        return text
    known = _all_known(len(KEPT))
    if said := _said((*known.get(text[:1], ()), *known.get("", ())), language, text, depth):
        return said
    parts = _SENTENCES.split(text)
    if len(parts) > 1:
        return " ".join(_recognised(language, part, depth + 1) for part in parts)
    return _said(known.get(GLUES, ()), language, text, depth) or text


def _said(candidates: Iterable[_Known], language: str, text: str, depth: int) -> str:
    for known in candidates:
        found = known.expression.fullmatch(text) if known.longest in text else None
        if found and (said := _again(known, found.groupdict(), language, depth)):
            return said
    return ""


def _again(known: _Known, found: dict[str, str], language: str, depth: int) -> str:
    """The translation with these values; empty where the template says nothing by itself, and its last value is not known either."""
    values = {
        name: localized(value, language) if name in known.numbers else _recognised(language, value, depth + 1)
        for name, value in found.items()
    }
    last = next(reversed(found), "")
    if known.only_glues and values[last] == found[last]:
        return ""
    template = _template(language, known.kept, found.get("count", ""))
    return re.sub(r"{(\w+)[^}]*}", lambda place: values[place[1]], template)


def _template(language: str, wanted: Kept, count: str) -> str:
    if not wanted.plural:
        return _of_one(language, wanted.template)
    return ngettext(wanted.template, wanted.plural, _ANY if count == "…" else int(count.replace(",", "")))


@lru_cache(maxsize=1024)
def _of_one(language: str, template: str) -> str:
    """As gettext in the page's language, which is `language`."""
    return gettext(template)


@cache
def _all_known(_count: int) -> Mapping[str, tuple[_Known, ...]]:
    """All that are declared by their first letter, the longest first; under no letter those that begin with a value, and apart those that
    have no word of their own."""
    found: dict[str, list[_Known]] = defaultdict(list)
    for wanted in KEPT:
        for template in filter(None, (wanted.template, wanted.plural)):
            known = _known(wanted, template)
            found[GLUES if known.only_glues else "" if template.startswith("{") else template[:1]].append(known)
    return {key: tuple(sorted(these, key=lambda one: -len(one.kept.template))) for key, these in found.items()}


def _known(wanted: Kept, template: str) -> _Known:
    expression, numbers = "", set()
    longest = max((text for text, *_ in string.Formatter().parse(template)), key=len)
    for text, name, spec, _ in string.Formatter().parse(template):
        expression += re.escape(text)
        if name and spec:
            numbers.add(name)
            expression += f"(?P<{name}>{_PATTERNS.get(name, _NUMBER)})"
        elif name:
            expression += f"(?P<{name}>{_PATTERNS.get(name, '.+?')})"
    only_glues = not any(map(str.isalpha, re.sub(r"{[^}]*}", "", template)))
    return _Known(wanted, re.compile(expression, re.DOTALL), longest, frozenset(numbers), only_glues)
