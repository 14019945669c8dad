"""Frames: what goes down the socket, as JSON text.

A snapshot holds all a page shows; a delta what changed since the frame of version `base`; a heartbeat says that nothing did.
Slots carry whole contents, so applying one twice does no harm. An error says what was wrong with a message of the page, as the API would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

Slots = dict[str, str]


class Log(Struct, frozen=True):
    """Lines of a task's log as HTML, in order; `seq` is the number of the last one. `reset`: these replace what is shown."""

    seq: int
    html: str
    reset: bool = False


class Notice(Struct, frozen=True):
    """A sentence that concerns everybody, empty when there is none."""

    text: str


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message. `rows` maps an id to its changed slots; `added`, and a snapshot's `rows`, to whole rows; `order` is sent when
    it changed."""

    epoch: str
    version: int
    base: int | UnsetType = UNSET
    snapshot: bool = False
    order: Sequence[str] | UnsetType = UNSET
    rows: dict[str, Any] | UnsetType = UNSET
    added: dict[str, str] | UnsetType = UNSET
    removed: Sequence[str] | UnsetType = UNSET
    counters: dict[str, int] | UnsetType = UNSET
    more: Sequence[str] | UnsetType = UNSET  # counters of which not all tasks were looked at, so that they may be higher
    tally: str | UnsetType = UNSET  # the sentence that says how far one looked for them
    totals: dict[str, int] | UnsetType = UNSET  # of the views that always exist, whatever this page's filter is
    new_count: int | UnsetType = UNSET
    range: str | UnsetType = UNSET  # the sentence that says which part of the list this is
    busy: int | UnsetType = UNSET  # slots in use
    log: Log | UnsetType = UNSET
    notice: Notice | UnsetType = UNSET

    def text(self) -> str:
        """The frame as it travels."""
        return encode(self, enc_hook=_plain).decode()


class Error(Struct, frozen=True, omit_defaults=True):
    """What was wrong with a message: the status that HTTP would have, a code that stays the same, a sentence, and the field it is about."""

    status: int
    code: str
    message: str
    field: str | None = None

    def text(self) -> str:
        """As it travels: `{"error": {…}}`."""
        return encode({"error": self}).decode()


def _plain(value: Any) -> str:
    """Rendered HTML is a SafeString, and msgspec knows plain text alone."""
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(f"A frame cannot hold a {type(value).__name__}.")
