"""What a page may say through its socket: `{"ack": version}`, `{"snapshot": version}`, `{"hold": true | false}`, one name in each message.

The text is read as strictly as a body of the API. What is wrong is answered with an error frame; what has an effect is refused: effects go
over HTTP, where each is looked at by itself.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tasks_app.strict_json import NotStrict, decode

_WORDS: dict[str, type[int]] = {"ack": int, "snapshot": int, "hold": bool}
_ACK = re.compile(r'\{"ack":(0|[1-9][0-9]{0,14})\}')
_EFFECTS = frozenset({"launch", "start", "cancel", "force", "retry", "rerun", "delete", "restore", "undo", "pause", "resume", "limit"})


class Said(NamedTuple):
    """A message that was understood: its word, and the version or the yes or no that stands with it."""

    word: str
    value: int


class Wrong(Exception):
    """A message that was not: `status`, `code` and `field` as the API would say them; `effect` is what it asks for, if anything."""

    def __init__(self, status: int, code: str, detail: str, field: str | None = None, effect: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.effect = effect


def acknowledged(text: str) -> int | None:
    """The version of an `ack` as our own pages write it, found without a look at anything else; None for any other message."""
    found = _ACK.fullmatch(text)
    return int(found[1]) if found else None


def understood(text: str) -> Said:
    """A message. Raises Wrong."""
    try:
        given = decode(text.encode())
    except NotStrict as wrong:
        raise Wrong(wrong.status, wrong.code, wrong.detail, wrong.field) from None
    if effect := _effect(given):
        raise Wrong(403, "not_over_a_socket", "What has an effect goes over HTTP.", effect=effect)
    for word in given:
        if word not in _WORDS:
            raise Wrong(422, "unknown_message", f"{word[:80]!r} is nothing to say here; {', '.join(_WORDS)} are.", word[:80])
    if len(given) != 1:
        raise Wrong(422, "one_message", f"A message has one of {', '.join(_WORDS)}.", "body")
    word, value = next(iter(given.items()))
    if type(value) is not _WORDS[word] or value < 0:  # a boolean is an integer to Python, and to nobody else
        wanted = "true or false" if _WORDS[word] is bool else "a version: an integer from 0"
        raise Wrong(422, "wrong_value", f"{word} has to be {wanted}.", word)
    return Said(word, value)


def _effect(given: dict[str, Any]) -> str:
    return next((word for word in (*given, *given.values()) if isinstance(word, str) and word in _EFFECTS), "")
