"""The keys of the dashboard, as their sheet tells them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from msgspec import Struct


class Line(Struct, frozen=True):
    """What a key does; `then`: they are pressed one after the other."""

    keys: tuple[str, ...]
    words: str
    then: bool = False


class Group(Struct, frozen=True):
    """Keys that go together."""

    title: str
    lines: list[Line]


def groups() -> list[Group]:
    """All of them."""
    shift = _("Shift")
    anywhere = [
        Line(("/",), _("Search")),
        Line(("n",), _("Launch a task")),
        Line(("t",), _("Change the theme")),
        Line(("z",), _("Undo what was deleted")),
        Line(("?",), _("These keys")),
        Line((_("Esc"),), _("Close what is open")),
    ]
    places = [
        Line(("g", "t"), _("Tasks"), then=True),
        Line(("g", "y"), _("Types"), then=True),
        Line(("g", "p"), _("Pulse"), then=True),
        Line(("g", "s"), _("Schedules"), then=True),
        Line(("g", "a"), _("Activity"), then=True),
    ]
    rows = [
        Line(("j", "k"), _("Next, previous row")),
        Line((_("Enter"),), _("Open the row")),
        Line(("x",), _("Select the row")),
        Line((shift, "x"), _("Select up to here")),
        Line((".",), _("Show the new rows")),
    ]
    task = [
        Line(("r",), _("Rerun, with a look at what it will be")),
        Line(("l",), _("Copy its link")),
        Line(("w",), _("Tell me when it ends")),
        Line((shift, "C"), _("Cancel, or force it to stop")),
        Line((shift, "R"), _("Retry")),
        Line((shift, "D"), _("Delete, with Undo")),
    ]
    return [
        Group(_("Anywhere"), anywhere),
        Group(_("Go to"), places),
        Group(_("In the list"), rows),
        Group(_("On a task, the row you are at, or what is selected"), task),
    ]
