"""The shape of a message: what stays of it when all that varies from one task to the next is taken out.

    pay.example.org:443 answered 503 after 2.5 s   ->   … answered 503 after … s

Numbers, ids, addresses, paths and quoted text vary. So that two kinds of failure are not taken for one, a number behind a word such as
"status" or "errno" stays. Each character is looked at a few times at most, whatever a message is made of.
"""

from __future__ import annotations

import re
from functools import lru_cache

GAP = "…"
MOST = 300  # characters of a message that are looked at: what differs only behind them has one shape
_QUOTED = re.compile(r"\"[^\"]*\"|“[^“”]*”|«[^«»]*»|‘[^‘’]*’|`[^`]*`|<[^<>]+>|\[[0-9A-Fa-f:.%]+\]|(?<!\w)'[^']*'(?!\w)")
_OPENING, _CLOSING = "([{", ")]}.,;:!?"
_VARIES = re.compile(r"[0-9@\\]|::|\w[/.]\w|^[/~]|://")
_BEFORE_CODES = frozenset({"status", "code", "errno", "error", "exit", "signal", "http", "answered", "returned"})
_CODE = re.compile(r"-?[0-9]{1,4}")
_NAMED_CODE = re.compile(r"(?:\w+_)?(\w+)[=:#](-?[0-9]{1,4})")
_GAPS = re.compile(rf"{GAP}(?:[ ,;:/&=]*{GAP})+")


@lru_cache(maxsize=2048)
def shape_of(message: str) -> str:
    """A message, in one line, with GAP for each stretch that varies."""
    words = _QUOTED.sub(GAP, message[:MOST]).split()
    return _GAPS.sub(GAP, " ".join(map(_without, words, ["", *words])))


def _without(word: str, before: str) -> str:
    """A word, or what stands around it where it varies. `before` is the word before."""
    if not _VARIES.search(word):
        return word
    inner = word.lstrip(_OPENING)
    core = inner.rstrip(_CLOSING)
    named = _NAMED_CODE.fullmatch(core)
    if _CODE.fullmatch(core) and before.strip("([{:=#").lower() in _BEFORE_CODES:
        return word
    if named and named[1].lower() in _BEFORE_CODES:
        return word
    return f"{word[: len(word) - len(inner)]}{GAP}{inner[len(core) :]}" if _VARIES.search(core) else word
