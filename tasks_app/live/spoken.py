"""A window as its viewers read it: whatever it renders is in their language, and made once for all who saw the same. Viewers of another
language look through another window."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import translation
from msgspec.structs import replace

from tasks_app.live.window import Seen, Tick, Window
from tasks_app.presenters.sentences import translated


class Spoken:
    """See Window, for every method."""

    def __init__(self, language: str, make: Callable[[], Window]) -> None:
        self._language = language
        with translation.override(language):
            self._window = make()
        self._texts: dict[Seen | None, str] = {}  # made since the last tick, by what their viewers had; None: a snapshot
        self.seen = self._window.seen

    @property
    def numbers(self) -> frozenset[int]:
        """See Window."""
        return self._window.numbers

    def tick(self, tick: Tick) -> None:
        """See Window."""
        self._texts.clear()
        with translation.override(self._language):
            self._window.tick(replace(tick, notice=translated(tick.notice)) if tick.notice else tick)
        now = self._window.seen
        if now != self.seen:
            self.seen = now

    def snapshot(self) -> str:
        """See Window."""
        return self._texts.get(None) or self._made(None)

    def delta(self, seen: Seen) -> str:
        """See Window."""
        return self._texts.get(seen) or self._made(seen)

    def _made(self, seen: Seen | None) -> str:
        with translation.override(self._language):
            text = self._texts[seen] = self._window.snapshot() if seen is None else self._window.delta(seen)
        return text
