"""The map of all routes, as the resolver knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver
from django.urls.resolvers import URLPattern


def routes() -> Iterator[tuple[str, URLPattern]]:
    """Every route as a match names it, with its pattern."""
    yield from _below(get_resolver().url_patterns, "")


def _below(patterns: Any, prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        text = str(pattern.pattern)
        route = prefix + text.removeprefix("^") if prefix else text
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from _below(pattern.url_patterns, route)
