"""How long runs took, counted so that quantiles can be told of any number of them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

_STEP = math.log(1.1)  # a bucket is 10 % wide, so a quantile is within 5 %
_SMALLEST = 1e-4  # seconds


class Durations:
    """How long runs took: buckets that grow by 10 %, from 0.1 ms to days, so that minutes and hours are as exact as seconds."""

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.longest = 0.0
        self._buckets: Counter[int] = Counter()

    def add(self, seconds: float, times: int = 1) -> None:
        """Take a duration in, once or so many times."""
        self.count += times
        self.total += seconds * times
        if seconds > self.longest:
            self.longest = seconds
        self._buckets[round(math.log(seconds / _SMALLEST) / _STEP) if seconds > _SMALLEST else 0] += times

    def take_in(self, other: Durations) -> None:
        """Count all that another one has counted as well."""
        self.count += other.count
        self.total += other.total
        self.longest = max(self.longest, other.longest)
        self._buckets.update(other._buckets)

    @property
    def mean(self) -> float | None:
        """Mean in seconds."""
        return self.total / self.count if self.count else None

    def at_most(self, seconds: float) -> int:
        """How many runs took no longer than that."""
        last = math.log(max(seconds, _SMALLEST) / _SMALLEST) / _STEP
        return sum(count for bucket, count in list(self._buckets.items()) if bucket <= last)

    def quantile(self, share: float) -> float | None:
        """The duration that this share of runs did not exceed, in seconds."""
        wanted = share * self.count
        for bucket, count in sorted(self._buckets.items()):
            wanted -= count
            if wanted <= 0:
                return _SMALLEST * math.exp(bucket * _STEP)
        return None

    def spread(self, edges: Sequence[float]) -> list[int]:
        """How many runs took from each edge to the next, within 5 %; edges are seconds, rising. What is shorter than the first is counted
        with the first, what is longer than the last with the last."""
        found = [0] * (len(edges) - 1)
        for bucket, count in list(self._buckets.items()):
            place = bisect_right(edges, _SMALLEST * math.exp(bucket * _STEP)) - 1
            found[min(max(place, 0), len(found) - 1)] += count
        return found
