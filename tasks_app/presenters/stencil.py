"""Templates that are rendered once and then filled: a row costs what joining its strings costs.

A slot's template says what stands where; which of its branches are taken depends on nothing but which values are there. So it is
rendered once for each language and each such pattern, with marks in place of the values, and cut at the marks. Filling it puts the
values, escaped, between the pieces. A template used like this may print values and ask whether they are there; filters, loops and
comparisons of values belong elsewhere.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from tasks_app.rendering import get_template

OPEN, CLOSE = "\ue000", "\ue001"  # private use: no template of ours has them, and values are not searched for them
Value = str | bool | int


def filled(template: str, **values: Value) -> SafeString:
    """The template with these values. A flag (bool) only chooses branches; texts are escaped unless they are safe."""
    texts = {name: value if isinstance(value, str) else str(value) for name, value in values.items() if not isinstance(value, bool)}
    flags = tuple((name, value) for name, value in values.items() if isinstance(value, bool))
    there = tuple((name, bool(text)) for name, text in texts.items())
    first, pieces = _cut(template, get_language(), flags, there)
    return mark_safe(first + "".join([_escaped(texts[name]) + after for name, after in pieces]))  # noqa: S308 - escaped here


def _escaped(text: str) -> str:
    return text if isinstance(text, SafeString) else escape(text)  # what Django's own does, without its care for lazy texts


@lru_cache(maxsize=1024)
def _cut(
    template: str, language: str | None, flags: tuple[tuple[str, bool], ...], there: tuple[tuple[str, bool], ...]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    marks = {name: mark_safe(f"{OPEN}{name}{CLOSE}") if given else "" for name, given in there}  # noqa: S308 - ours
    rendered = get_template(template).render({**marks, **dict(flags)}).strip()
    first, *rest = rendered.split(OPEN)
    pieces = tuple((name, after) for name, _mark, after in (part.partition(CLOSE) for part in rest))
    return first, pieces
