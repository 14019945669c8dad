"""What the engine says to people: English text that knows how it was made, so that a page can say the same in another language.

To everybody but a page a Sentence is its English text: to the API, to logs, to the journal. What goes into a record goes there as plain
`str`; a sentence that may stand in one is declared with `kept`, so that a page knows it again when it reads the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

KEPT: list[Kept] = []  # all that were declared, in that order


class Sentence(str):
    """English text, and the template and values it was made of.

    Templates are those of `str.format`; a value with a format, such as `{count:,}`, is a number. `plural` is the template for every
    number of `values["count"]` but one, where there are two. `glued` templates only join their values: nothing in them is translated.
    `apart`: the English text has other words than the template, which people are told.
    """

    __slots__ = ("apart", "glued", "plural", "template", "values")

    template: str
    plural: str
    values: dict[str, Any]
    glued: bool
    apart: bool

    def __new__(
        cls, text: str, template: str, values: dict[str, Any], *, plural: str = "", glued: bool = False, apart: bool = False
    ) -> Sentence:
        """A sentence that is `text` in English."""
        made = super().__new__(cls, text)
        made.template, made.values, made.plural, made.glued, made.apart = template, values, plural, glued, apart
        return made

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """To another process goes the text."""
        return str, (str(self),)


class Draft(Struct, frozen=True, gc=False):
    """A text that is put together when somebody reads it: its `str`. For what is said far more often than read.

    What it is made of never changes, and its text is short, in one line, and can be written as UTF-8: nobody looks before it is read.
    """

    def __str__(self) -> str:
        raise NotImplementedError


class Kept(Struct, frozen=True):
    """A template whose text may stand in a record. Called with its values it makes the Sentence."""

    template: str
    plural: str = ""

    def __call__(self, **values: Any) -> Sentence:
        """The sentence with these values; `count` decides where there is a plural."""
        return say_many(self.template, self.plural, **values) if self.plural else say(self.template, **values)


def say(template: str, /, **values: Any) -> Sentence:
    """A sentence: `say("There is no task type {name!r}.", name=name)`."""
    return Sentence(template.format(**values), template, values)


def say_many(one: str, many: str, /, *, count: int, **values: Any) -> Sentence:
    """A sentence that counts: `say_many("{count:,} probe", "{count:,} probes", count=200)`."""
    found = {"count": count, **values}
    return Sentence((one if count == 1 else many).format(**found), one, found, plural=many)


def joined(glue: str, parts: Iterable[str]) -> Sentence:
    """Sentences and other texts in a row, with the same between all: `10.4.0.1:443 · 200 probes`."""
    values = {f"part{place}": part for place, part in enumerate(parts)}
    apart = any(isinstance(part, Sentence) and part.apart for part in values.values())
    return Sentence(glue.join(values.values()), glue, values, glued=True, apart=apart)


def kept(template: str, plural: str = "") -> Kept:
    """Declare a sentence that may stand in a record, once, where its module begins."""
    found = Kept(template, plural)
    KEPT.append(found)
    return found
