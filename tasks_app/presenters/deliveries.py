"""The webhooks of a task as its page shows them: one card for each delivery, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.task import Status
from tasks_app.presenters import times, words
from tasks_app.presenters.clocks import time_of_day
from tasks_app.presenters.sentences import translated
from tasks_app.webhooks.delivery import Delivery, State, Try

_STATUS = {State.PENDING: Status.RETRYING, State.DELIVERED: Status.COMPLETED, State.FAILED: Status.FAILED}  # whose colour and sign it has


class Line(Struct, frozen=True):
    """One try: when, what came of it, how long it took."""

    at: SafeString
    said: str
    length: str


class Card(Struct, frozen=True):
    """A delivery. `status` is that of the task status it looks like; `next` says when the next try is due, `why` why there is none."""

    id: str
    status: str
    word: str
    event: str
    url: str
    tried: str
    next: SafeString | str
    why: str
    lines: tuple[Line, ...]
    open: bool


def cards(deliveries: Sequence[Delivery]) -> tuple[Card, ...]:
    """The cards of a task's deliveries."""
    return tuple(_card(one, one is deliveries[-1]) for one in reversed(deliveries))


def _card(one: Delivery, newest: bool) -> Card:
    return Card(
        id=one.id,
        status=_STATUS[one.state].value,
        word=_word(one),
        event=one.event,
        url=one.hook.shown,
        tried=ngettext("%(count)s try", "%(count)s tries", one.tried) % {"count": words.count(one.tried)} if one.tried else "",
        next=times.until(one.next_at, _("next try in {}")) if one.next_at is not None and one.tried else "",
        why=translated(one.why),
        lines=tuple(_line(found) for found in reversed(one.tries)),
        open=newest and one.state is not State.DELIVERED,
    )


def _word(one: Delivery) -> str:
    if one.state is State.DELIVERED:
        return _("Delivered")
    if one.state is State.FAILED:
        return _("Not delivered")
    return _("Not taken yet") if one.tried else _("About to be sent")


def _line(found: Try) -> Line:
    said = translated(found.error) or _("It answered %(status)s") % {"status": found.status}
    return Line(time_of_day(found.at), said, words.took(found.seconds))
