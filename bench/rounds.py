"""Contestants in rounds: each has its turn in every round, so that the noise of the machine falls on all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "IoTask"


@dataclass(frozen=True)
class Race:
    """What each contestant reached in each round; more is better. `ratios` are the least ones wanted of ours to a peer's, by the peer's
    name; `least` is what is wanted of ours alone, None for nothing."""

    what: str
    unit: str
    rounds: Mapping[str, Sequence[float]]
    ratios: Mapping[str, float] = field(default_factory=dict)
    least: float | None = None

    def median(self, name: str) -> float:
        """The middle of a contestant's rounds."""
        return statistics.median(self.rounds[name])

    def to(self, peer: str) -> list[float]:
        """Ours to a peer's, round by round."""
        return [mine / theirs for mine, theirs in zip(self.rounds[OURS], self.rounds[peer], strict=True)]

    def ratio(self, peer: str) -> float:
        """The middle of the ratios of ours to a peer's."""
        return statistics.median(self.to(peer))

    def met(self, name: str) -> bool | None:
        """Whether what was wanted of ours, alone or beside this peer, was reached; None where nothing was wanted."""
        if name == OURS:
            return None if self.least is None else self.median(OURS) >= self.least
        return self.ratio(name) >= self.ratios[name] if name in self.ratios else None


def alternate(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Have each contestant do its work once a round; whoever was first is last in the next. By name, what they reached."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for _ in range(rounds):
        for name in order:
            found[name].append(contestants[name]())
        order.append(order.pop(0))
    return found
