"""Searches on a web loop: a slice of one search in each turn, so that neither long ones nor many hold up anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TypeVar
from weakref import WeakKeyDictionary

from tasks_app.engine.query import Page, Query
from tasks_app.engine.search import Tally
from tasks_app.engine.shelf import Shelf
from tasks_app.turnstile import Turnstile

Found = TypeVar("Found")
_lines: WeakKeyDictionary[asyncio.AbstractEventLoop, Turnstile] = WeakKeyDictionary()


async def page_of(shelf: Shelf, query: Query, limit: int, most: int | None = None) -> Page:
    """One page, as Shelf.page finds it; where tasks are looked at one by one, others have their turns meanwhile."""
    if not query.searches:
        return shelf.page(query, limit)
    return await _in_turns(shelf.searching(query, limit, most))


async def tally_of(shelf: Shelf, query: Query, most: int | None = None) -> Tally:
    """How many tasks of each status a search finds; see Shelf.tallying."""
    return await _in_turns(shelf.tallying(query, most))


async def _in_turns(steps: Generator[None, None, Found]) -> Found:
    loop = asyncio.get_running_loop()
    line = _lines.setdefault(loop, Turnstile())
    found: asyncio.Future[Found] = loop.create_future()
    line.enter(lambda: _step(line, steps, found))
    return await found


def _step(line: Turnstile, steps: Generator[None, None, Found], found: asyncio.Future[Found]) -> None:
    if found.cancelled():
        return
    try:
        next(steps)
    except StopIteration as end:
        found.set_result(end.value)
    except Exception as error:
        found.set_exception(error)
    else:
        line.enter(lambda: _step(line, steps, found))
