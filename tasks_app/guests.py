"""Who else brings task types to this process, and wants to hear what becomes of their tasks: the functions of a project around IoTask."""

from __future__ import annotations

from typing import Protocol

from tasks_app.engine.registry import Registry
from tasks_app.engine.store import Store


class Guest(Protocol):
    """Is asked when the runtime is built, before it takes up what an earlier process left, and told when it begins and ends."""

    def bring(self, registry: Registry) -> None:
        """Register what is known, and say where else to look for a name."""

    def move_in(self, store: Store) -> None:
        """What becomes of tasks can be heard from now on."""

    def move_out(self, store: Store) -> None:
        """Every task is settled: tell what is left to tell. May block."""


guests: list[Guest] = []


def bring(registry: Registry) -> None:
    """All of them bring their types."""
    for guest in guests:
        guest.bring(registry)


def move_in(store: Store) -> None:
    """All of them move in."""
    for guest in guests:
        guest.move_in(store)


def move_out(store: Store) -> None:
    """All of them move out."""
    for guest in guests:
        guest.move_out(store)
