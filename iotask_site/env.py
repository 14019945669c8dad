"""Typed readers of the environment. A wrong value stops the start with one sentence: the variable, its value, what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")


class WrongSetting(Exception):
    """A variable of the environment has a value that is not allowed."""


class Environment:
    """Reads variables by name. A variable that is set but empty counts as not set."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str, default: str = "", *, allowed: tuple[str, ...] = ()) -> str:
        """The text as it is, or one of the words `allowed` (upper or lower case)."""
        value = self._raw(name)
        if value is None:
            return default
        if not allowed:
            return value
        if value.lower() not in allowed:
            raise _wrong(name, value, f"one of {', '.join(allowed)}")
        return value.lower()

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        value = self._raw(name)
        return default if value is None else _integer(name, value, value, low, high)

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """A finite number from `low` to `high`."""
        value = self._raw(name)
        if value is None:
            return default
        wanted = f"a number from {low:g} to {high:g}"
        try:
            found = float(value)
        except ValueError:
            raise _wrong(name, value, wanted) from None
        if not math.isfinite(found) or not low <= found <= high:
            raise _wrong(name, value, wanted)
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no, in the usual words."""
        value = self._raw(name)
        if value is None:
            return default
        if value.lower() not in _TRUE + _FALSE:
            raise _wrong(name, value, f"one of {', '.join(_TRUE)}, or one of {', '.join(_FALSE)}")
        return value.lower() in _TRUE

    def items(
        self, name: str, default: tuple[str, ...] = (), *, each: str = r".+", wanted: str = "texts, set apart by commas"
    ) -> tuple[str, ...]:
        """A list set apart by commas; every item must match the regular expression `each` in full."""
        value = self._raw(name)
        if value is None:
            return default
        found = tuple(part.strip() for part in value.split(",") if part.strip())
        if not all(re.fullmatch(each, part) for part in found):
            raise _wrong(name, value, wanted)
        return found

    def counts(self, name: str, *, low: int, high: int) -> dict[str, int]:
        """Whole numbers by name: `a=1,b=2`."""
        wanted = f"names with whole numbers from {low} to {high}, such as a={low},b={high}, each name once"
        found: dict[str, int] = {}
        for part in self.items(name):
            key, _, count = (piece.strip() for piece in part.partition("="))
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", key) or key in found:
                raise _wrong(name, self._variables[name], wanted)
            found[key] = _integer(name, count, self._variables[name], low, high, wanted)
        return found

    def path(self, name: str, default: str, *, base: Path) -> Path:
        """A path; one that is not absolute begins at `base`, and `~` is the home folder."""
        value = self._raw(name) or default
        try:
            return base / Path(value).expanduser()
        except (RuntimeError, ValueError):
            raise _wrong(name, value, "a path of a file or folder") from None

    def optional_path(self, name: str, *, base: Path) -> Path | None:
        """The same, None where it is not set."""
        return self.path(name, "", base=base) if self._raw(name) else None

    def _raw(self, name: str) -> str | None:
        return self._variables.get(name, "").strip() or None


def _integer(name: str, text: str, value: str, low: int, high: int, wanted: str = "") -> int:
    wanted = wanted or f"a whole number from {low} to {high}"
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text) or not low <= int(text) <= high:
        raise _wrong(name, value, wanted)
    return int(text)


def _wrong(name: str, value: str, wanted: str) -> WrongSetting:
    shown = value if len(value) <= 80 else value[:79] + "…"
    return WrongSetting(f"{name} is {shown!r}; allowed: {wanted}.")
