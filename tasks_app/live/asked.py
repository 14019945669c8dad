"""What a list asks for in the address of its socket: the filter of its page, and the rows it holds."""

from __future__ import annotations

from urllib.parse import parse_qs

from tasks_app import runtime as composed
from tasks_app.engine.query import Query, parse_query
from tasks_app.presenters.held import held_in
from tasks_app.runtime import Runtime


def query_of(query_string: bytes) -> Query:
    """The filter in the page's URL. Raises InvalidValue."""
    found = parse_qs(query_string.decode("utf-8", "replace"))
    return parse_query(
        statuses=found.get("status", ()),
        types=found.get("type", ()),
        tags=found.get("tag", ()),
        text=" ".join(found.get("q", ())),
        sort=found.get("sort", ["-created"])[-1],
        cursor=found.get("cursor", [""])[-1],
        fields=composed.get().registry.fields,
    )


def held_rows(query_string: bytes, runtime: Runtime) -> tuple[str, ...]:
    """The ids of the rows a page says it shows and holds, in `held`."""
    return held_in(parse_qs(query_string.decode("utf-8", "replace")).get("held", [""])[-1], runtime)
