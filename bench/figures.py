"""What a question found that is no race: one figure, beside what was wanted of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """`what` was looked at, what was `found`, in words with its unit; what was `wanted`, empty for nothing, and whether that was `met`."""

    what: str
    found: str
    wanted: str = ""
    met: bool | None = None


def at_most(what: str, value: float, bound: float, unit: str, digits: int = 1) -> Found:
    """A figure that is to be small."""
    return Found(what, _said(value, unit, digits), f"at most {bound:,g} {unit}", value <= bound)


def told(what: str, value: float, unit: str, digits: int = 1) -> Found:
    """A figure of which nothing was wanted."""
    return Found(what, _said(value, unit, digits))


def _said(value: float, unit: str, digits: int) -> str:
    return f"{value:,.{digits}f} {unit}".rstrip()
