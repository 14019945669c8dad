"""What a trial found, beside what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One promise: `what` is looked at, what is `wanted`, what was `found`, and whether that `holds`. `timed` ones depend on the
    machine as well: the suite, which may run beside anything, does not judge by them."""

    what: str
    wanted: str
    found: str
    holds: bool
    timed: bool = False


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which that part of them lies, by the nearest rank; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def in_ms(seconds: float) -> str:
    """1234.5 ms and the like."""
    return f"{seconds * 1000:,.1f} ms"


def in_mib(size: float) -> str:
    """12.3 MiB and the like, of bytes."""
    return f"{size / 2**20:,.1f} MiB"
