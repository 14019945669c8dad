"""Tokens for scripts as the settings page lists them: whose, what they may do, when and how often they are shown. Never the token."""

from __future__ import annotations

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from msgspec import Struct

from tasks_app.auth.access import Access
from tasks_app.auth.uses import Use
from tasks_app.presenters import times, words
from tasks_app.presenters.activity_words import visible


class Row(Struct, frozen=True):
    """A token."""

    label: str
    role: str
    address: str
    used: SafeString | str
    calls: str


def tokens(access: Access) -> list[Row]:
    """All of them, in the order in which they are set."""
    return [_row(token.label, token.role, access.use_of(token)) for token in access.tokens]


def _row(label: str, role: str, use: Use | None) -> Row:
    if use is None:
        return Row(label, role, _("nowhere yet"), _("never"), words.count(0))
    return Row(label, role, visible(use.address), times.past(use.at), words.count(use.calls))
