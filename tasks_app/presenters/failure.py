"""A traceback as people read it: their own frames, with what belongs to libraries folded away."""

from __future__ import annotations

import re
import sysconfig
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

_FRAME = re.compile(r' {2}File "(?P<file>.+)", line (?P<line>\d+)(?:, in (?P<name>.+))?')
_MARKS = re.compile(r"\s*[\^~]+\s*")
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_HOME = Path(__file__).resolve().parents[2]
_BETWEEN = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


class Frame(Struct, frozen=True):
    """One place in the code; `hidden` instead says how many frames of libraries stood there, `text` a line that is no frame.

    `between` marks the text that leads from one exception to the next.
    """

    file: str = ""
    line: str = ""
    name: str = ""
    code: str = ""
    hidden: int = 0
    text: str = ""

    @property
    def between(self) -> bool:
        """Whether the text only joins two exceptions."""
        return self.text in _BETWEEN


@lru_cache(maxsize=64)
def frames(traceback: str) -> tuple[Frame, ...]:
    """The frames of a traceback's text, outermost first, with the lines between and after them."""
    found: list[Frame] = []
    folded = 0
    for part in _parts(traceback):
        head = _FRAME.fullmatch(part[0])
        if head and _library(head["file"]):
            folded += 1
            continue
        if folded:
            found.append(Frame(hidden=folded))
            folded = 0
        found.append(_frame(head, part[1:]) if head else Frame(text=part[0]))
    return (*found, Frame(hidden=folded)) if folded else tuple(found)


def _parts(traceback: str) -> list[list[str]]:
    parts: list[list[str]] = []
    inside = False
    for line in traceback.splitlines():
        if _FRAME.fullmatch(line):
            parts.append([line])
            inside = True
        elif inside and line.startswith("    "):
            parts[-1].append(line)
        elif line.strip() and not line.startswith("Traceback (most recent call last)"):
            parts.append([line.strip()])
            inside = False
    return parts


def _frame(head: re.Match[str], code: list[str]) -> Frame:
    kept = "\n".join(line[4:] for line in code if not _MARKS.fullmatch(line))
    return Frame(_short(head["file"]), head["line"], head["name"] or "", kept)


def _library(file: str) -> bool:
    return file.startswith(("<frozen", *_LIBRARIES)) or "site-packages" in file


def _short(file: str) -> str:
    return str(Path(file).relative_to(_HOME)) if Path(file).is_relative_to(_HOME) else file
