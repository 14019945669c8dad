"""What a bulk action would do, in sentences: one card an action, with the button that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from tasks_app.engine.bulk import Action
from tasks_app.engine.deleted import MOST
from tasks_app.engine.preview import Preview
from tasks_app.engine.task import RETRYABLE, RUNNING, Status
from tasks_app.presenters import words

Counted = Callable[[int], str]
_LEFT: Mapping[Status, Counted] = {
    Status.SCHEDULED: lambda n: ngettext("%(count)s waits for its time.", "%(count)s wait for their time.", n),
    Status.PENDING: lambda n: ngettext("%(count)s waits for a slot.", "%(count)s wait for a slot.", n),
    Status.PROCESSING: lambda n: ngettext("%(count)s runs.", "%(count)s run.", n),
    Status.RETRYING: lambda n: ngettext("%(count)s waits for its next attempt.", "%(count)s wait for their next attempt.", n),
    Status.CANCELLING: lambda n: ngettext("%(count)s is being stopped already.", "%(count)s are being stopped already.", n),
    Status.COMPLETED: lambda n: ngettext("%(count)s is completed.", "%(count)s are completed.", n),
    Status.FAILED: lambda n: ngettext("%(count)s has failed.", "%(count)s have failed.", n),
    Status.CANCELLED: lambda n: ngettext("%(count)s is cancelled.", "%(count)s are cancelled.", n),
    Status.INTERRUPTED: lambda n: ngettext("%(count)s was interrupted.", "%(count)s were interrupted.", n),
}
_ASKED: Mapping[Action, Counted] = {
    Action.CANCEL: lambda n: ngettext("Cancel %(count)s task?", "Cancel %(count)s tasks?", n),
    Action.RETRY: lambda n: ngettext("Retry %(count)s task?", "Retry %(count)s tasks?", n),
    Action.DELETE: lambda n: ngettext("Delete %(count)s task?", "Delete %(count)s tasks?", n),
}
_DONE: Mapping[Action, Counted] = {
    Action.CANCEL: lambda n: ngettext("Cancel %(count)s task", "Cancel %(count)s tasks", n),
    Action.RETRY: lambda n: ngettext("Retry %(count)s task", "Retry %(count)s tasks", n),
    Action.DELETE: lambda n: ngettext("Delete %(count)s task", "Delete %(count)s tasks", n),
}
_BEGUN: Mapping[Action, Counted] = {
    Action.CANCEL: lambda n: ngettext("%(count)s task is being cancelled.", "%(count)s tasks are being cancelled.", n),
    Action.RETRY: lambda n: ngettext("%(count)s task goes again.", "%(count)s tasks go again.", n),
    Action.DELETE: lambda n: ngettext("%(count)s task is being deleted.", "%(count)s tasks are being deleted.", n),
}
_ICONS = {Action.CANCEL: "stop", Action.RETRY: "retry", Action.DELETE: "trash"}


class Card(Struct, frozen=True):
    """One action: the question, what is to be known beforehand, each as a sentence, and the words on its button; no button, no `does`."""

    action: str
    asked: str
    notes: list[str]
    does: str
    icon: str
    danger: bool


def card(found: Preview) -> Card:
    """The card of an action as it was counted."""
    asked = _said(_ASKED[found.action], found.acts) if found.acts else _nothing(found.action)
    does = _said(_DONE[found.action], found.acts) if found.acts else ""
    return Card(found.action.value, asked, _notes(found), does, _ICONS[found.action], found.action is Action.DELETE)


def matched(found: Preview) -> str:
    """How many tasks are meant: `4,312 tasks match.`"""
    return _said(lambda n: ngettext("%(count)s task matches.", "%(count)s tasks match.", n), found.matched)


def begun(action: Action, able: int, chosen: int) -> str:
    """What a toast says of an action on a few tasks, of which it is for so many."""
    said = _said(_BEGUN[action], able) if able else _nothing(action)
    if not able or able == chosen:
        return said
    rest = _said(lambda n: ngettext("%(count)s other is left as it is.", "%(count)s others are left as they are.", n), chosen - able)
    return f"{said} {rest}"


def _notes(found: Preview) -> list[str]:
    notes = []
    if found.left and found.acts:
        notes.append(_("Left as they are:"))
    notes += [_said(_LEFT[status], count) for status, count in found.left.items()]
    if found.action is Action.RETRY and (own := sum(count for status, count in found.own.items() if status in RETRYABLE)):
        notes.append(_said(lambda n: ngettext("%(count)s of them is a bulk action.", "%(count)s of them are bulk actions.", n), own))
    if found.elsewhere:
        notes.append(_said(_elsewhere, found.elsewhere))
    running, going_on = (sum(counts.get(status, 0) for status in RUNNING) for counts in (found.statuses, found.foreign))
    if found.action is Action.DELETE and running > going_on:
        notes.append(_said(lambda n: ngettext("%(count)s runs, and is stopped.", "%(count)s run, and are stopped.", n), running - going_on))
    if found.action is Action.DELETE and going_on:
        notes.append(_said(_goes_on, going_on))
    if found.action is Action.DELETE and found.acts:
        notes.append(_("This can be undone for 10 seconds after its end.") if found.acts <= MOST else _bounded())
    return notes


def _elsewhere(count: int) -> str:
    return ngettext("%(count)s of them is seen through by another program.", "%(count)s of them are seen through by other programs.", count)


def _goes_on(count: int) -> str:
    return ngettext("%(count)s runs in another program, and goes on there.", "%(count)s run in other programs, and go on there.", count)


def _bounded() -> str:
    return _("For 10 seconds after its end the last %(count)s can be brought back.") % {"count": words.count(MOST)}


def _nothing(action: Action) -> str:
    return {
        Action.CANCEL: _("There is nothing to cancel."),
        Action.RETRY: _("There is nothing to retry."),
        Action.DELETE: _("There is nothing to delete."),
    }[action]


def _said(sentence: Counted, count: int) -> str:
    return sentence(count) % {"count": words.count(count)}
