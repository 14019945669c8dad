"""The page of one schedule: its head, its last runs, its next runs and what it launches."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tasks_app.engine.errors import NotFound
from tasks_app.engine.schedule import Schedule
from tasks_app.presenters import schedules, times, words
from tasks_app.presenters.facts import plain
from tasks_app.presenters.schedule_form import Preview, missed_word, preview
from tasks_app.presenters.schedule_runs import runs
from tasks_app.rendering import render_to_string
from tasks_app.runtime import Runtime

MOST_VALUE = 500  # characters of a param's value


def parts(now: Runtime, schedule_id: str) -> dict[str, str]:
    """The pieces of the page as HTML, by name. Raises NotFound."""
    found = now.schedules.get(schedule_id)
    at = now.engine.clock.time()
    return {
        "head": render_to_string("schedules/head.html", {"row": schedules.row(now, found, at)}),
        "runs": render_to_string("schedules/runs.html", {"runs": runs(now, found)}),
        "facts": render_to_string("schedules/facts.html", {"preview": _preview(found, at), "facts": facts(found), "params": params(found)}),
    }


def board(now: Runtime, rest: str, asked: Mapping[str, str]) -> Callable[[Runtime], dict[str, str]]:
    """What makes the live pieces: of one schedule, or of the list as its URL asks for it. Raises NotFound."""
    if rest:
        now.schedules.get(rest)
        return lambda now: _as_it_is(now, rest)
    wanted = schedules.asked_of(asked)
    return lambda now: schedules.parts(now, wanted)


def _as_it_is(now: Runtime, schedule_id: str) -> dict[str, str]:
    """The pieces; once it is deleted, one that says so."""
    try:
        return parts(now, schedule_id)
    except NotFound:
        return {"head": render_to_string("schedules/gone.html"), "runs": "", "facts": ""}


def _preview(found: Schedule, at: float) -> Preview:
    if found.paused_at is not None:
        return Preview(why=_("It is paused: nothing runs until it is resumed."))
    return preview(found.cron, found.timezone, at)


def _left_out(found: Schedule) -> str:
    if found.missed_more:
        said = ngettext("%(count)s time or more", "%(count)s times or more", found.missed_count)
    else:
        said = ngettext("%(count)s time", "%(count)s times", found.missed_count)
    return said % {"count": words.count(found.missed_count)}


def facts(found: Schedule) -> list[tuple[str, str]]:
    """What there is to say of it, name by name."""
    told = [
        (_("Cron line"), found.cron),
        (_("Time zone"), found.timezone),
        (_("Missed runs"), missed_word(found.missed)),
        (_("Runs"), words.count(found.run_count)),
    ]
    if found.missed_count:
        told.append((_("Left out"), _left_out(found)))
    told.append((_("Made"), times.moment(found.created_at)))
    if found.by:
        told.append((_("By"), found.by))
    if found.tags:
        told.append((_("Tags"), " ".join(f"#{tag}" for tag in found.tags)))
    if found.priority:
        told.append((_("Priority"), str(found.priority)))
    if found.timeout is not None:
        told.append((_("Time limit"), words.span(found.timeout)))
    if found.max_attempts is not None:
        told.append((_("Attempts"), words.count(found.max_attempts)))
    if found.webhook is not None:
        told.append((_("Webhook"), found.webhook.shown))
    return told


def params(found: Schedule) -> list[tuple[str, str]]:
    """Its params, secrets masked."""
    given = json.loads(found.params)
    return [(name, plain(value)[:MOST_VALUE]) for name, value in given.items()] or [(_("None"), "")]
