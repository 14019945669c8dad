"""Launches that come in one turn of a loop are made together: one bundle for the engine, one write to the books, and then all answers.

Each by itself would go through the store's lock, everybody who listens to it, and a write that lets other threads go first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tasks_app import lane
from tasks_app.auth.audit import audit
from tasks_app.engine.loops import EachLoop

Told = Callable[[lane.Became, bool], object]


class TurnOfLaunches:
    """What is to be launched in this turn of one loop."""

    def __init__(self) -> None:
        self._asked: list[lane.Asked] = []
        self._told: list[Told] = []
        self._let_in: lane.LetIn = {}

    @property
    def let_in(self) -> lane.LetIn:
        """Who was let in in this turn. The next one asks anew."""
        if not self._let_in:
            asyncio.get_running_loop().call_soon(self._let_in.clear)
        return self._let_in

    def enter(self, asked: lane.Asked, told: Told) -> None:
        """Launch it at the end of this turn. `told` hears what became of it, and whether what was made is safe, and in the books, as far as
        that can be."""
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._carry_out)
        self._asked.append(asked)
        self._told.append(told)

    def _carry_out(self) -> None:
        asked, told = self._asked, self._told
        self._asked, self._told = [], []
        found = lane.carried_out(asked)
        is_safe = lane.is_safe()
        if is_safe:
            found = _written_down(found)
        for tell, became in zip(told, found, strict=True):
            try:
                tell(became, is_safe)
            except Exception as error:  # of one of them, which is nothing to the others
                asyncio.get_running_loop().call_exception_handler({"message": "after a launch", "exception": error})


def _written_down(found: list[lane.Became]) -> list[lane.Became]:
    """The same, once the lines of those that were made are in the books; with what is raised in place of those, where they are not."""
    entries = [made.entry for made in found if isinstance(made, lane.Made) and made.entry is not None]
    try:
        if entries:
            audit.keep(entries)
    except Exception as error:
        return [error if isinstance(made, lane.Made) and made.entry is not None else made for made in found]
    return found


turn_of_launches = EachLoop(TurnOfLaunches)
