"""Histograms with fixed bounds for monitoring, from a millisecond to a day: a step to count, exact where the bounds are."""

from __future__ import annotations

from bisect import bisect_left

from msgspec import Struct

BOUNDS = (0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)  # seconds, each included


class Buckets:
    """How often something took how long."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count one, or so many."""
        self.counts[bisect_left(BOUNDS, seconds)] += times
        self.total += seconds * times


class TypeCounts(Struct):
    """What one task type did since the start: `took` by final status, over all attempts; `waited` before each attempt; attempts that ended,
    by outcome; attempts that another one follows by itself."""

    took: dict[str, Buckets]
    waited: Buckets
    attempts: dict[str, int]
    retries: int = 0


def no_counts() -> TypeCounts:
    """Nothing counted yet."""
    return TypeCounts({}, Buckets(), {})
