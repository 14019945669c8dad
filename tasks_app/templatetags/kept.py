"""`{% kept a b %}…{% endkept %}`: a part of a page that says the same wherever `a`, `b`, the language and the place of the pages are the
same. It is rendered once for each.

Django's own `cache` tag keeps such parts in a cache of the project's choice, which may be far away; these are strings in this process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.template.context import Context
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

MOST = 64  # of one part; what it is kept by has few values, or it is not worth keeping
register = template.Library()


class Kept(template.Node):
    """The part, and what was rendered of it."""

    def __init__(self, parts: NodeList, by: Sequence[FilterExpression]) -> None:
        self.nodelist = parts  # where Django looks for the nodes within a node
        self._by = by
        self._made: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        """As it was the first time."""
        key = (get_language(), get_script_prefix(), *[bool_or_text(one.resolve(context)) for one in self._by])
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= MOST:
                self._made.clear()
            found = self._made[key] = self.nodelist.render(context)
        return found


def bool_or_text(value: Any) -> Any:
    """What a part is kept by: texts by what they say, all else by whether it is there."""
    return value if isinstance(value, str) else bool(value)


@register.tag
def kept(parser: Parser, token: Token) -> Kept:
    """Keep what stands between this and `endkept`."""
    _name, *by = token.split_contents()
    parts = parser.parse(("endkept",))
    parser.delete_first_token()
    return Kept(parts, [parser.compile_filter(one) for one in by])
